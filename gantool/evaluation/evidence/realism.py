"""How real refined images look, beside how real images look to each other, and how synthetic ones do."""

from __future__ import annotations

import math
import statistics
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...errors import GantoolError, require
from ...features import BUNDLED, BUNDLED_LAYERS, FrozenFeatures, build_features
from .patches import Unit, correct, cross_fitted_scores, draw_patches, sliced_wasserstein

MINIMUM = 32
"""Images of each set without which nothing is said."""
_PART = 0.75
"""Share of the images that every repeat takes, so that the spread over repeats is also one over images."""
_PATCHES = 256
"""Patches an image (count) from which the test takes its statistics."""

_DIRECTIONS = 128
"""Random directions of the sliced Wasserstein distance, as many as in the metric patch-distance by default (count)."""
_SIDE, _EACH = 7, 16
"""Side of the patches that stand for an image in their own space (px), and how many do."""
_THUMBNAIL = 8
"""Height and width at most (px) for the space of pixels: a covariance of more numbers would need thousands of images."""
_BATCH = 64

Sides = Mapping[str, Tensor]


def realism(
    refined: Tensor,
    synthetic: Tensor,
    real: Tensor,
    real_other: Tensor,
    *,
    features: str = "patches",
    seed: int = 0,
    repeats: int = 5,
) -> dict[str, Any]:
    """Compare refined images, synthetic ones (the start) and other real ones (the floor) with real ones.

    Images are (N, C, H, W) float32 in [-1, 1]; N may differ, and as many of each are taken as the smallest set has, because FID
    depends on the number. `real` and `real_other` are two disjoint sets. `features`: see `feature_space`. Returns

    - "two_sample": {side: {"accuracy", "low", "high"}}, a 95 % interval; 0.5 is "cannot be told apart". A linear discriminant on
      patch statistics of whole images, cross-fitted (Lopez-Paz and Oquab 2017). Every image counts once, so that the patches of
      one image are not taken for independent;
    - "two_sample_patches": the same for single patches, whose interval is over images, too;
    - "fid" (Heusel et al. 2017), "kid" (Bińkowski et al. 2018) and "sliced_wasserstein" in the feature space, {side: {"mean",
      "low", "high"}}, low and high over repeats, each with another three quarters of the images;

    with the sides "refined", "synthetic" and "floor", and "images", "repeats" and "features". Raises `GantoolError` for sets that
    are too small or differ in channels or size, and `MissingExtra` without the extra `evaluate`.
    """
    space = feature_space(features)
    sets = {"refined": refined, "synthetic": synthetic, "floor": real_other, "real": real}
    count = _check(sets)
    sets = {name: _some(images, count, seed + number) for number, (name, images) in enumerate(sets.items())}
    reference = sets.pop("real")
    return {
        "images": count,
        "repeats": repeats,
        "features": {"name": space.name, "description": space.description},
        "two_sample": {
            side: two_sample(images, reference, unit="image", repeats=repeats, seed=seed) for side, images in sets.items()
        },
        "two_sample_patches": {
            side: two_sample(images, reference, unit="patch", repeats=1, seed=seed) for side, images in sets.items()
        },
        **_distances(sets, reference, space, seed=seed, repeats=repeats),
    }


def two_sample(first: Tensor, second: Tensor, *, unit: Unit, repeats: int, seed: int) -> dict[str, float]:
    """Accuracy of telling two sets of images apart, with its 95 % interval over images.

    Repeats draw other patches and folds. Their accuracies are averaged; the interval is that of a single one, because the images
    are the same.
    """
    patches = _PATCHES if unit == "image" else 32
    runs = [
        correct(*cross_fitted_scores(first, second, unit=unit, patches=patches, seed=seed + repeat)) for repeat in range(repeats)
    ]
    sides = [side for run in runs for side in run]
    mean = statistics.fmean(float(side.mean()) for side in sides)
    # At least the variance of one wrong decision, so that a perfect score does not look certain.
    variance = statistics.fmean(max(float(side.var()), 1 / len(side)) / len(side) for side in sides) / 2
    margin = 1.96 * math.sqrt(variance)
    return {"accuracy": mean, "low": max(0.0, mean - margin), "high": min(1.0, mean + margin)}


def _check(sets: Sides) -> int:
    for name, images in sets.items():
        what = "the second half of real" if name == "floor" else name
        if len(images) < MINIMUM:
            raise GantoolError(f"realism needs {MINIMUM} images of each set, and {what} images are {len(images)}: give more")
        if images.shape[1:] != sets["real"].shape[1:]:
            shapes = [tuple(each.shape[1:]) for each in (images, sets["real"])]
            raise GantoolError(f"{what} images are {shapes[0]} (C, H, W), real ones {shapes[1]}: bring them to one form")
    return min(len(images) for images in sets.values())


def _some(images: Tensor, count: int, seed: int) -> Tensor:
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
    return images[order[:count]].float()


def _distances(sets: Sides, reference: Tensor, space: FeatureSpace, *, seed: int, repeats: int) -> dict[str, Any]:
    every = [*sets.items(), ("real", reference)]
    rows = {side: space.rows(images, seed + number) for number, (side, images) in enumerate(every)}
    taken, found = int(_PART * len(reference)), []
    for repeat in range(repeats):
        drawn = [_some(each, taken, seed + 97 * repeat + number).flatten(0, 1) for number, each in enumerate(rows.values())]
        found.append([feature_distances(each, drawn[-1], seed=seed + repeat) for each in drawn[:-1]])
    names = ("fid", "kid", "sliced_wasserstein")
    return {
        name: {side: _spread([figures[number][name] for figures in found]) for number, side in enumerate(sets)} for name in names
    }


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"mean": statistics.fmean(values), "low": min(values), "high": max(values)}


def feature_distances(first: Tensor, second: Tensor, *, seed: int) -> dict[str, float]:
    """FID, KID and sliced Wasserstein distance of two sets of feature rows, (n, D) each. Raises `MissingExtra`."""
    require("realism", "evaluate", "torchmetrics")
    from torchmetrics.image.fid import FrechetInceptionDistance
    from torchmetrics.image.kid import KernelInceptionDistance

    given = _Given(first.shape[1])
    subset = min(len(first), len(second), 500)
    # KID draws its subsets from the global generator, and warns that it stores features.
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        torch.manual_seed(seed)
        fid, kid = FrechetInceptionDistance(given), KernelInceptionDistance(given, subsets=10, subset_size=subset)
        for metric in (fid, kid):
            metric.update(second, real=True)
            metric.update(first, real=False)
        found = {"fid": float(fid.compute()), "kid": float(kid.compute()[0])}
    return {**found, "sliced_wasserstein": sliced_wasserstein(first, second, _DIRECTIONS, torch.Generator().manual_seed(seed))}


class _Given(nn.Module):
    """Stands where torchmetrics wants a feature network: features are computed once, before."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.num_features = count

    def forward(self, rows: Tensor) -> Tensor:
        """(n, D) as it is."""
        return rows


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
        return FeatureSpace(name, f"{_EACH} patches of {_SIDE}x{_SIDE} px of each image, raw pixels", _patches)
    if name == "pixels":
        return FeatureSpace(name, f"whole images, shrunk to {_THUMBNAIL}x{_THUMBNAIL} px or less", _pixels)
    if ":" not in name and name != BUNDLED:
        raise GantoolError(f"--features {name!r} is none of: patches, pixels, {BUNDLED}, package.module:callable")
    network = build_features(name, ())
    layers = f"layers {', '.join(BUNDLED_LAYERS)} of {name}" if name == BUNDLED else name
    return FeatureSpace(name, f"{layers}, averaged over places", lambda images, _seed: _pooled(network, images))


def _patches(images: Tensor, seed: int) -> Tensor:
    side = min(_SIDE, *images.shape[2:])
    return draw_patches(images, side, _EACH, torch.Generator().manual_seed(seed))


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
