"""Whether refining left the structure of images where it was, and that together with how real they look. No labels."""

from __future__ import annotations

from torch import Tensor

from .edges import edges, overlap
from .metric_options import LabelDriftOptions, RealismDriftOptions, TwoSampleOptions
from .two_sample import TwoSample


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
