"""Image files of every kind, made on the fly."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image


@dataclass(frozen=True)
class Kind:
    """A way to store an image, and what must be read from it."""

    name: str
    suffix: str
    channels: int
    dtype: type
    save: Callable[[np.ndarray, Path], None]
    """Stores (H, W, channels) pixels without loss."""


def _pillow(**options: object) -> Callable[[np.ndarray, Path], None]:
    def save(pixels: np.ndarray, path: Path) -> None:
        Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(path, **options)

    return save


def _cv2(pixels: np.ndarray, path: Path) -> None:
    order = {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[pixels.shape[2]]
    path.write_bytes(cv2.imencode(path.suffix, pixels[..., order])[1].tobytes())


def _png_by_hand(pixels: np.ndarray, path: Path) -> None:
    """16-bit grey with alpha, which no encoder at hand writes."""
    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    chunks = {
        b"IHDR": struct.pack(">IIBBBBB", width, height, 16, 4, 0, 0, 0),
        b"IDAT": zlib.compress(rows),
        b"IEND": b"",
    }
    packed = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks.items())
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(packed))


KINDS = [
    Kind("png-grey", ".png", 1, np.uint8, _pillow()),
    Kind("png-grey-alpha", ".png", 2, np.uint8, _pillow()),
    Kind("png-rgb", ".png", 3, np.uint8, _pillow()),
    Kind("png-rgba", ".png", 4, np.uint8, _pillow()),
    Kind("png16-grey", ".png", 1, np.uint16, _cv2),
    Kind("png16-grey-alpha", ".png", 2, np.uint16, _png_by_hand),
    Kind("png16-rgb", ".png", 3, np.uint16, _cv2),
    Kind("png16-rgba", ".png", 4, np.uint16, _cv2),
    Kind("webp-rgb", ".webp", 3, np.uint8, _pillow(lossless=True)),
    Kind("webp-rgba", ".webp", 4, np.uint8, _pillow(lossless=True, exact=True)),
    Kind("bmp-grey", ".bmp", 1, np.uint8, _pillow()),
    Kind("bmp-rgb", ".BMP", 3, np.uint8, _pillow()),
    Kind("bmp-rgba", ".bmp", 4, np.uint8, _cv2),
    Kind("tiff-grey", ".tif", 1, np.uint8, _pillow()),
    Kind("tiff-grey-alpha", ".tif", 2, np.uint8, _pillow()),
    Kind("tiff-rgb", ".tiff", 3, np.uint8, _pillow(compression="tiff_lzw")),
    Kind("tiff-rgba", ".tiff", 4, np.uint8, _pillow(compression="tiff_adobe_deflate")),
    Kind("tiff16-grey", ".tiff", 1, np.uint16, _pillow()),
    Kind("tiff16-rgb", ".tiff", 3, np.uint16, _cv2),
    Kind("tiff16-rgba", ".tiff", 4, np.uint16, _cv2),
    Kind("tiff-float", ".tiff", 1, np.float32, _pillow()),
]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


@pytest.fixture
def noise() -> Callable[..., np.ndarray]:
    """(height, width, channels) and a dtype to random pixels, different in every channel; floats in [0, 1]."""

    def make(shape: tuple[int, int, int] = (9, 13, 3), dtype: type = np.uint8, seed: int = 0) -> np.ndarray:
        random = np.random.default_rng(seed)
        if dtype is np.float32:
            return random.random(shape, dtype=np.float32)
        return random.integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)

    return make
