from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def png() -> Callable[..., bytes]:
    """A grey PNG of 8x12 px, of one value."""

    def encode(value: int, size: tuple[int, int] = (8, 12)) -> bytes:
        file = io.BytesIO()
        Image.fromarray(np.full(size, value, np.uint8)).save(file, format="PNG")
        return file.getvalue()

    return encode


@pytest.fixture
def tar() -> Callable[[Path, Mapping[str, bytes]], Path]:
    def write(path: Path, files: Mapping[str, bytes]) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(path, "w") as archive:
            for name, data in files.items():
                info = tarfile.TarInfo(name)
                info.size, info.mtime = len(data), 12345
                archive.addfile(info, io.BytesIO(data))
        return path

    return write


@pytest.fixture
def shards(tmp_path: Path, png, tar) -> Path:
    """Five shards of 3, 0, 4, 1 and 2 images, whose values are 0, 1, 2 and on."""
    value = 0
    for number, count in enumerate((3, 0, 4, 1, 2)):
        files = {}
        for _ in range(count):
            files |= {
                f"dir é/{value:03} x.png": png(value),
                f"dir é/{value:03} x.json": b"{}",
                f"dir é/{value:03} x.seg.png": png(255),
            }
            value += 1
        tar(tmp_path / "set" / f"part-{number:02}.tar", files or {"readme": b"none"})
    return tmp_path / "set"
