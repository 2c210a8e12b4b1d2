"""Reading, computing and writing at once, with bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from ...data.images import Form
from .treatment import Frame, Treatment

K = TypeVar("K", bound=Hashable)
F = TypeVar("F", bound=Frame)
T = TypeVar("T")

_AHEAD = 2
"""Batches that are read ahead, and batches that wait to be written."""
_PIXELS = 2**20
"""Pixels per batch at most, unless a single image has more: 64 feature maps of so many take 256 MiB."""


@dataclass(frozen=True)
class Failed:
    """An image that could not be refined; it stops no other."""

    name: str
    cause: str


def make_batches(forms: Mapping[K, Form], treatment: Treatment, batch_size: int) -> Iterator[list[K]]:
    """Put images of one size and type together, in order: at most `batch_size`, and at most 2**20 pixels, or one image."""
    waiting: dict[Hashable, list[K]] = {}
    for key, form in forms.items():
        sizes = treatment.sizes(form)
        pixels = max(height * width for height, width in sizes)
        batch = waiting.setdefault((sizes, form.dtype), [])
        batch.append(key)
        if len(batch) >= min(batch_size, _PIXELS // pixels):
            yield waiting.pop((sizes, form.dtype))
    yield from waiting.values()


def pixels_of(forms: Iterable[Form], treatment: Treatment) -> int:
    """Return how many pixels the network gets to see for images of these forms."""
    return sum(height * width for height, width in (treatment.sizes(form)[1] for form in forms))


@dataclass(frozen=True)
class Pipeline(Generic[K, F, T]):
    """`read` and `finish` run on threads; the network runs where `run` is called from."""

    read: Callable[[K], F | Failed]
    network: Callable[[Sequence[np.ndarray]], np.ndarray]
    finish: Callable[[K, F, np.ndarray], T | Failed]
    """Gets the network's answer, (c, h, w) float32; writes the image, or returns what shall be written."""
    workers: int
    """Threads."""

    def run(self, batches: Iterable[Sequence[K]]) -> Iterator[tuple[K, T | Failed]]:
        """Yield a result per key, batch by batch. What `read`, `network` and `finish` raise ends it."""
        reading: deque[tuple[Sequence[K], list[Future[F | Failed]]]] = deque()
        writing: deque[list[tuple[K, Future[T | Failed]]]] = deque()
        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="refine")
        try:
            for batch in batches:
                reading.append((batch, [pool.submit(self.read, key) for key in batch]))
                if len(reading) > _AHEAD:
                    yield from self._compute(pool, *reading.popleft(), writing)
                while len(writing) > _AHEAD:
                    yield from _results(writing.popleft())
            while reading:
                yield from self._compute(pool, *reading.popleft(), writing)
            while writing:
                yield from _results(writing.popleft())
        finally:
            # Also where the caller stops early: what runs is finished, so that no file is left half-written.
            pool.shutdown(cancel_futures=True)

    def _compute(
        self,
        pool: ThreadPoolExecutor,
        batch: Sequence[K],
        futures: list[Future[F | Failed]],
        writing: deque[list[tuple[K, Future[T | Failed]]]],
    ) -> Iterator[tuple[K, T | Failed]]:
        frames: list[tuple[K, F]] = []
        for key, future in zip(batch, futures, strict=True):
            frame = future.result()
            if isinstance(frame, Failed):
                yield key, frame
            else:
                frames.append((key, frame))
        # Headers said that they are alike; a file that changed since must not spoil the batch.
        alike: dict[Hashable, list[tuple[K, F]]] = {}
        for key, frame in frames:
            alike.setdefault((frame.inputs.shape, frame.inputs.dtype), []).append((key, frame))
        for group in alike.values():
            refined = self.network([frame.inputs for _, frame in group])
            tasks = zip(group, refined, strict=True)
            writing.append([(key, pool.submit(self.finish, key, frame, answer)) for (key, frame), answer in tasks])


def _results(batch: list[tuple[K, Future[T | Failed]]]) -> Iterator[tuple[K, T | Failed]]:
    for key, future in batch:
        yield key, future.result()
