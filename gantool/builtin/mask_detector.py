"""The heat-map detector with masks: each pixel says whether it is of an object, and where that object's middle is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..components import ImageSet
from ..evaluation.crops import Crop
from ..evaluation.masks import box_around, decode, encode
from .detector import CELL, DetectionNet, HeatmapDetector, detection_loss

_MORE = 3
"""Maps beside those of detection: a logit of foreground, and the way to the middle, x and y in cells."""
_NEAR = 0.5
"""Sides of a detection's box within which from its middle a pixel is its own."""


class MaskDetector(HeatmapDetector):
    """Groups the pixels of the foreground by the detection that they point to.

    Cheng et al., *Panoptic-DeepLab* (CVPR 2020), class-agnostic foreground and offsets to centres, on the maps of the detector.
    """

    def fit_objects(self, images: ImageSet, targets: Sequence[Mapping[str, Any]]) -> None:
        """Learn anew from targets with masks. Raises `ValueError` for others."""
        if any("masks" not in target for target in targets):
            raise ValueError("it learns from objects with masks")
        self.learn(
            images,
            lambda: DetectionNet(images.channels, self.outputs, self.config, more=_MORE),
            lambda crops: [*self._maps(crops, targets), *self._areas(crops, targets)],
            _loss,
        )

    def predict_objects(self, images: ImageSet) -> list[dict[str, Any]]:
        """At most 100 objects of each image, by score, each with its mask."""
        found: list[dict[str, Any]] = [{}] * len(images)
        for row, maps in self.maps(images):
            size = images[row].shape[:2]
            heat, sides, more = maps[: self.outputs].sigmoid(), maps[self.outputs : -_MORE], maps[-_MORE:]
            found[row] = self._masked(self._peaks(heat, sides, size), more, size)
        return found

    def _areas(self, crops: Sequence[Crop], targets: Sequence[Mapping[str, Any]]) -> tuple[Tensor, Tensor]:
        """(N, h, w) foreground, and (N, 2, h, w) ways to the middles of boxes in cells."""
        cell = CELL * self.config.shrink
        found = [_area(crop, targets[crop.row], cell) for crop in crops]
        areas, ways = (torch.from_numpy(np.stack(parts)) for parts in zip(*found, strict=True))
        return areas, ways

    def _masked(self, row: dict[str, Any], more: Tensor, size: tuple[int, int]) -> dict[str, Any]:
        cell = CELL * self.config.shrink
        fine = F.interpolate(more[None], scale_factor=cell, mode="bilinear", align_corners=False)[
            0, :, : size[0], : size[1]
        ].numpy()
        middles = (row["boxes"][:, :2] + row["boxes"][:, 2:]) / 2
        sides = row["boxes"][:, 2:] - row["boxes"][:, :2]
        y, x = np.mgrid[: size[0], : size[1]] + 0.5
        points = np.stack([x + fine[1] * cell, y + fine[2] * cell])
        owner, free = np.full(size, -1), fine[0] > 0
        for number, middle in enumerate(middles):  # the surest first, so that a second one at the same object gets nothing
            mine = free & (np.abs((points - middle[:, None, None]) / sides[number][:, None, None]).max(0) < _NEAR)
            owner[mine] = number
            free &= ~mine
        masks = [owner == number for number in range(len(middles))]
        kept = [number for number, mask in enumerate(masks) if mask.any()]
        arrays = {name: row[name][kept] for name in ("labels", "scores")}
        boxes = np.array([box_around(masks[number]) for number in kept], np.float64).reshape(-1, 4)
        return {"boxes": boxes, **arrays, "masks": [encode(masks[number]) for number in kept]}


def _area(crop: Crop, target: Mapping[str, Any], cell: int) -> tuple[np.ndarray, np.ndarray]:
    height, width = (side // cell for side in crop.size)
    area, ways = np.zeros((height, width), np.float32), np.zeros((2, height, width), np.float32)
    middles = crop.boxes(target["boxes"])
    y, x = (np.mgrid[:height, :width] + 0.5) * cell
    for mask, (left, top, right, bottom) in zip(target["masks"], middles, strict=True):
        inside = crop.cut(decode(mask), 0)[cell // 2 :: cell, cell // 2 :: cell][:height, :width]
        area[inside] = 1
        ways[0][inside], ways[1][inside] = (((left + right) / 2 - x) / cell)[inside], (((top + bottom) / 2 - y) / cell)[inside]
    return area, ways


def _loss(found: Tensor, wanted: list[Tensor]) -> Tensor:
    *boxes, area, ways = wanted
    more = found[:, -_MORE:]
    inside = area.sum().clamp_min(1)
    away = (F.smooth_l1_loss(more[:, 1:], ways, reduction="none").sum(1) * area).sum() / inside
    return detection_loss(found[:, :-_MORE], boxes) + 2 * F.binary_cross_entropy_with_logits(more[:, 0], area) + 0.2 * away
