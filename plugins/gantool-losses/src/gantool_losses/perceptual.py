"""A distance of images in the features of a frozen network."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gantool.builtin.losses import check_pair, widen
from gantool.features import build_features

from .options import PerceptualOptions

_LEAST = 1e-10
"""Added to a squared length, so that a position where all features are 0 has a gradient."""


class Perceptual(nn.Module):
    """LPIPS of Zhang et al. (2018, Eq. 1) with all of its learned weights 1: its unweighted baseline.

    Features are scaled to length 1 across channels at each position; the squared differences are summed over channels,
    averaged over positions and images, and averaged over layers, so it lies between 0 and 4. It has no weights of its own, and
    those of the frozen network are in no checkpoint.
    """

    def __init__(self, *, config: PerceptualOptions) -> None:
        super().__init__()
        self.features = build_features(config.network, config.layers)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """(N, C, H, W) in [-1, 1] each -> 0-d, with gradients to whichever asks. `ValueError` for shapes that differ."""
        check_pair(a, b)
        pairs = zip(self.features(widen(a)), self.features(widen(b)), strict=True)
        return torch.stack([(direction(x) - direction(y)).square().sum(dim=1).mean() for x, y in pairs]).mean()


def direction(maps: Tensor) -> Tensor:
    """(N, C, h, w) -> the same, of length 1 across channels at each position, or 0 where all features are 0."""
    maps = widen(maps)
    return maps / (maps.square().sum(dim=1, keepdim=True) + _LEAST).sqrt()
