"""What a recipe draws from: the two feeds of a run, and which images go without their conditions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from ..components import Batch
from ..data.order import uniforms
from ..model.tensors import to_device
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


class Draws:
    """The two feeds of a run: what a recipe gets as its `draw`."""

    def __init__(self, source: Feed, target: Feed, dropped: Dropped | None = None) -> None:
        """`dropped`: from the number of a batch, which of its rows go without their conditions."""
        self._source, self._target, self._dropped = source, target, dropped

    def source(self) -> Batch:
        """The next synthetic batch."""
        number, batch = self._source.drawn, self._source.next()
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
