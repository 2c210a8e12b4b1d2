from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gantool.data.annotations.finding import Folder
from gantool.data.layouts.choosing import arrange
from gantool.data.locations import Location

H, W = 20, 30
"""Size of every image."""


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str, Any], None]:
    """Writes a file into the set: None is an image, text stays text, other things become JSON."""

    def write(name: str, content: Any = None) -> None:
        path = tmp_path / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            Image.fromarray(np.random.default_rng(len(name)).integers(0, 256, (H, W), dtype=np.uint8)).save(path)
        elif isinstance(content, str | bytes):
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        else:
            path.write_text(json.dumps(content), encoding="utf-8")

    return write


@pytest.fixture
def opened(tmp_path: Path) -> Callable[[], Folder]:
    return lambda: Folder(tmp_path / "set", arrange(Location(tmp_path / "set")))


@pytest.fixture
def problems(opened: Callable[[], Folder]) -> Callable[[], list[str]]:
    return lambda: [str(problem) for problem in opened().problems()]
