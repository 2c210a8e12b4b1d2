"""The estimator that the paper trains on refined eyes (Shrivastava et al. 2017, gaze estimation)."""

from __future__ import annotations

import torch
from torch import nn

from gantool.evaluation.neural import NeuralEstimator

_MIN_SIDE = 19
"""Pixels below which the last pooling has nothing left."""


class GazeCNN(NeuralEstimator):
    """The paper's CNN.

    Its convolutions have no padding: at the paper's 35×55 pixels the last pooling leaves 192 maps of 5×10, which are the 9,600
    numbers of its first fully connected layer.
    """

    def network(self, shape: tuple[int, int, int]) -> nn.Module:
        """Build it for images of `shape` (C, H, W). Raises `ValueError` below 19×19."""
        if min(shape[1:]) < _MIN_SIDE:
            raise ValueError(f"the gaze CNN needs images of at least {_MIN_SIDE}x{_MIN_SIDE} pixels, got {shape[1]}x{shape[2]}")
        features = nn.Sequential(
            *(nn.Conv2d(shape[0], 32, 3), nn.ReLU(), nn.Conv2d(32, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU()),
            nn.MaxPool2d(3, 2),
            *(nn.Conv2d(64, 80, 3), nn.ReLU(), nn.Conv2d(80, 192, 3), nn.ReLU()),
            nn.MaxPool2d(2, 2),
            nn.Flatten(),
        )
        width = features(torch.zeros(1, *shape)).shape[1]
        return nn.Sequential(features, nn.Linear(width, 1000), nn.ReLU(), nn.Linear(1000, self.outputs))
