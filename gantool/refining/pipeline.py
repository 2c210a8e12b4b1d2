"""Reading, computing and writing at once, with bounded memory."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from ..data.images import Form
from .network import Network
from .treatment import Frame, Treatment

K = TypeVar("K", bound=Hashable)
F = TypeVar("F", bound=Frame)
T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")

_AHEAD = 2
"""Batches that are read ahead, and batches that wait to be written."""
_PIXELS = 2**20
"""Pixels per batch at most, unless a single image has more: 64 feature maps of so many take 256 MiB."""


@dataclass(frozen=True)
class Failed:
    """An image that could not be refined; it stops no other."""

    name: str
    cause: str


def make_batches(
    items: Iterable[tuple[K, Form | None]], treatment: Treatment, batch_size: int, window: int = sys.maxsize
) -> Iterator[list[K]]:
    """Put images of one size and type together, in order: at most `batch_size`, and at most 2**20 pixels, or one image.

    Of `window` images that wait for others like them, the first go without. Those of no known form are put together, too.
    """
    waiting: dict[Hashable, list[K]] = {}
    count = 0
    for key, form in items:
        kind = form and (treatment.sizes(form), form.dtype)
        batch = waiting.setdefault(kind, [])
        batch.append(key)
        count += 1
        if len(batch) >= (batch_limit(form, treatment, batch_size) if form else batch_size) or count >= window:
            full = waiting.pop(kind if count < window else next(iter(waiting)))
            count -= len(full)
            yield full
    yield from waiting.values()


def batch_limit(form: Form, treatment: Treatment, batch_size: int) -> int:
    """Return how many images of a form are put together at most."""
    pixels = max(height * width for height, width in treatment.sizes(form))
    return max(1, min(batch_size, _PIXELS // pixels))


def pixels_of(forms: Iterable[Form], treatment: Treatment) -> int:
    """Return how many pixels the network gets to see for images of these forms."""
    return sum(height * width for height, width in (treatment.sizes(form)[1] for form in forms))


@dataclass(frozen=True)
class Pipeline(Generic[K, F, T]):
    """`read` and `finish` run on threads; the network runs where `run` is called from."""

    read: Callable[[K], F | Failed]
    network: Network
    finish: Callable[[K, F, np.ndarray], T | Failed]
    """Gets the network's change, (c, h, w) float32; writes the image, or returns what shall be written."""
    threads: int
    """How many."""

    def run(self, batches: Iterable[Sequence[K]]) -> Iterator[tuple[K, T | Failed]]:
        """Yield a result per key, batch by batch. What `read`, `network` and `finish` raise ends it."""
        pool = ThreadPoolExecutor(self.threads, thread_name_prefix="refine")
        try:
            reading = ((batch, spread(pool, self.threads, self.read, batch)) for batch in batches)
            writing = (self._compute(pool, batch, frames) for batch, frames in _later(reading))
            for failed, finished in _later(writing):
                yield from failed
                yield from collected(finished)
        finally:
            # Also where the caller stops early: what runs is finished, so that no file is left half-written.
            pool.shutdown(cancel_futures=True)

    def _compute(
        self, pool: ThreadPoolExecutor, batch: Sequence[K], frames: list[Future[list[F | Failed]]]
    ) -> tuple[list[tuple[K, Failed]], list[Future[list[tuple[K, T | Failed]]]]]:
        """Return what could not be read, and what is being finished."""
        failed: list[tuple[K, Failed]] = []
        # Headers said that they are alike; a file that changed since must not spoil the batch.
        alike: dict[Hashable, list[tuple[K, F]]] = {}
        for key, frame in zip(batch, collected(frames), strict=True):
            if isinstance(frame, Failed):
                failed.append((key, frame))
            else:
                alike.setdefault((frame.inputs.shape, frame.inputs.dtype), []).append((key, frame))
        finished = []
        for group in alike.values():
            seen = [frame.conditions for _, frame in group if frame.conditions is not None]
            keys = [frame.key for _, frame in group]
            changes = self.network.change([frame.inputs for _, frame in group], seen, keys)
            answered = [(key, frame, change) for (key, frame), change in zip(group, changes, strict=True)]
            finished += spread(pool, self.threads, self._finish, answered)
        return failed, finished

    def _finish(self, answered: tuple[K, F, np.ndarray]) -> tuple[K, T | Failed]:
        key, frame, change = answered
        return key, self.finish(key, frame, change)


def _later(items: Iterable[A]) -> Iterator[A]:
    """Yield each item when two more are there: work that they stand for goes on meanwhile."""
    held: deque[A] = deque()
    for item in items:
        held.append(item)
        if len(held) > _AHEAD:
            yield held.popleft()
    yield from held


def spread(pool: Executor, pieces: int, function: Callable[[A], B], items: Sequence[A]) -> list[Future[list[B]]]:
    """Apply `function` to all items, in `pieces` runs of neighbours: handing over a small image costs as much as reading it."""
    size = -(-len(items) // pieces) if items else 1
    runs = [items[first : first + size] for first in range(0, len(items), size)]
    return [pool.submit(_apply, function, run) for run in runs]


def collected(futures: Iterable[Future[list[B]]]) -> Iterator[B]:
    """Yield the results of `spread` in order, as they come."""
    for future in futures:
        yield from future.result()


def _apply(function: Callable[[A], B], items: Sequence[A]) -> list[B]:
    return [function(item) for item in items]
