"""The history of refined images that D keeps being shown (Section 2.3 of the paper)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from .options import HistoryOptions

_WIDE = 2**62
"""Integers are drawn below this and reduced modulo n: no index is favoured by more than n / 2⁶²."""


class History:
    """A fixed store of B refined images on the device of the images it is given.

    Each `exchange` of b images does three things, all in O(b) and without waiting for the device:

    - It returns b/2 of the current images and b/2 distinct ones drawn uniformly from the store (as many as there are while
      the store holds fewer, and then more current ones).
    - It then stores b/2 current images, those first that it did not return: in free places while there are any, else in
      place of b/2 distinct ones drawn uniformly.
    - b/2 is rounded down. For b = 1 it is 0 or 1 by the toss of a coin, and while there is room at least one image is
      stored, so that old images come back then too.

    Once it is full an image leaves with probability b / 2B in each exchange, so the ages of what comes back, in exchanges,
    are geometric with mean 2B / b.

    Args:
        config: B.
        generator: CPU generator that no one else draws from.
    """

    def __init__(self, *, config: HistoryOptions, generator: torch.Generator) -> None:
        self.size = config.size
        self.held = 0
        self._generator = generator
        self._images: Tensor | None = None

    @torch.no_grad()
    def exchange(self, fresh: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W), detached, same device and dtype: current images first, then earlier ones.

        Raises `ValueError` for images of another shape or dtype than those held.
        """
        images = self._store_for(fresh)
        half = len(fresh) // 2 if len(fresh) != 1 else int(torch.randint(2, (1,), generator=self._generator))
        recalled, stored, free = min(half, self.held), min(half, self.size), self.size - self.held
        drawn = self._draw(recalled)
        if free:
            stored = min(max(stored, 1), free, len(fresh))
        replaced = [] if free else self._draw(stored)

        places = _to_device(drawn + replaced, fresh.device)
        result = torch.cat((fresh[: len(fresh) - recalled], images.index_select(0, places[:recalled])))
        newest = fresh[len(fresh) - stored :]
        if free:
            images[self.held : self.held + stored] = newest
            self.held += stored
        else:
            images.index_copy_(0, places[recalled:], newest)
        return result

    def state_dict(self) -> dict[str, Any]:
        """A copy of the images held, (held, C, H, W) or None before the first exchange, and the state of later draws."""
        images = None if self._images is None else self._images[: self.held].clone()
        return {"images": images, "generator": self._generator.get_state()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned; later exchanges are then the same to the bit.

        Raises `ValueError` for more images than this history has room for.
        """
        images = state["images"]
        held = 0 if images is None else len(images)
        if held > self.size:
            raise ValueError(f"the saved history holds {held} images, this one has room for {self.size}: set size={held}")
        self._images = None if images is None else self._allocate(images)
        if self._images is not None:
            self._images[:held] = images
        self.held = held
        self._generator.set_state(state["generator"].cpu())

    def _store_for(self, fresh: Tensor) -> Tensor:
        if fresh.ndim != 4:
            raise ValueError(f"a history takes images (N, C, H, W), got {tuple(fresh.shape)}")
        if self._images is None:
            self._images = self._allocate(fresh)
        expected, got = (self._images.shape[1:], self._images.dtype), (fresh.shape[1:], fresh.dtype)
        if expected != got:
            raise ValueError(f"the history holds {tuple(expected[0])} {expected[1]} images, got {tuple(got[0])} {got[1]}")
        # A state that was loaded onto the CPU follows the run to its device once.
        self._images = self._images.to(fresh.device)
        return self._images

    def _allocate(self, like: Tensor) -> Tensor:
        return torch.empty((self.size, *like.shape[1:]), dtype=like.dtype, device=like.device)

    def _draw(self, count: int) -> list[int]:
        """`count` distinct indices of images held, every set of them equally likely, in O(count): Floyd's algorithm."""
        limits = range(self.held - count + 1, self.held + 1)
        chosen: dict[int, None] = {}
        for limit, number in zip(limits, torch.randint(_WIDE, (count,), generator=self._generator).tolist(), strict=True):
            index = number % limit
            chosen[index if index not in chosen else limit - 1] = None
        return list(chosen)


def _to_device(indices: list[int], device: torch.device) -> Tensor:
    """Copy indices without waiting: from pinned memory where the device is a GPU."""
    host = torch.tensor(indices, dtype=torch.long, pin_memory=device.type == "cuda")
    return host.to(device, non_blocking=True)
