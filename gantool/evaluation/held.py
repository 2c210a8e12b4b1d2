"""Images held in memory as they are stored, 8 or 16 bits a value; floats are made batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..model.tensors import normalise, to_tensor


class HeldImages:
    """Images of one size or of several: a `gantool.components.ImageSet`.

    Args:
        images: (H, W, C) uint8, uint16, or float32 in [0, 1] each, with as many channels. Floats are held with 16 bits, and
            so are all images where one is.
        device: Where batches are made for.
    """

    def __init__(self, images: Iterable[np.ndarray], device: torch.device | None = None) -> None:
        self._images = [as_stored(image) for image in images]
        if len({image.dtype for image in self._images}) > 1:
            self._images = [_widened(image) for image in self._images]
        self.device = device or torch.device("cpu")

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> np.ndarray:
        return self._images[index]

    def __iter__(self) -> Iterator[np.ndarray]:
        return iter(self._images)

    @property
    def size(self) -> tuple[int, int] | None:
        """(H, W) of all; None where they differ."""
        sizes = {image.shape[:2] for image in self._images}
        return sizes.pop() if len(sizes) == 1 else None

    @property
    def channels(self) -> int:
        """Of each image; 0 where there is none."""
        return self._images[0].shape[2] if self._images else 0

    @property
    def nbytes(self) -> int:
        """Bytes that they take."""
        return sum(image.nbytes for image in self._images)

    def to(self, device: torch.device) -> HeldImages:
        """The same images, whose batches are made for `device`."""
        return HeldImages(self._images, device)

    def take(self, rows: Any) -> HeldImages:
        """Some of them; `rows`: numbers, or (N,) bool."""
        return HeldImages([self._images[row] for row in numbers_of(rows)], self.device)

    def joined(self, others: HeldImages) -> HeldImages:
        """These and others."""
        return HeldImages([*self, *others], self.device)

    def batch(self, rows: Any) -> Tensor:
        """(n, C, H, W) float32 in [-1, 1] of these rows, which have one size."""
        return normalise(to_tensor(np.stack([self._images[row] for row in numbers_of(rows)])).to(self.device))

    def tensor(self) -> Tensor:
        """(N, C, H, W) float32 in [-1, 1]. Raises `ValueError` where sizes differ."""
        if self.size is None:
            raise ValueError("images of different sizes are no single batch")
        return self.batch(range(len(self)))

    def batches(self, pixels: int, count: int) -> Iterable[list[int]]:
        """Split the rows by size, each part of at most `count` images and about `pixels` pixels, at least one image."""
        by_size: dict[tuple[int, ...], list[int]] = {}
        for row, image in enumerate(self._images):
            by_size.setdefault(image.shape[:2], []).append(row)
        for (height, width), rows in by_size.items():
            step = max(1, min(count, pixels // (height * width)))
            yield from (rows[start : start + step] for start in range(0, len(rows), step))

    def changed(self, change: Callable[[Tensor], Tensor], *, pixels: int = 2**22) -> HeldImages:
        """What `change` makes of batches (n, C, H, W) in [-1, 1], stored as these are. Results keep size and channels."""
        found: list[Any] = [None] * len(self)
        for rows in self.batches(pixels, len(self)):
            for row, image in zip(rows, self.stored(change(self.batch(rows))), strict=True):
                found[row] = image
        return HeldImages(found, self.device)

    def stored(self, images: Tensor) -> np.ndarray:
        """(n, C, H, W) in [-1, 1] to (n, H, W, C) of the type that these images have, rounded; values beyond are clipped."""
        dtype = self._images[0].dtype
        shares = images.detach().float().cpu().add(1).div(2).clamp(0, 1).permute(0, 2, 3, 1).numpy()
        return np.rint(shares * np.float64(np.iinfo(dtype).max)).astype(dtype)


def stacked(*sets: HeldImages) -> list[Tensor]:
    """Each set as (N, C, h, w) float32 in [-1, 1], cut to the largest middle part (h, w) that all of their images have."""
    sizes = [image.shape[:2] for images in sets for image in images]
    height, width = (min(sides) for sides in zip(*sizes, strict=True))

    def cut(image: np.ndarray) -> np.ndarray:
        top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
        return image[top : top + height, left : left + width]

    channels = max(images.channels for images in sets)
    return [HeldImages(map(cut, images)).tensor() if len(images) else torch.zeros(0, channels, height, width) for images in sets]


def held(images: Tensor) -> HeldImages:
    """(N, C, H, W) in [-1, 1] as images of 8 bits."""
    return HeldImages(list(HeldImages([np.zeros((1, 1, 1), np.uint8)]).stored(images)))


def as_stored(image: np.ndarray) -> np.ndarray:
    """(H, W, C) uint8, uint16, or float32 in [0, 1] to uint8 or uint16."""
    return image if image.dtype.kind == "u" else np.rint(image.astype(np.float64) * 65535).clip(0, 65535).astype(np.uint16)


def _widened(image: np.ndarray) -> np.ndarray:
    return image.astype(np.uint16) * 257 if image.dtype == np.uint8 else image


def numbers_of(rows: Any) -> Sequence[int]:
    """Row numbers of numbers, or of (N,) bool."""
    found = np.asarray(rows)
    numbers: list[int] = (np.flatnonzero(found) if found.dtype == bool else found).tolist()
    return numbers
