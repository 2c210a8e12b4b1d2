"""Estimators that are networks: one way to train them, for the built-in ones and those of plugins."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

import torch
from torch import Tensor, nn

from ..training import fit_network

_PREDICT = 256
"""Images at once where nothing is learnt."""


class Budget(Protocol):
    """What the options of such an estimator have at least."""

    @property
    def steps(self) -> int:
        """Optimiser updates, whatever the number of images (count)."""

    @property
    def batch_size(self) -> int:
        """Images in one update (count)."""

    @property
    def learning_rate(self) -> float:
        """Highest learning rate of the one-cycle schedule."""


class NeuralEstimator:
    """Trains a network as `gantool.training.fit_network` does. A subclass says which one; it is the factory of a record.

    Float targets are learnt with the mean squared error, integer ones with cross-entropy. Everything drawn follows from `seed`.

    Example::

        class Linear(NeuralEstimator):
            def network(self, shape):
                return nn.Sequential(nn.Flatten(), nn.Linear(math.prod(shape), self.outputs))
    """

    def __init__(self, *, config: Budget, outputs: int, seed: int) -> None:
        self.config, self.outputs, self.seed = config, outputs, seed
        self.augment: Callable[[Tensor], Tensor] | None = None
        self._network: nn.Module | None = None

    def network(self, shape: tuple[int, int, int]) -> nn.Module:
        """Make a network that maps images of `shape` (C, H, W), (N, C, H, W) in [-1, 1], to (N, outputs).

        Raises `ValueError` for images that it cannot have.
        """
        raise NotImplementedError

    def fit(self, images: Tensor, targets: Tensor) -> None:
        """(N, C, H, W) in [-1, 1]; (N, outputs) float32 or (N,) int64. Computes where the images are."""
        config = self.config
        build = partial(self.network, (images.shape[1], images.shape[2], images.shape[3]))
        loss = nn.functional.mse_loss if targets.is_floating_point() else nn.functional.cross_entropy
        self._network = fit_network(
            build,
            images,
            targets,
            loss,
            augment=self.augment,
            seed=self.seed,
            steps=config.steps,
            batch_size=config.batch_size,
            learning_rate=config.learning_rate,
        )

    def predict(self, images: Tensor) -> Tensor:
        """(N, C, H, W) to (N, outputs) float32: values, or scores of classes."""
        assert self._network is not None, "fit comes first"
        with torch.inference_mode():
            return torch.cat([self._network(batch) for batch in torch.split(images, _PREDICT)])
