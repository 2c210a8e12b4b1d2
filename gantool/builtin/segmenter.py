"""A small U-Net for maps of classes or numbers, which learns from scratch within a minute or so on a few CPU cores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..components import ImageSet
from ..evaluation.crops import Crop
from ..evaluation.pixels import PixelEstimator
from ..evaluation.trunk import Trunk
from .part_options import PixelsOptions

_STRIDE = 2
"""Of the network's maps, which are enlarged."""


class SmallUNet(PixelEstimator):
    """Ronneberger et al., *U-Net* (2015). Classes are learnt with cross-entropy, numbers with their absolute error (Huber's)."""

    config: PixelsOptions

    def fit_maps(self, images: ImageSet, targets: Sequence[np.ndarray]) -> None:
        """Learn anew; see `gantool.components.MapEstimator`."""
        self._classes = targets[0].dtype.kind == "i"
        outputs = self.outputs if self._classes else 1
        fill = -1 if self._classes else np.nan

        def wanted(crops: list[Crop]) -> list[Tensor]:
            maps = np.stack([crop.cut(targets[crop.row], fill) for crop in crops])
            return [torch.from_numpy(maps.astype(np.int64) if self._classes else maps)]

        self.learn(
            images, lambda: MapNet(images.channels, outputs, self.config), wanted, _class_loss if self._classes else _number_loss
        )

    def predict_maps(self, images: ImageSet) -> list[np.ndarray]:
        """(H, W) for each image: int16 classes, or float32."""
        found: list[np.ndarray] = [np.empty(0)] * len(images)
        for row, maps in self.maps(images):
            height, width = images[row].shape[:2]
            best = maps.argmax(0).to(torch.int16) if self._classes else maps[0]
            found[row] = best[:height, :width].contiguous().numpy()
        return found


class MapNet(nn.Module):
    """(N, C, H, W) in [-1, 1] to (N, outputs, H, W)."""

    def __init__(self, channels: int, outputs: int, config: PixelsOptions) -> None:
        super().__init__()
        self.shrink = config.shrink
        self.trunk = Trunk(channels, config.width, pretrained=config.trunk == "pretrained", stride=_STRIDE)
        self.last = nn.Conv2d(config.width, outputs, 1)

    def forward(self, images: Tensor) -> Tensor:
        """As of the class."""
        small = F.avg_pool2d(images, self.shrink) if self.shrink > 1 else images
        return F.interpolate(self.last(self.trunk(small)), size=images.shape[2:], mode="bilinear", align_corners=False)


def _class_loss(found: Tensor, wanted: list[Tensor]) -> Tensor:
    known = (wanted[0] >= 0).sum().clamp_min(1)
    return F.cross_entropy(found, wanted[0], ignore_index=-1, reduction="sum") / known


def _number_loss(found: Tensor, wanted: list[Tensor]) -> Tensor:
    known = ~wanted[0].isnan()
    errors = F.smooth_l1_loss(found[:, 0], wanted[0].nan_to_num(), reduction="none", beta=0.1)
    return (errors * known).sum() / known.sum().clamp_min(1)
