"""Estimators that are networks: one way to train them, for the built-in ones and those of plugins."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

BuildNetwork = Callable[[tuple[int, int, int], int], nn.Module]
"""((C, H, W), outputs) -> a network that maps (N, C, H, W) in [-1, 1] to (N, outputs)."""

_PREDICT = 256
"""Images at once where nothing is learnt."""


class NeuralEstimator:
    """Trains a network with Adam and a one-cycle schedule, a set number of steps whatever the number of images.

    Float targets are learnt with the mean squared error, integer ones with cross-entropy. Everything drawn follows from `seed`.
    See `gantool.components.Estimator`.
    """

    def __init__(
        self, build: BuildNetwork, *, outputs: int, seed: int, steps: int, batch_size: int, learning_rate: float
    ) -> None:
        self._build, self._outputs, self._seed = build, outputs, seed
        self._steps, self._batch_size, self._learning_rate = steps, batch_size, learning_rate
        self._network: nn.Module | None = None

    def fit(self, images: Tensor, targets: Tensor) -> None:
        """(N, C, H, W) in [-1, 1]; (N, outputs) float32 or (N,) int64. Computes where the images are."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._seed)
            network = self._build((images.shape[1], images.shape[2], images.shape[3]), self._outputs)
        network = network.to(images.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        loss = nn.functional.mse_loss if targets.is_floating_point() else nn.functional.cross_entropy
        optimizer = torch.optim.Adam(network.parameters())
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, self._learning_rate, total_steps=self._steps)
        images = images.contiguous(memory_format=torch.channels_last)
        network.train()
        for rows in self._batches(len(images)):
            optimizer.zero_grad()
            torch.autograd.backward(loss(network(images[rows]), targets[rows]))
            optimizer.step()
            schedule.step()
        self._network = network.eval()

    def predict(self, images: Tensor) -> Tensor:
        """(N, C, H, W) to (N, outputs) float32: values, or scores of classes."""
        assert self._network is not None, "fit comes first"
        with torch.inference_mode():
            return torch.cat([self._network(batch) for batch in torch.split(images, _PREDICT)])

    def _batches(self, count: int) -> list[Tensor]:
        """Row numbers of every step: epoch after epoch, each in an order of its own."""
        generator = torch.Generator().manual_seed(self._seed)
        size = min(self._batch_size, count)
        rows: list[Tensor] = []
        while len(rows) < self._steps:
            order = torch.randperm(count, generator=generator)
            rows += [batch for batch in torch.split(order, size) if len(batch) == size]
        return rows[: self._steps]
