"""How real refined images look, and whether refining left their structure where it was. No labels."""

from __future__ import annotations

import torch
from torch import Tensor

from ..evaluation.evidence.edges import edges, overlap
from ..evaluation.evidence.patches import correct, cross_fitted_scores, patches_at, sliced_wasserstein
from .part_options import LabelDriftOptions, PatchDistanceOptions, RealismDriftOptions, TwoSampleOptions


class _OfTwoSets:
    """Keeps the refined and target images of all batches, as float32 on the CPU, until it is asked for its figures."""

    def __init__(self) -> None:
        self._refined: list[Tensor] = []
        self._target: list[Tensor] = []

    def update(self, refined: Tensor, target: Tensor) -> None:
        """Add (N, C, H, W) images in [-1, 1] of each side. Raises `ValueError` where channels differ."""
        if refined.shape[1] != target.shape[1]:
            raise ValueError(f"refined images have {refined.shape[1]} channels, target images {target.shape[1]}")
        self._refined.append(refined.detach().float().cpu())
        self._target.append(target.detach().float().cpu())

    def compute(self) -> dict[str, float]:
        """Return the figures by name. Raises `ValueError` where there were too few images."""
        if not self._refined:
            raise ValueError("no images were given")
        return self._figures()

    def _figures(self) -> dict[str, float]:
        raise NotImplementedError


class PatchDistance(_OfTwoSets):
    """Sliced Wasserstein-1 distance between the patches of refined and of target images (Rabin et al. 2011).

    Patches of side `patch` are projected onto random unit directions; along each, the distance of two sorted samples is the
    mean absolute difference. The figure is its mean over directions: 0 for equal distributions, in units of the [-1, 1]
    scale. It sees texture, contrast and tone, and no label: a refiner that moves what the label describes can still score well.
    """

    def __init__(self, *, config: PatchDistanceOptions) -> None:
        super().__init__()
        self.config = config
        self._generator = torch.Generator().manual_seed(config.seed)

    def _figures(self) -> dict[str, float]:
        side = min(self.config.patch, *(min(batch.shape[2:]) for batch in (*self._refined, *self._target)))
        refined, target = self._patches(self._refined, side), self._patches(self._target, side)
        return {"patch_distance": sliced_wasserstein(refined, target, self.config.directions, self._generator)}

    def _patches(self, batches: list[Tensor], side: int) -> Tensor:
        """(samples, C·side·side) patches, drawn uniformly over images and places."""
        per_batch = -(-self.config.samples // len(batches))
        rows = []
        for images in batches:
            chosen = torch.randint(len(images), (per_batch,), generator=self._generator)
            rows.append(patches_at(images, chosen, side, self._generator))
        return torch.cat(rows)


class TwoSample(_OfTwoSets):
    """Accuracy with which refined and target patches are told apart, 0.5 where they cannot be (Lopez-Paz and Oquab 2017).

    Every image is judged by a classifier that was trained on other images (cross-fitting over `folds`), so that each side needs
    `2 folds` images.
    """

    def __init__(self, *, config: TwoSampleOptions) -> None:
        super().__init__()
        self.config = config

    def _figures(self) -> dict[str, float]:
        options = self.config
        scores = cross_fitted_scores(
            torch.cat(self._refined),
            torch.cat(self._target),
            unit="patch",
            patch=options.patch,
            patches=options.patches,
            folds=options.folds,
            seed=options.seed,
        )
        return {"two_sample_accuracy": sum(float(side.mean()) for side in correct(*scores)) / 2}


class LabelDrift:
    """Mean share of a synthetic image's edges that its refined version does not have within `tolerance` px: 0 to 1.

    A stand-in for label drift: an edge that went away or moved cannot be where its label says. New edges (texture) are no drift.
    """

    def __init__(self, *, config: LabelDriftOptions) -> None:
        self.config = config
        self._lost: list[float] = []

    def update(self, refined: Tensor, target: Tensor, *, source: Tensor) -> None:  # noqa: ARG002
        """Add pairs of (N, C, H, W) images in [-1, 1]. Raises `ValueError` where they are no pairs; `target` is not looked at."""
        if refined.shape != source.shape:
            raise ValueError(f"refined images {tuple(refined.shape)} and source images {tuple(source.shape)} are no pairs")
        kept = overlap(edges(source), edges(refined), tolerance=self.config.tolerance)["kept"]
        self._lost += (1 - kept).tolist()

    def compute(self) -> dict[str, float]:
        """Return {"edges_lost": share}. Raises `ValueError` before the first image."""
        if not self._lost:
            raise ValueError("no images were given")
        return {"edges_lost": sum(self._lost) / len(self._lost)}


class RealismDrift:
    """How far refined patches can be told from target ones, with a penalty for edges that went away.

    The figure is accuracy + weight · max(0, lost − allowed), lower being better. Some loss is free: a refiner that softens or
    textures an image takes edges away that no label needs.
    """

    def __init__(self, *, config: RealismDriftOptions) -> None:
        self.config = config
        self._realism = TwoSample(config=TwoSampleOptions(seed=config.seed))
        self._drift = LabelDrift(config=LabelDriftOptions())

    def update(self, refined: Tensor, target: Tensor, *, source: Tensor) -> None:
        """Add (N, C, H, W) images in [-1, 1] of each side, `source` those that were refined. Raises `ValueError`."""
        self._realism.update(refined, target)
        self._drift.update(refined, target, source=source)

    def compute(self) -> dict[str, float]:
        """Return {"realism_drift", "two_sample_accuracy", "edges_lost"}. Raises `ValueError` where there were too few images."""
        figures = {**self._realism.compute(), **self._drift.compute()}
        excess = max(0.0, figures["edges_lost"] - self.config.allowed)
        return {"realism_drift": figures["two_sample_accuracy"] + self.config.weight * excess, **figures}
