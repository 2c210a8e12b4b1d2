"""Labels from the pupil's place alone. See `gantool.components.Estimator`."""

from __future__ import annotations

import torch
from torch import Tensor

from .options import PupilOptions
from .pupil import pupil_centres


class PupilEstimator:
    """An affine map from the pupil's place to the labels, by least squares. There is nothing to tune and nothing random.

    For key points (`pupil_xy`) the map only calibrates the locator; for angles it is the oldest estimator of gaze there is.
    """

    def __init__(self, config: PupilOptions) -> None:
        self._config = config
        self._map = torch.empty(0)

    def fit(self, images: Tensor, targets: Tensor) -> None:
        """Raises `ValueError` for classes and fewer than 3 images."""
        if not targets.is_floating_point():
            raise ValueError("the pupil's place tells numbers, not classes")
        if len(images) < 3:
            raise ValueError(f"an affine map needs 3 images, got {len(images)}")
        places = self._places(images)
        # Pupils on one line leave the map open; this takes the smallest.
        self._map = torch.linalg.pinv(places) @ targets.to(places)

    def predict(self, images: Tensor) -> Tensor:
        return (self._places(images) @ self._map).float()

    def _places(self, images: Tensor) -> Tensor:
        size = torch.tensor([images.shape[3], images.shape[2]], device=images.device, dtype=torch.float64)
        places = pupil_centres(images, self._config).double() / size
        return torch.cat((places, torch.ones_like(places[:, :1])), 1)


def pupil_estimator(*, config: PupilOptions, outputs: int, seed: int) -> PupilEstimator:  # noqa: ARG001 - see the class
    """Make it. See `gantool.hookspecs.gantool_estimators`."""
    return PupilEstimator(config)
