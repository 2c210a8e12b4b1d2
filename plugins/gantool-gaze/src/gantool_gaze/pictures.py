"""Grey pictures, their crops, and where points of a picture lie in its crop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from gantool import GantoolError
from gantool.errors import cause

Grey = NDArray[np.uint8]


@dataclass(frozen=True)
class Window:
    """A part of a picture that becomes an image, in pixels from the picture's top left corner. It may reach beyond it."""

    left: float
    top: float
    width: float
    height: float

    def cut(self, picture: Grey, size: tuple[int, int]) -> Grey:
        """(H, W) to (h, w), averaging where it shrinks. Beyond the picture, its last pixels go on."""
        right, bottom = self.left + self.width, self.top + self.height
        pad = [int(np.ceil(max(0.0, beyond))) for beyond in (-self.top, bottom - picture.shape[0])]
        pad += [int(np.ceil(max(0.0, beyond))) for beyond in (-self.left, right - picture.shape[1])]
        if any(pad):
            picture = np.pad(picture, (pad[:2], pad[2:]), mode="edge")
        box = (self.left + pad[2], self.top + pad[0], right + pad[2], bottom + pad[0])
        return np.asarray(Image.fromarray(picture).resize(size[::-1], Image.Resampling.BILINEAR, box=box))

    def moved(self, points: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.float64]:
        """(..., 2) x and y from the picture's corner to pixels of the image (h, w), whose first pixel's centre is (0, 0)."""
        return (points - (self.left, self.top)) * (size[1] / self.width, size[0] / self.height) - 0.5


@contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """Open an image file, whose size is known without decoding it. Raises `GantoolError`, also for what is read meanwhile."""
    try:
        with Image.open(path) as image:
            yield image
    # Pillow raises SyntaxError and others, too, for damaged files.
    except (OSError, SyntaxError, ValueError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise GantoolError(f"cannot read image {path}: {cause(error)}") from None


def read_grey(path: Path) -> Grey:
    """Read an image file as (H, W) luminance. Raises `GantoolError`."""
    with opened(path) as image:
        return np.asarray(image.convert("L"))


def whole_numbers(values: NDArray[Any], name: str) -> NDArray[np.uint8]:
    """Images of any type that holds 0 to 255 as uint8. Raises `GantoolError`, which calls them `name`, for other values."""
    if values.dtype == np.uint8:
        return values
    # Fractions could mean 0 to 1 or 0 to 255.
    whole = values.dtype.kind in "uif" and values.size and values.min() >= 0 and values.max() <= 255
    if not whole or (values != np.round(values)).any():
        raise GantoolError(f"{name} is {values.dtype} with values other than whole numbers from 0 to 255: store such ones")
    return values.astype(np.uint8)


def resized(picture: Grey, size: tuple[int, int]) -> Grey:
    """(H, W) to (h, w)."""
    if picture.shape == size:
        return picture
    return Window(0, 0, picture.shape[1], picture.shape[0]).cut(picture, size)
