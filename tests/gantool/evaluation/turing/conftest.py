from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gantool.evaluation.turing.study import Study


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    """A study with ten images of each kind; a picture is the bytes of its own name."""
    made = Study(tmp_path / "study.sqlite")
    made.note(seed="5", height="12", width="16", real="photos")
    for kind in ("real", "refined", "synthetic"):
        names = [f"{kind}-{number}" for number in range(10)]
        made.add_images(kind, names, [name.encode() for name in names])
    yield made
    made.close()
