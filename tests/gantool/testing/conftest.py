from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

GOOD = Path(__file__).parent / "good"


@pytest.fixture
def plant(site) -> Callable[..., None]:
    """Install the faultless plugin as `good`, after replacing texts of its modules, which must occur there."""

    def install(*changes: tuple[str, str]) -> None:
        sources = {file.stem: file.read_text() for file in GOOD.glob("*.py")}
        for old, new in changes:
            where = [name for name, source in sources.items() if old in source]
            assert where, f"{old!r} occurs nowhere"
            sources = {name: source.replace(old, new) for name, source in sources.items()}
        site.plant("good", sources["planted_good"])
        for name in ("planted_parts", "planted_storage"):
            (site.folder / f"{name}.py").write_text(sources[name])

    return install
