"""The estimator: a stacked hourglass network that finds key points by their heat maps."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gantool.training import fit_network

from .heat_maps import find_peaks, peak_loss, to_cells, to_pixels
from .hourglass_network import StackedHourglass, halvings_for
from .options import HourglassOptions

_PREDICT = 128
"""Images at once where nothing is learnt."""


class HourglassEstimator:
    """Learns key points as `gantool.training.fit_network` does, a set number of steps whatever the number of images.

    All randomness follows from `seed`.
    """

    def __init__(self, *, config: HourglassOptions, outputs: int, seed: int) -> None:
        if outputs % 2:
            raise ValueError(f"the hourglass finds key points, two numbers each; these labels have {outputs}")
        self._config, self._points, self._seed = config, outputs // 2, seed
        self._network: nn.Module | None = None

    def fit(self, images: Tensor, targets: Tensor) -> None:  # noqa: ARG002 - an estimator has this method
        """Raises `ValueError`: heat maps need positions in the image, as `fit_points` gets them."""
        raise ValueError("the hourglass finds key points in the image: choose labels that are such, or another estimator")

    def fit_points(self, images: Tensor, points: Tensor) -> None:
        """Learn anew from (N, C, H, W) in [-1, 1] and (N, K, 2), x and y in px. Computes where the images are."""
        config, size = self._config, (images.shape[2], images.shape[3])

        def loss(heats: list[Tensor], wanted: Tensor) -> Tensor:
            cells = to_cells(wanted, size, (heats[0].shape[2], heats[0].shape[3]))
            return torch.stack([peak_loss(heat, cells, config.sigma) for heat in heats]).sum()

        self._network = fit_network(
            lambda: StackedHourglass(
                images.shape[1],
                self._points,
                stacks=config.stacks,
                features=config.features,
                depth=config.depth,
                halvings=halvings_for(size, config.resolution),
            ),
            images,
            points,
            loss,
            seed=self._seed,
            steps=config.steps,
            batch_size=config.batch_size,
            learning_rate=config.learning_rate,
        )

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
