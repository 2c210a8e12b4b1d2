"""What happens to one image on its way to the network and back. NumPy only."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from ..data.conditions import Conditions, Encoder
from ..data.domains import Preprocess
from ..data.formats.base import Item
from ..data.frames import PassForm
from ..data.geometry import average_apart, resized
from ..data.images import Form
from ..data.passes import background
from ..data.preprocess import LUMINANCE, crop, full_scale, resize, visible
from ..errors import GantoolError


@dataclass(frozen=True)
class Frame:
    """An image on its way."""

    canvas: np.ndarray
    """(H, W, C) uint8, uint16 or float32, in the unit of the file: the colours that the change is added to, at the size that is
    written."""
    alpha: np.ndarray | None
    """(H, W, 1) as stored."""
    inputs: np.ndarray
    """(h, w, c): what the network sees, preprocessed as in training."""
    conditions: np.ndarray | None = None
    """(h, w, K): what it sees beside them; None where the run was trained without."""
    key: int = 0
    """Of the noise of this picture."""

    @property
    def hidden(self) -> np.ndarray | None:
        """(H, W, 1) bool: where alpha is 0, and colours stay as they are; None where nothing is hidden."""
        return None if self.alpha is None or self.alpha.min(initial=1) > 0 else self.alpha <= 0


@dataclass(frozen=True, kw_only=True)
class Treatment:
    """How images are refined: the network's *change* at its own size and channels is added to the stored image at its own.

    So the geometry of an image, and with it every label in pixels, stays as it is, and where the network changes nothing, not one
    bit does. Nor does a pixel that alpha hides: the network sees the mean colour of the picture there. A network for grey images
    changes the luminance (Rec. 601) of colour images, alike in all channels; one for colour images changes grey images by the
    luminance of its change. Alpha is kept, and so are NaN and values outside of the run's value range.
    The images of a run that equalises come out equalised, as its target domain is.
    """

    preprocess: Preprocess
    """What the network was trained with; `channels` is settled."""
    compute_size: tuple[int, int] | None
    """(h, w) that the network works at; None: the size that is written."""
    output_size: tuple[int, int] | None = None
    """(H, W) that is written; None: each image keeps its own."""
    conditions: Conditions = field(default_factory=dict)
    """What the network sees of the passes of an image."""
    values: PassForm | None = None
    """What the numbers of images mean that are no colours but depth, say: what says "nothing here" is averaged with none."""

    @property
    def channels(self) -> int:
        """Channels of the network."""
        return int(self.preprocess.channels)

    def sizes(self, form: Form) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return the (height, width) that is written for an image of this form, and the one that the network works at."""
        written = self.output_size or (form.height, form.width)
        return written, self.compute_size or written

    def split(self, image: np.ndarray, name: str) -> Frame:
        """Make a frame of an image.

        Args:
            image: (H, W, C) as stored.
            name: What an error calls it.

        Raises:
            GantoolError: For channels, values or a size that cannot be had.
        """
        colours, alpha = image, None
        if image.shape[2] != self.channels and image.shape[2] in (2, 4):
            colours, alpha = visible(image), self._sized(image[..., -1:], name)
        if colours.shape[2] != self.channels and {colours.shape[2], self.channels} != {1, 3}:
            raise GantoolError(f"{name} has {image.shape[2]} channels, but the run was trained on {self.channels}")
        inputs = replace(self.preprocess, size=self.compute_size or self.output_size)(colours, name=name)
        frame = Frame(self._canvas(colours, inputs, name), alpha, inputs)
        if frame.hidden is None:
            return frame
        stored = self._sized(np.ascontiguousarray(image[..., :-1]), name)
        return replace(frame, canvas=np.where(frame.hidden, stored, frame.canvas))

    def see(self, frame: Frame, item: Item, size: tuple[int, int]) -> Frame:
        """Add what is known of an image of a stored `size` (H, W) beside its pixels. Raises `GantoolError` as `Encoder`."""
        if not self.conditions:
            return frame
        seen = replace(self.preprocess, size=self.compute_size or self.output_size)
        encode = Encoder(self.conditions, item.passes, seen)
        return replace(frame, conditions=encode(item.read_pass, size, item.name))

    def merge(self, frame: Frame, change: np.ndarray) -> np.ndarray:
        """Return the refined image.

        Args:
            frame: As `split` made it.
            change: (c, h, w) float32: what the network adds to `frame.inputs`, where white is 2 above black.

        Returns:
            (H, W, C) of the type and unit of the stored image.
        """
        canvas = frame.canvas
        low, high = self._range(canvas.dtype)
        change = _match_channels(np.ascontiguousarray(change.transpose(1, 2, 0)), canvas.shape[2])
        scaled = resize(change, canvas.shape[:2])
        colours = self._stored(canvas, canvas + scaled * np.float32((high - low) / 2))
        if frame.hidden is not None:
            colours = np.where(frame.hidden, canvas, colours)
        if self.values is not None:
            colours = np.where(background(canvas, self.values)[..., None], canvas, colours)
        return colours if frame.alpha is None else np.concatenate([colours, frame.alpha], axis=2)

    def _canvas(self, colours: np.ndarray, inputs: np.ndarray, name: str) -> np.ndarray:
        size = self.output_size or colours.shape[:2]
        alike = inputs.shape == (*size, colours.shape[2])
        if alike and self.preprocess.limits is None and self.values is None and not _has_nan(colours):
            return inputs  # to which the same was done
        canvas = self._sized(colours, name)
        if not self.preprocess.equalize:
            return canvas
        equal = replace(self.preprocess, channels=canvas.shape[2], size=None)(canvas, name=name)
        low, high = self._range(canvas.dtype)
        return self._stored(canvas, low + equal * np.float32((high - low) / full_scale(canvas.dtype)))

    def _sized(self, image: np.ndarray, name: str) -> np.ndarray:
        """Bring an image to the size that is written."""
        size = self.output_size or image.shape[:2]
        if self.preprocess.fit == "crop":
            return crop(image, size, name)
        blank = background(image, self.values) if self.values else np.isnan(image).any(axis=2) if _has_nan(image) else None
        if blank is None or not blank.any() or image.shape[:2] == size:
            return resize(image, size)
        mean, empty, nothing = average_apart(image, blank, resized((image.shape[0], image.shape[1]), size))
        mean = np.rint(mean) if image.dtype.kind == "u" else mean
        return np.where(empty, nothing, mean.astype(image.dtype))

    def _range(self, dtype: np.dtype) -> tuple[float, float]:
        """Return the values of black and white."""
        return self.preprocess.limits or (0, full_scale(dtype))

    def _stored(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """New values, which are overwritten, to the type of the old ones, clipped to the range; old ones outside of it stay."""
        low, high = self._range(before.dtype)
        if before.dtype.kind == "u":
            low, high = max(math.ceil(low), 0), min(math.floor(high), full_scale(before.dtype))
            np.rint(after, out=after)
        stored: np.ndarray = after.clip(low, high, out=after).astype(before.dtype)
        kept = before != before if self.preprocess.limits is None else ~((before >= low) & (before <= high))
        return np.where(kept, before, stored)


def _has_nan(image: np.ndarray) -> bool:
    return image.dtype.kind == "f" and bool(np.isnan(image.min(initial=0)))


def _match_channels(change: np.ndarray, channels: int) -> np.ndarray:
    """(h, w, c) to (h, w, `channels`), or to (h, w, 1), which serves all channels."""
    if change.shape[2] == 3 and channels == 1:
        return change @ LUMINANCE[:, None]
    return change
