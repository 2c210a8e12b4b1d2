"""The default estimator."""

from __future__ import annotations

import torch
from torch import nn

from .estimator_options import SmallCNNOptions
from .neural import NeuralEstimator


def small_cnn(*, config: SmallCNNOptions, outputs: int, seed: int) -> NeuralEstimator:
    """Make a LeNet-like CNN: seconds to train on one CPU core. See `gantool.hookspecs.gantool_estimators`."""
    return NeuralEstimator(
        network,
        outputs=outputs,
        seed=seed,
        steps=config.steps,
        batch_size=config.batch_size,
        learning_rate=config.learning_rate,
    )


def network(shape: tuple[int, int, int], outputs: int) -> nn.Module:
    """Three convolutions and two linear layers for images of `shape` (C, H, W); the last pooling adapts to any size."""
    features = nn.Sequential(
        *(nn.Conv2d(shape[0], 16, 5, 2, 2), nn.ReLU()),
        *(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, ceil_mode=True)),
        *(nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, ceil_mode=True)),
        # Larger pictures would make the linear layer huge; small ones pass unchanged.
        *([nn.AdaptiveAvgPool2d((8, 8))] if max(shape[1:]) > 128 else []),
        nn.Flatten(),
    )
    width = features(torch.zeros(1, *shape)).shape[1]
    return nn.Sequential(features, nn.Linear(width, 128), nn.ReLU(), nn.Linear(128, outputs))
