"""Images of a set that is stored in chunks (shards, row groups), as an endless stream with memory that does not grow."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Protocol

import numpy as np

from ..errors import GantoolError
from .order import rows_of, shuffled
from .parallel import threads

_BLOCK = 16
"""Images per task: a task per small image costs as much as decoding it."""
_AHEAD = 4
"""Blocks that are decoded ahead."""
_MIX = 0x9E3779B97F4A7C15


class Chunk(Protocol):
    """A part of a set that is opened as a whole."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> np.ndarray:
        """(H, W, C), decoded. Raises `GantoolError`."""


class ChunkStream:
    """Images that have no random access, drawn from chunks.

    Epoch by epoch, chunks come in a new order, and `window` of them at a time are opened and their images drawn in a random
    order. Which image is drawn when is a pure function of (seed, number), so a resumed run goes on exactly; what it skips is
    never decoded, and of chunks skipped only the number of images is read, once.
    """

    def __init__(self, name: str, chunks: Sequence[Callable[[], Chunk]], *, window: int) -> None:
        self.name = name
        self._chunks, self._window = chunks, window
        self._counts: dict[int, int] = {}

    def stream(self, *, seed: int, skip: int) -> Iterator[np.ndarray]:
        """Raises `GantoolError` where there are no images."""
        return self.stream_rows(seed=seed, skip=skip, rows=range(1), of=1)

    def stream_rows(self, *, seed: int, skip: int, rows: range, of: int) -> Iterator[np.ndarray]:
        """Images of other rows are not decoded. Raises as `stream`."""
        waiting: deque[Future[list[np.ndarray]]] = deque()
        order = rows_of(self._order(seed, skip), rows, of)
        pool = ThreadPoolExecutor(threads(), thread_name_prefix="stream")
        try:
            while True:
                waiting.append(pool.submit(_decode, list(islice(order, _BLOCK))))
                if len(waiting) > _AHEAD:
                    yield from waiting.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _order(self, seed: int, skip: int) -> Iterator[tuple[Chunk, int]]:
        epoch = 0
        while True:
            if len(self._counts) == len(self._chunks):
                ahead, skip = divmod(skip, self._total())
                epoch += ahead
            numbers = self._chunk_order(seed, epoch)
            for first in range(0, len(numbers), self._window):
                group = numbers[first : first + self._window]
                # Its own for every window, and far from the next one's.
                key = (seed + _MIX * (epoch * len(numbers) + first + 1)) % 2**64
                yield from self._window_order(group, key, skip)
                skip = max(0, skip - sum(self._counts[number] for number in group))
            epoch += 1
            self._total()

    def _window_order(self, group: Sequence[int], key: int, skip: int) -> Iterator[tuple[Chunk, int]]:
        if all(number in self._counts for number in group) and skip >= sum(self._counts[number] for number in group):
            return
        opened = [self._chunks[number]() for number in group]
        self._counts.update(zip(group, map(len, opened), strict=True))
        ends = np.cumsum([len(chunk) for chunk in opened])
        count = int(ends[-1])
        if skip >= count:
            return
        for number in shuffled(np.arange(skip, count), count, seed=key).tolist():
            chunk = int(np.searchsorted(ends, number, side="right"))
            yield opened[chunk], number - (int(ends[chunk - 1]) if chunk else 0)

    def _chunk_order(self, seed: int, epoch: int) -> list[int]:
        count = len(self._chunks)
        order: list[int] = shuffled(np.arange(epoch * count, (epoch + 1) * count), count, seed=seed).tolist()
        return order

    def _total(self) -> int:
        total = sum(self._counts.values())
        if not total:
            raise GantoolError(f"no images in {self.name}")
        return total


def _decode(block: Sequence[tuple[Chunk, int]]) -> list[np.ndarray]:
    return [chunk[row] for chunk, row in block]
