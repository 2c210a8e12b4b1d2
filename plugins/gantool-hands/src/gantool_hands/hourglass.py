"""The estimator: a stacked hourglass network that finds key points by their heat maps."""

from __future__ import annotations

import torch
from torch import Tensor

from .heat_maps import find_peaks, peak_loss, to_cells, to_pixels
from .hourglass_network import StackedHourglass, halvings_for
from .options import HourglassOptions

_PREDICT = 128
"""Images at once where nothing is learnt."""


class HourglassEstimator:
    """Learns key points with Adam and a one-cycle schedule, a set number of steps whatever the number of images.

    See `gantool.components.KeypointEstimator`. All randomness follows from `seed`.
    """

    def __init__(self, *, config: HourglassOptions, outputs: int, seed: int) -> None:
        if outputs % 2:
            raise ValueError(f"the hourglass finds key points, two numbers each; these labels have {outputs}")
        self._config, self._points, self._seed = config, outputs // 2, seed
        self._network: StackedHourglass | None = None

    def fit(self, images: Tensor, targets: Tensor) -> None:  # noqa: ARG002 - an estimator has this method
        """Raises `ValueError`: heat maps need positions in the image, as `fit_points` gets them."""
        raise ValueError("the hourglass finds key points in the image: choose labels that are such, or another estimator")

    def fit_points(self, images: Tensor, points: Tensor) -> None:
        """Learn anew from (N, C, H, W) in [-1, 1] and (N, K, 2), x and y in px. Computes where the images are."""
        network = self._build(images)
        optimizer = torch.optim.Adam(network.parameters())
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, self._config.learning_rate, total_steps=self._config.steps)
        size = (images.shape[2], images.shape[3])
        network.train()
        for rows in self._batches(len(images)):
            optimizer.zero_grad()
            heats = network(images[rows].contiguous(memory_format=torch.channels_last))
            cells = to_cells(points[rows], size, (heats[0].shape[2], heats[0].shape[3]))
            torch.autograd.backward(torch.stack([peak_loss(heat, cells, self._config.sigma) for heat in heats]).sum())
            optimizer.step()
            schedule.step()
        self._network = network.eval()

    def predict(self, images: Tensor) -> Tensor:
        """(N, C, H, W) in [-1, 1] to (N, 2·K): x and y of each point in px."""
        assert self._network is not None, "fit_points comes first"
        size, found = (images.shape[2], images.shape[3]), []
        with torch.inference_mode():
            for batch in torch.split(images, _PREDICT):
                heat = self._network(batch)[-1]
                cells = find_peaks(heat, self._config.sigma)
                found.append(to_pixels(cells, size, (heat.shape[2], heat.shape[3])).flatten(1))
        return torch.cat(found)

    def _build(self, images: Tensor) -> StackedHourglass:
        config = self._config
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._seed)
            network = StackedHourglass(
                images.shape[1],
                self._points,
                stacks=config.stacks,
                features=config.features,
                depth=config.depth,
                halvings=halvings_for(images.shape[2:], config.resolution),
            )
        return network.to(images.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]

    def _batches(self, count: int) -> list[Tensor]:
        """Row numbers of every step: epoch after epoch, each in an order of its own."""
        generator = torch.Generator().manual_seed(self._seed)
        size = min(self._config.batch_size, count)
        rows: list[Tensor] = []
        while len(rows) < self._config.steps:
            rows += [batch for batch in torch.split(torch.randperm(count, generator=generator), size) if len(batch) == size]
        return rows[: self._config.steps]
