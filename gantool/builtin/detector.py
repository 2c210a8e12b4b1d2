"""A one-stage detector that learns from scratch within a minute or so on a few CPU cores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..components import ImageSet
from ..evaluation.crops import Crop
from ..evaluation.pixels import PixelEstimator
from ..evaluation.trunk import Trunk
from .part_options import PixelsOptions

CELL = 4
"""Pixels of what the network sees from one cell of its maps to the next."""
_SPREAD = 0.54 / 6
"""Standard deviation of the spot of an object, in sides of its box (Liu et al. 2020, equation 2)."""
_MOST = 100
"""Detections of an image at most, as COCO counts."""
_FAINT = 0.01
"""Score below which nothing is found."""
_RARE = -4.0
"""Logit of a spot before anything is learnt: nearly all cells have none."""


class HeatmapDetector(PixelEstimator):
    """Finds objects as the peaks of a heat map for each class; every cell also tells the distances to the sides of the box.

    Zhou, Wang and Krähenbühl, *Objects as Points* (2019), with the targets of Liu et al., *Training-Time-Friendly Network for
    Real-Time Object Detection* (AAAI 2020): the spot of an object is as long and as wide as its box, and the box is learnt, with
    the GIoU loss (Rezatofighi et al. 2019), in all cells of the spot. That learns in a fraction of the updates.
    """

    config: PixelsOptions

    def fit_objects(self, images: ImageSet, targets: Sequence[Mapping[str, Any]]) -> None:
        """Learn anew; see `gantool.components.ObjectEstimator`."""
        self.learn(
            images,
            lambda: DetectionNet(images.channels, self.outputs, self.config),
            lambda crops: self._maps(crops, targets),
            detection_loss,
        )

    def predict_objects(self, images: ImageSet) -> list[dict[str, Any]]:
        """At most 100 objects of each image, by score."""
        found: list[dict[str, Any]] = [{}] * len(images)
        for row, maps in self.maps(images):
            found[row] = self._peaks(maps[: self.outputs].sigmoid(), maps[self.outputs :], images[row].shape[:2])
        return found

    def _maps(self, crops: Sequence[Crop], targets: Sequence[Mapping[str, Any]]) -> tuple[Tensor, Tensor, Tensor]:
        cell = CELL * self.config.shrink
        spots = [spots_of(crop, targets[crop.row], self.outputs, cell) for crop in crops]
        heat, boxes, weights = (torch.from_numpy(np.stack(parts)) for parts in zip(*spots, strict=True))
        return heat, boxes, weights

    def _peaks(self, heat: Tensor, sides: Tensor, size: Sequence[int]) -> dict[str, Any]:
        """(K, h, w) scores and (4, h, w) distances in cells to boxes in pixels."""
        cell = CELL * self.config.shrink
        peak = torch.where(F.max_pool2d(heat[None], 3, 1, 1)[0] == heat, heat, torch.zeros(()))
        scores, places = peak.flatten().topk(min(_MOST, peak.numel()))
        places = places[scores > _FAINT]
        rest = places % heat[0].numel()
        middle = torch.stack([rest % heat.shape[2], rest // heat.shape[2]], 1) + 0.5
        distances = sides.flatten(1)[:, rest].T
        boxes = torch.cat([middle - distances[:, :2], middle + distances[:, 2:]], 1).double().numpy() * cell
        boxes = boxes.clip(0, (size[1], size[0], size[1], size[0]))
        kept = (boxes[:, 2:] > boxes[:, :2]).all(1)
        labels = (places // heat[0].numel()).numpy()
        return {"boxes": boxes[kept], "labels": labels[kept], "scores": scores[: len(places)].double().numpy()[kept]}


class DetectionNet(nn.Module):
    """(N, C, H, W) in [-1, 1] to (N, classes + 4 + more, h, w): logits of spots, distances to the sides in cells, none negative,
    and `more` maps for whatever a subclass makes of them."""

    def __init__(self, channels: int, classes: int, config: PixelsOptions, *, more: int = 0) -> None:
        super().__init__()
        self.shrink = config.shrink
        self.trunk = Trunk(channels, config.width, pretrained=config.trunk == "pretrained", stride=CELL)
        self.heat, self.sides = _head(config.width, classes, bias=_RARE), _head(config.width, 4)
        self.more = _head(config.width, more) if more else None

    def forward(self, images: Tensor) -> Tensor:
        """As of the class."""
        maps = self.trunk(F.avg_pool2d(images, self.shrink) if self.shrink > 1 else images)
        found = [self.heat(maps), F.softplus(self.sides(maps)) * 4]
        return torch.cat([*found, self.more(maps)] if self.more else found, 1)


def _head(width: int, outputs: int, *, bias: float = 0.0) -> nn.Sequential:
    last = nn.Conv2d(width, outputs, 1)
    nn.init.constant_(last.bias, bias)  # type: ignore[arg-type]
    return nn.Sequential(nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), last)


def spots_of(crop: Crop, target: Mapping[str, Any], classes: int, cell: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What maps of a crop should be, `cell` pixels apart: heat (classes, h, w), boxes (4, h, w) in cells, their weight (h, w).

    Boxes are learnt where a spot is, each with the same weight in all, whatever its size. Of two spots the smaller object's wins.
    Groups are no objects.
    """
    height, width = (side // cell for side in crop.size)
    heat = np.zeros((classes, height, width), np.float32)
    boxes, weights = np.zeros((4, height, width), np.float32), np.zeros((height, width), np.float32)
    places = crop.boxes(target["boxes"]) / cell
    areas = (places[:, 2:] - places[:, :2]).prod(1)
    rows, columns = np.arange(height)[:, None] + 0.5, np.arange(width) + 0.5
    for number in np.argsort(-areas, kind="stable"):
        left, top, right, bottom = places[number]
        whole = (target["boxes"][number, 2:] - target["boxes"][number, :2]).prod() / cell**2
        # Of what is cut off, less than a third says little of what it is.
        if target["crowd"][number] or areas[number] <= max(0.0, whole / 3):
            continue
        x, y = (
            int(min(max(middle, 0), side - 1)) for middle, side in (((left + right) / 2, width), ((top + bottom) / 2, height))
        )
        spread = max(_SPREAD * (right - left), 0.3), max(_SPREAD * (bottom - top), 0.3)
        spot = np.exp(-((columns - x - 0.5) ** 2) / (2 * spread[0] ** 2) - (rows - y - 0.5) ** 2 / (2 * spread[1] ** 2))
        label = target["labels"][number]
        heat[label] = np.maximum(heat[label], spot)
        inside = spot > 0.1
        boxes[:, inside] = places[number][:, None]
        weights[inside] = spot[inside] / spot[inside].sum()
    return heat, boxes, weights


def detection_loss(found: Tensor, wanted: list[Tensor]) -> Tensor:
    """Focal loss of spots (Zhou et al. 2019, equation 1) plus 5 times the GIoU loss of boxes, both per object."""
    heat, boxes, weights = wanted
    logits, sides = found[:, : heat.shape[1]], found[:, heat.shape[1] :]
    objects = (heat == 1).sum().clamp_min(1)
    chance = logits.sigmoid()
    hit = F.logsigmoid(logits) * (1 - chance) ** 2 * (heat == 1)
    miss = F.logsigmoid(-logits) * chance**2 * (1 - heat) ** 4
    return -(hit + miss).sum() / objects + 5 * _giou(sides, boxes, weights) / objects


def _giou(sides: Tensor, boxes: Tensor, weights: Tensor) -> Tensor:
    """1 − GIoU of the boxes around each cell, (N, 4, h, w) both, weighted and summed."""
    height, width = weights.shape[1:]
    across = torch.arange(width, device=sides.device) + 0.5
    down = (torch.arange(height, device=sides.device) + 0.5)[:, None]
    left, top, right, bottom = across - sides[:, 0], down - sides[:, 1], across + sides[:, 2], down + sides[:, 3]
    x0, y0, x1, y1 = boxes.unbind(1)
    common = (right.minimum(x1) - left.maximum(x0)).clamp_min(0) * (bottom.minimum(y1) - top.maximum(y0)).clamp_min(0)
    union = (right - left) * (bottom - top) + (x1 - x0) * (y1 - y0) - common
    around = (right.maximum(x1) - left.minimum(x0)) * (bottom.maximum(y1) - top.minimum(y0))
    giou = common / union.clamp_min(1e-6) - (around - union) / around.clamp_min(1e-6)
    return ((1 - giou) * weights).sum()
