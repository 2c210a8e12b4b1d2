"""In which space two sets of images are compared: rows of numbers for every image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ...errors import GantoolError
from ...features import BUNDLED, BUNDLED_LAYERS, FrozenFeatures, build_features
from .patches import draw_patches

_PATCH, _PATCHES = 7, 16
_THUMBNAIL = 8
"""Height and width at most (px) for the space of pixels: a covariance of more numbers would need thousands of images."""
_BATCH = 64


@dataclass(frozen=True)
class FeatureSpace:
    """A name, what it stands for, and the function."""

    name: str
    description: str
    rows: Callable[[Tensor, int], Tensor]
    """(N, C, H, W) images in [-1, 1] and a seed to (N, rows of an image, D) float32."""


def feature_space(name: str) -> FeatureSpace:
    """Return the space `name`: "patches", "pixels", "efficientnet-lite0" or `package.module:callable`, a torch module.

    Raises `GantoolError` for anything else and `MissingExtra` without the extra `features`.
    """
    if name == "patches":
        return FeatureSpace(name, f"{_PATCHES} patches of {_PATCH}x{_PATCH} px of each image, raw pixels", _patches)
    if name == "pixels":
        return FeatureSpace(name, f"whole images, shrunk to {_THUMBNAIL}x{_THUMBNAIL} px or less", _pixels)
    if ":" not in name and name != BUNDLED:
        raise GantoolError(f"--features {name!r} is none of: patches, pixels, {BUNDLED}, package.module:callable")
    network = build_features(name, ())
    layers = f"layers {', '.join(BUNDLED_LAYERS)} of {name}" if name == BUNDLED else name
    return FeatureSpace(name, f"{layers}, averaged over places", lambda images, _seed: _pooled(network, images))


def _patches(images: Tensor, seed: int) -> Tensor:
    side = min(_PATCH, *images.shape[2:])
    return draw_patches(images, side, _PATCHES, torch.Generator().manual_seed(seed))


def _pixels(images: Tensor, _seed: int) -> Tensor:
    height, width = (min(_THUMBNAIL, side) for side in images.shape[2:])
    return F.adaptive_avg_pool2d(images, (height, width)).flatten(1)[:, None]


@torch.no_grad()
def _pooled(network: FrozenFeatures, images: Tensor) -> Tensor:
    rows = []
    for batch in torch.split(images, _BATCH):
        maps = network(batch)
        rows.append(torch.cat([each.flatten(2).mean(2) if each.dim() > 2 else each for each in maps], dim=1))
    found = torch.cat(rows).float()
    if found.dim() != 2 or not bool(torch.isfinite(found).all()):
        raise GantoolError(f"network {network.name!r} gives features that are not finite rows, one for each image")
    return found[:, None]
