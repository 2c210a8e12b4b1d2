"""Estimators that are networks: one way to train them, for the built-in ones and those of plugins."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from ..training import fit_network

BuildNetwork = Callable[[tuple[int, int, int], int], nn.Module]
"""((C, H, W), outputs) -> a network that maps (N, C, H, W) in [-1, 1] to (N, outputs)."""

_PREDICT = 256
"""Images at once where nothing is learnt."""


class NeuralEstimator:
    """An estimator that trains a network as `gantool.training.fit_network` does, a set number of steps whatever the images.

    Float targets are learnt with the mean squared error, integer ones with cross-entropy. Everything drawn follows from `seed`.
    """

    def __init__(
        self, build: BuildNetwork, *, outputs: int, seed: int, steps: int, batch_size: int, learning_rate: float
    ) -> None:
        self._build, self._outputs = build, outputs
        self._train = partial(fit_network, seed=seed, steps=steps, batch_size=batch_size, learning_rate=learning_rate)
        self._network: nn.Module | None = None

    def fit(self, images: Tensor, targets: Tensor) -> None:
        """(N, C, H, W) in [-1, 1]; (N, outputs) float32 or (N,) int64. Computes where the images are."""
        shape = images.shape[1], images.shape[2], images.shape[3]
        loss = nn.functional.mse_loss if targets.is_floating_point() else nn.functional.cross_entropy
        self._network = self._train(partial(self._build, shape, self._outputs), images, targets, loss)

    def predict(self, images: Tensor) -> Tensor:
        """(N, C, H, W) to (N, outputs) float32: values, or scores of classes."""
        assert self._network is not None, "fit comes first"
        with torch.inference_mode():
            return torch.cat([self._network(batch) for batch in torch.split(images, _PREDICT)])
