"""A batch in shares, each computed by a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import torch

_ROWS = 16
"""Images per share at least: on few, oneDNN may sum in another order than on the whole batch, and last bits would differ."""


class Shares:
    """Applies a network to shares of a batch at the same time, on the CPU.

    By itself torch splits each operation over its threads, which wait for one another, spinning, before the next one. Whatever
    else wants a processor, such as decoding and encoding, then holds up all of them. Shares meet once a batch.
    """

    def __init__(self, network: Callable[[torch.Tensor], torch.Tensor]) -> None:
        self._network = network
        self._count = torch.get_num_threads()
        self._pool: ThreadPoolExecutor | None = None

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to the network's (N, c, h, w), without gradients. Raises what the network raises."""
        if self._count == 1 or len(images) < _ROWS * self._count:
            return self._network(images)
        if self._pool is None:
            self._pool = _open_pool(self._count)
        return torch.cat(list(self._pool.map(self._apply, images.tensor_split(self._count))))

    @torch.inference_mode()  # is of a thread
    def _apply(self, share: torch.Tensor) -> torch.Tensor:
        return self._network(share)


def _open_pool(count: int) -> ThreadPoolExecutor:
    """Return as many threads, on each of which torch computes with one thread only; all others keep their setting."""
    before = torch.get_num_threads()
    all_started = threading.Barrier(count + 1)

    def start() -> None:
        torch.set_num_threads(1)
        # A thread takes over the setting of the process once, when it first asks: before the setting changes back.
        torch.get_num_threads()
        all_started.wait()

    pool = ThreadPoolExecutor(count, thread_name_prefix="share", initializer=start)
    for _ in range(count):
        pool.submit(int)  # threads start with work
    all_started.wait()
    torch.set_num_threads(before)
    return pool
