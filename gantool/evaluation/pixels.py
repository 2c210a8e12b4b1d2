"""Estimators whose targets have a place in the image: one way to train their networks, on random crops."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..components import ImageSet
from ..training import fit_drawn
from .crops import Crop, cut_images, draw_crops
from .neural import Budget
from .trunk import MULTIPLE

_AT_ONCE, _IMAGES = 2**20, 64
"""Pixels and images that are looked at at once."""


class CropBudget(Budget, Protocol):
    """What the options of such an estimator have at least."""

    @property
    def crop(self) -> int:
        """Side of the crops (px)."""

    @property
    def shrink(self) -> int:
        """Factor by which the network shrinks images (count)."""

    @property
    def flips(self) -> bool:
        """Whether half of the crops are mirrored."""


class PixelEstimator:
    """Trains a network on crops, as `gantool.training.fit_drawn` does, and applies it to whole images. A subclass says what to.

    Everything drawn follows from `seed`.
    """

    def __init__(self, *, config: Any, outputs: int, seed: int) -> None:
        self.config, self.outputs, self.seed = config, outputs, seed
        self.augment: Callable[[Tensor], Tensor] | None = None
        self._network: nn.Module | None = None

    def learn(
        self,
        images: ImageSet,
        build: Callable[[], nn.Module],
        wanted: Callable[[list[Crop]], Any],
        loss: Callable[[Any, Any], Tensor],
    ) -> None:
        """Learn anew. `wanted` makes of some crops what `loss` compares the network's outputs with; tensors, on the CPU."""
        config: CropBudget = self.config

        def draw(generator: torch.Generator) -> Iterator[tuple[Tensor, Any]]:
            multiple = MULTIPLE * config.shrink
            for crops in draw_crops(images, config.crop, config.batch_size, generator, flips=config.flips, multiple=multiple):
                pictures = cut_images(images, crops)
                pictures = self.augment(pictures) if self.augment else pictures
                yield pictures, [part.to(images.device) for part in wanted(crops)]

        self._network = fit_drawn(
            build,
            draw,
            loss,
            seed=self.seed,
            steps=config.steps,
            learning_rate=config.learning_rate,
            device=images.device,
        )

    def maps(self, images: ImageSet) -> Iterator[tuple[int, Tensor]]:
        """Yield number and outputs, (C, h, w) on the CPU, of each image; its last row and column are repeated up to a size that
        the network can have."""
        assert self._network is not None, "fit comes first"
        multiple = MULTIPLE * self.config.shrink
        with torch.inference_mode():
            for rows in images.batches(_AT_ONCE, _IMAGES):
                batch = images.batch(rows)
                below, right = (-side % multiple for side in batch.shape[2:])
                yield from zip(rows, self._network(F.pad(batch, (0, right, 0, below), mode="replicate")).cpu(), strict=True)
