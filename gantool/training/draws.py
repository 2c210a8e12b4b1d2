"""What a recipe draws from: the two feeds of a run, and which images go without their conditions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from ..components import Batch
from ..data.order import uniforms
from ..model.tensors import to_device
from ..noise import noise_key, pixel_noise
from .feeds import Feed, Share

_DROPPED = 2**33
"""Makes a seed of its own."""

Dropped = Callable[[int], np.ndarray]
"""From the number of a batch to which of its rows go without conditions, (batch_size,) bool."""


def dropped_rows(share: Share, probability: float) -> Dropped | None:
    """Return what says which rows of a batch of this process go without conditions: (batch_size,) bool, whole images at random.

    It follows from the seed and from how many were drawn before, so a resumed run drops the same ones.
    """

    def rows(number: int) -> np.ndarray:
        drawn = uniforms(share.positions(number), seed=share.seed + _DROPPED)[:, 0]
        return np.asarray(drawn < probability)

    return rows if probability else None


Noise = Callable[[int, torch.Tensor], torch.Tensor]
"""From the number of a batch, and its images, to the noise that comes with it."""


def noise_of(share: Share, planes: int) -> Noise | None:
    """Return what makes the noise of a batch of this process, anew for each image that is drawn; None where nothing takes any.

    It follows from the seed and from how many were drawn before, whatever the number of processes.
    """

    def make(number: int, images: torch.Tensor) -> torch.Tensor:
        keys = [noise_key(share.seed, int(place), "training") for place in share.positions(number)]
        return pixel_noise(to_device(torch.tensor(keys), images.device), planes, *images.shape[2:])

    return make if planes else None


class Draws:
    """The two feeds of a run: what a recipe gets as its `draw`."""

    def __init__(self, source: Feed, target: Feed, dropped: Dropped | None = None, noise: Noise | None = None) -> None:
        """`dropped`: which rows of a batch go without their conditions. `noise`: that of a batch."""
        self._source, self._target, self._dropped, self._noise = source, target, dropped, noise

    def source(self) -> Batch:
        """The next synthetic batch."""
        number, batch = self._source.drawn, self._source.next()
        if self._noise:
            batch = replace(batch, noise=self._noise(number, batch.images))
        if not (self._dropped and batch.conditions):
            return batch
        kept = to_device(torch.from_numpy(~self._dropped(number)), batch.images.device).view(-1, 1, 1, 1)
        return replace(batch, conditions={name: values * kept for name, values in batch.conditions.items()})

    def target(self) -> Batch:
        """The next real batch."""
        return self._target.next()

    def close(self) -> None:
        """Stop reading ahead."""
        self._source.close()
        self._target.close()

    def state_dict(self) -> dict[str, int]:
        """How much was drawn; with the seed, that decides all later draws."""
        return {"source": self._source.drawn, "target": self._target.drawn}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go to where `state_dict` was taken."""
        self._source.drawn, self._target.drawn = state["source"], state["target"]
