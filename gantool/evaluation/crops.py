"""Random crops of images of any size, and of what is known of their pixels: what networks with local targets learn from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..components import ImageSet
from ..model.tensors import normalise, to_tensor


@dataclass(frozen=True)
class Crop:
    """A part of one image."""

    row: int
    """Number of the image."""
    top: int
    left: int
    size: tuple[int, int]
    """(H, W); what lies beside a smaller image repeats its border."""
    flipped: bool
    """Left to right, after it was cut."""

    def cut(self, pixels: np.ndarray, fill: float | None = None) -> np.ndarray:
        """(H, W, ...) of the whole image to those of the crop. `fill`: what is beside a smaller image, not its border."""
        part = pixels[self.top : self.top + self.size[0], self.left : self.left + self.size[1]]
        missing = [(0, want - have) for want, have in zip(self.size, part.shape, strict=False)]
        if any(after for _, after in missing):
            widths = [*missing, *[(0, 0)] * (part.ndim - 2)]
            part = np.pad(part, widths, "edge") if fill is None else np.pad(part, widths, constant_values=fill)
        return part[:, ::-1] if self.flipped else part

    def boxes(self, boxes: np.ndarray) -> np.ndarray:
        """(n, 4) edges in pixels of the image to those in pixels of the crop, cut off at its border; some may be empty."""
        moved = boxes - (self.left, self.top, self.left, self.top)
        if self.flipped:
            moved = np.stack([self.size[1] - moved[:, 2], moved[:, 1], self.size[1] - moved[:, 0], moved[:, 3]], axis=1)
        height, width = self.size
        return moved.clip(0, (width, height, width, height))


def draw_crops(
    images: ImageSet, side: int, count: int, generator: torch.Generator, *, flips: bool, multiple: int = 32
) -> Iterator[list[Crop]]:
    """Batches of crops without end, epoch after epoch each image once, where and how drawn from `generator`.

    `side`: of the crops (px), less where all images are smaller, a `multiple` in any case. `count`: of a batch, less where there
    are fewer images.
    """
    shapes = np.array([images[row].shape[:2] for row in range(len(images))])
    size = [min(-(-side // multiple), -(-int(most) // multiple)) * multiple for most in shapes.max(0)]
    count = min(count, len(images))
    while True:
        order = torch.randperm(len(images), generator=generator).tolist()
        for start in range(0, len(order) - count + 1, count):
            rows = order[start : start + count]
            draws = torch.rand(len(rows), 3, generator=generator).tolist()
            room = np.maximum(shapes[rows] - size, 0) + 1
            yield [
                Crop(row, int(down * most[0]), int(across * most[1]), (size[0], size[1]), flips and mirror < 0.5)
                for row, most, (down, across, mirror) in zip(rows, room, draws, strict=True)
            ]


def cut_images(images: ImageSet, crops: list[Crop]) -> Tensor:
    """(n, C, H, W) float32 in [-1, 1] on the device of the images."""
    stored = np.stack([crop.cut(images[crop.row]) for crop in crops])
    return normalise(to_tensor(stored).to(images.device))
