"""Two sets of images compared by their small patches: how far apart they are, and whether a fresh classifier tells them apart.

The classifier of the two-sample test (Lopez-Paz and Oquab 2017) is Fisher's linear discriminant on statistics of patches. It is
not the discriminator that the refiner was trained against, is trained anew for every question, and is only asked about images
that it was not trained on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

Unit = Literal["patch", "image"]
"""What the classifier judges: single patches, or images by the mean statistics of their patches."""

_SHRINKAGE = 0.05
"""Share of the mean variance that is added to all variances: there are about as many statistics as images."""


def patches_at(images: Tensor, chosen: Tensor, side: int, generator: torch.Generator) -> Tensor:
    """(N, C, H, W) and numbers of images, of any shape, to (*that shape, C·side·side): a patch at a random place of each."""
    offset = torch.arange(side)
    top, left = (torch.randint(size - side + 1, (*chosen.shape, 1, 1), generator=generator) for size in images.shape[2:])
    patches = images.permute(0, 2, 3, 1)[chosen[..., None, None], top + offset[:, None], left + offset]
    return patches.flatten(chosen.dim())


def draw_patches(images: Tensor, side: int, count: int, generator: torch.Generator) -> Tensor:
    """(N, C, H, W) to (N, count, C·side·side): patches at uniformly random places of every image."""
    return patches_at(images, torch.arange(len(images))[:, None].expand(-1, count), side, generator)


def sliced_wasserstein(first: Tensor, second: Tensor, directions: int, generator: torch.Generator) -> float:
    """Mean Wasserstein-1 distance of two sets of rows, (n, D) and (m, D), along that many random directions (count)."""
    along = F.normalize(torch.randn(first.shape[1], directions, generator=generator), dim=0)
    # Quantiles at common levels, so that the two samples may differ in size.
    levels = torch.linspace(0, 1, min(len(first), len(second)))
    return float((_quantiles(first @ along, levels) - _quantiles(second @ along, levels)).abs().mean())


def _quantiles(projected: Tensor, levels: Tensor) -> Tensor:
    """Values of each sorted column at `levels` in [0, 1], by linear interpolation."""
    ordered = projected.sort(dim=0).values
    place = levels * (len(ordered) - 1)
    low = place.floor().long()
    high = (low + 1).clamp(max=len(ordered) - 1)
    return torch.lerp(ordered[low], ordered[high], (place - low)[:, None])


def correct(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Per image, (N,), the share of its scores that have the sign of its side: first negative, second positive."""
    return (first < 0).double().mean(1), (second > 0).double().mean(1)


def cross_fitted_scores(
    first: Tensor, second: Tensor, *, unit: Unit, patch: int = 7, patches: int = 64, folds: int = 4, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Scores of two sets of images, (N, C, H, W) in [-1, 1], by classifiers that were trained on the other folds.

    Above 0 means "of the second set". For the unit "patch" there are `patches` scores an image, (N, patches), for "image" one,
    (N, 1). Raises `ValueError` where a set has fewer than `2 folds` images.
    """
    fewest = min(len(first), len(second))
    if fewest < 2 * folds:
        raise ValueError(f"a two-sample test in {folds} folds needs {2 * folds} images of each side, got {fewest}")
    generator = torch.Generator().manual_seed(seed)
    side = min(patch, *first.shape[2:], *second.shape[2:])
    sets = [draw_patches(images, side, patches, generator) for images in (first, second)]
    rows = _statistics(sets, unit=unit)
    # Equal parts of both sides in every fold, whatever their numbers.
    parts = [torch.randperm(len(side), generator=generator) % folds for side in rows]
    scores = [torch.empty(side.shape[:2]) for side in rows]
    for fold in range(folds):
        weights, bias = _discriminant(*(side[part != fold].flatten(0, 1) for side, part in zip(rows, parts, strict=True)))
        for held, side, part in zip(scores, rows, parts, strict=True):
            held[part == fold] = side[part == fold] @ weights + bias
    return scores[0], scores[1]


def _statistics(sets: Sequence[Tensor], *, unit: Unit) -> list[Tensor]:
    """Patches (N, count, D) to (N, count, 3 D): values, squares and magnitudes along principal directions, standardised.

    (N, 1, 3 D), means over an image, for images. Directions and scales are those of all patches together: they know no sides.
    """
    pooled = torch.cat([patches.flatten(0, 1) for patches in sets])
    centre = pooled.mean(0)
    variances, directions = torch.linalg.eigh(torch.cov(pooled.T).double().reshape(len(centre), -1))
    # Directions without variance (flat images) would be the noise of rounding times a huge number.
    whitening = (directions / variances.clamp(min=1e-6 * float(variances[-1]) + 1e-12).sqrt()).float()
    rows = []
    for patches in sets:
        values = (patches - centre) @ whitening
        each = torch.cat([values, values.square(), values.abs()], dim=2)
        rows.append(each.mean(1, keepdim=True) if unit == "image" else each)
    pooled = torch.cat([each.flatten(0, 1) for each in rows])
    mean, scale = pooled.mean(0), pooled.std(0) + 1e-6
    return [(each - mean) / scale for each in rows]


def _discriminant(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Weights (D,) and bias of Fisher's linear discriminant between two sets of rows, (n, D), with a little shrinkage."""
    means = [side.mean(0) for side in (first, second)]
    scatters = [(side - mean).T @ (side - mean) / len(side) for side, mean in zip((first, second), means, strict=True)]
    within = (scatters[0] + scatters[1]).double() / 2
    # More than nothing, for sets of flat images, which have no variance.
    within.diagonal().add_(_SHRINKAGE * float(within.diag().mean()) + 1e-6)
    weights = torch.linalg.solve(within, (means[1] - means[0]).double()).float()
    return weights, -weights @ (means[0] + means[1]) / 2
