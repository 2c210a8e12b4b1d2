"""How far refining moves the pupil. See `gantool.components.SourceMetric`."""

from __future__ import annotations

import torch
from torch import Tensor

from .options import PupilOptions
from .pupil import pupil_centres


class PupilMovement:
    """Mean distance, in px, of the pupil in R(x) from the pupil in x (paper, Section 3.1: 1.1 ± 0.8 px of 55, marked by hand).

    The locator makes few but large mistakes, which the median leaves out. The mean of what it sees is no smaller than its noise.
    """

    def __init__(self, *, config: PupilOptions) -> None:
        self._config = config
        self._moved: list[Tensor] = []

    def update(self, refined: Tensor, target: Tensor, *, source: Tensor) -> None:  # noqa: ARG002
        """Add pairs of (N, C, H, W) images in [-1, 1]. Raises `ValueError` where they are no pairs; `target` is not looked at."""
        if refined.shape != source.shape:
            raise ValueError(f"refined images {tuple(refined.shape)} and source images {tuple(source.shape)} are no pairs")
        places = (pupil_centres(images, self._config) for images in (refined, source))
        first, second = places
        self._moved.append(torch.linalg.vector_norm(first - second, dim=1).double().cpu())

    def compute(self) -> dict[str, float]:
        """Return {"pupil_moved_px", "pupil_moved_sd_px", "pupil_moved_median_px"}. Raises `ValueError` before the first image."""
        if not self._moved:
            raise ValueError("no images were given")
        moved = torch.cat(self._moved)
        return {
            "pupil_moved_px": float(moved.mean()),
            "pupil_moved_sd_px": float(moved.std(unbiased=False)),
            "pupil_moved_median_px": float(moved.median()),
        }
