from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

GOOD = Path(__file__).parent / "good"


@pytest.fixture
def plant(site) -> Callable[..., None]:
    """Install the faultless plugin as `good`, after replacing texts of its two modules, which must occur there."""

    def install(*changes: tuple[str, str]) -> None:
        sources = {name: (GOOD / f"{name}.py").read_text() for name in ("planted_good", "planted_parts")}
        for old, new in changes:
            where = [name for name, source in sources.items() if old in source]
            assert where, f"{old!r} occurs nowhere"
            sources = {name: source.replace(old, new) for name, source in sources.items()}
        site.plant("good", sources["planted_good"])
        (site.folder / "planted_parts.py").write_text(sources["planted_parts"])

    return install
