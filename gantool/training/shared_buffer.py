"""One replay buffer of all processes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from ..components import ReplayBuffer
from ..compute.processes import Team


class SharedBuffer:
    """A buffer that sees the images of all processes, as the buffer of a single process with the whole batch would.

    Every process holds a copy and draws the same numbers, so the copies stay equal, a checkpoint holds one, and a run goes on
    with another number of processes as if nothing had happened. The price is one gathering of the batch per exchange.
    """

    def __init__(self, buffer: ReplayBuffer, team: Team) -> None:
        self._buffer, self._team = buffer, team

    def exchange(self, fresh: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W): this process's rows of what the buffer gives for the batch of all processes."""
        start = self._team.rank * len(fresh)
        return self._buffer.exchange(self._team.gather_images(fresh))[start : start + len(fresh)]

    def state_dict(self) -> dict[str, Any]:
        return self._buffer.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._buffer.load_state_dict(state)
