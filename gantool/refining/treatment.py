"""What happens to one image on its way to the network and back. NumPy only."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..data.domains import Preprocess
from ..data.images import Form
from ..data.preprocess import LUMINANCE, full_scale, resize
from ..errors import GantoolError


@dataclass(frozen=True)
class Frame:
    """An image on its way."""

    canvas: np.ndarray
    """(H, W, C) uint8, uint16 or float32: the colours, preprocessed, at the size that is written."""
    alpha: np.ndarray | None
    """(H, W, 1) as stored."""
    inputs: np.ndarray
    """(h, w, c): what the network sees, preprocessed as in training."""


@dataclass(frozen=True, kw_only=True)
class Treatment:
    """How images are refined: the network's *change* at its own size and channels is added to the image at its own.

    So the geometry of an image, and with it every label in pixels, stays as it is. A network for grey images changes the
    luminance (Rec. 601) of colour images, alike in all channels; one for colour images changes grey images by the luminance
    of its change. Alpha is kept.
    """

    preprocess: Preprocess
    """What the network was trained with; `channels` is settled."""
    compute_size: tuple[int, int] | None
    """(h, w) that the network works at; None: the size that is written."""
    output_size: tuple[int, int] | None = None
    """(H, W) that is written; None: each image keeps its own."""

    @property
    def channels(self) -> int:
        """Channels of the network."""
        return int(self.preprocess.channels)

    def sizes(self, form: Form) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return the (height, width) that is written for an image of this form, and the one that the network works at."""
        written = self.output_size or (form.height, form.width)
        return written, self.compute_size or written

    def split(self, image: np.ndarray, name: str) -> Frame:
        """(H, W, C) as stored to a frame. Raises `GantoolError` for channels, values or a size that cannot be had."""
        colours, alpha = image, None
        if image.shape[2] != self.channels and image.shape[2] in (2, 4):
            colours, alpha = np.ascontiguousarray(image[..., :-1]), np.ascontiguousarray(image[..., -1:])
        if colours.shape[2] != self.channels and {colours.shape[2], self.channels} != {1, 3}:
            raise GantoolError(f"{name} has {image.shape[2]} channels, but the run was trained on {self.channels}")
        written = replace(self.preprocess, channels=colours.shape[2], size=self.output_size)
        trained = replace(self.preprocess, size=self.compute_size or self.output_size)
        if alpha is not None:
            alpha = Preprocess(size=self.output_size, fit=self.preprocess.fit)(alpha, name=name)
        return Frame(written(colours, name=name), alpha, trained(colours, name=name))

    def merge(self, frame: Frame, refined: np.ndarray) -> np.ndarray:
        """`refined`: the network's answer to `frame.inputs`, (c, h, w) float32 in [-1, 1]. Returns (H, W, C) as stored."""
        before, after = _unit(frame.inputs), (refined.transpose(1, 2, 0) + 1) / 2
        change = _match_channels(after - before, frame.canvas.shape[2])
        height, width, _ = frame.canvas.shape
        colours = self._to_stored(_unit(frame.canvas) + resize(change, (height, width)), frame.canvas.dtype)
        return colours if frame.alpha is None else np.concatenate([colours, frame.alpha], axis=2)

    def _to_stored(self, unit: np.ndarray, dtype: np.dtype) -> np.ndarray:
        """[0, 1] to the unit and type of the file; values beyond are clipped."""
        low, high = self.preprocess.value_range or (0, full_scale(dtype))
        values = low + unit.clip(0, 1) * (high - low)
        if dtype.kind == "u":
            values = np.rint(values).clip(0, full_scale(dtype))
        stored: np.ndarray = values.astype(dtype)
        return stored


def _unit(image: np.ndarray) -> np.ndarray:
    return image.astype(np.float32) / np.float32(full_scale(image.dtype))


def _match_channels(change: np.ndarray, channels: int) -> np.ndarray:
    """(h, w, c) to (h, w, `channels`), or to (h, w, 1), which serves all channels."""
    if change.shape[2] == 3 and channels == 1:
        return change @ LUMINANCE[:, None]
    return change
