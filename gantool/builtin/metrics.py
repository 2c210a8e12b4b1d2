"""How alike two sets of images look, measured on small patches."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from .collected import Collected
from .metric_options import PatchDistanceOptions


class PatchDistance:
    """Sliced Wasserstein-1 distance between the patches of refined and of target images (Rabin et al. 2011).

    Patches of side `patch` are projected onto random unit directions; along each, the distance of two sorted samples is the
    mean absolute difference. The figure is its mean over directions: 0 for equal distributions, in units of the [-1, 1]
    scale. It sees texture, contrast and tone, and no label: a refiner that moves what the label describes can still score well.
    """

    def __init__(self, *, config: PatchDistanceOptions) -> None:
        self.config = config
        self._generator = torch.Generator().manual_seed(config.seed)
        self._images = Collected()

    def update(self, refined: Tensor, target: Tensor) -> None:
        """Add (N, C, H, W) images in [-1, 1] of each side. Raises `ValueError` where channels differ."""
        self._images.add(refined, target)

    def compute(self) -> dict[str, float]:
        """Return {"patch_distance": distance}. Raises `ValueError` before the first update."""
        self._images.require_some()
        side = min(self.config.patch, *(min(batch.shape[2:]) for batch in (*self._images.refined, *self._images.target)))
        refined, target = self._patches(self._images.refined, side), self._patches(self._images.target, side)
        return {"patch_distance": sliced_wasserstein(refined, target, self.config.directions, self._generator)}

    def _patches(self, batches: list[Tensor], side: int) -> Tensor:
        """(samples, C·side·side) patches, drawn uniformly over images and places."""
        per_batch = -(-self.config.samples // len(batches))
        rows = []
        for images in batches:
            count, channels, height, width = images.shape
            image = torch.randint(count, (per_batch, 1, 1), generator=self._generator)
            top = torch.randint(height - side + 1, (per_batch, 1, 1), generator=self._generator)
            left = torch.randint(width - side + 1, (per_batch, 1, 1), generator=self._generator)
            offset = torch.arange(side)
            patches = images.permute(0, 2, 3, 1)[image, top + offset[:, None], left + offset]
            rows.append(patches.reshape(per_batch, side * side * channels))
        return torch.cat(rows)


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
