"""Refined pixels back into a file like the one they came from. What stays and what cannot is said in `encoding`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..files import replacing
from .decoding import UPRIGHT, Header, decode, open_pillow, read_header, reading
from .encoding import Encoder, Original, encoder_like

_STORED = {**UPRIGHT, 6: UPRIGHT[8], 8: UPRIGHT[6]}
"""Undoes `UPRIGHT`: all but the quarter turns undo themselves."""


@dataclass(frozen=True)
class Picture:
    """An image file: its pixels, and how to write others in their place."""

    pixels: np.ndarray
    """(H, W, C) uint8, uint16 or float32, upright, RGB order."""
    header: Header
    encoder: Encoder

    @property
    def format(self) -> str:
        """What the file is, such as "PNG"."""
        return self.header.format

    def encode(self, pixels: np.ndarray) -> bytes:
        """Return the bytes of a file like this one: `pixels` are (H, W, C) of its C and dtype, upright."""
        turn = _STORED.get(self.header.orientation)
        return self.encoder(np.ascontiguousarray(turn(pixels) if turn else pixels))


class OpenedPicture:
    """An image file of which the header is read so far."""

    def __init__(self, data: bytes, name: str) -> None:
        """`data`: the file; `name` is what an error calls it. Raises `ImageReadError`."""
        self._data, self._name = data, name
        with reading(name):
            self._image = open_pillow(data)
            self._header = read_header(self._image, data)
        self.form = self._header.form

    def read(self) -> Picture:
        """Decode it in order to write some like it, once.

        Raises `ImageReadError`, also for a file of several pages or frames: all but the first would be lost.
        """
        with reading(self._name), self._image as image:
            pages = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
            if pages > 1:
                raise ValueError(f"it holds {pages} pages or frames: split it into single images")
            pixels = decode(self._data, image, self._header)
            encoder = encoder_like(Original(self._data, image, self._header))
        return Picture(pixels, self._header, encoder)


def picture_of(data: bytes, name: str) -> Picture:
    """Read an image file's bytes in order to write some like them."""
    return OpenedPicture(data, name).read()


def write_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all. Raises OSError.

    Nothing is flushed to the disk here, which would cost more than refining a small image.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(data)
