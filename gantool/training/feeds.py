"""Batches for a recipe: from images held on the device, or streamed from disk by worker processes."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import count, islice
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from ..components import Batch, Domain, StreamingDomain
from ..data.load import load_all, nbytes
from ..data.order import shuffled, stream_rows
from ..errors import GantoolError
from ..model.tensors import normalise, to_device, to_tensor

_BLOCK = 4096
"""Image numbers are computed this many at a time: a call of `shuffled` costs as much for 32."""

_GRACE_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Share:
    """What decides which images a process draws, and where it holds them."""

    seed: int
    batch_size: int
    """Images per process."""
    rank: int
    world_size: int
    device: torch.device


class Order:
    """Image numbers of batch after batch of one process, computed in blocks."""

    def __init__(self, count: int, share: Share) -> None:
        self._count, self._share = count, share
        self._batches = max(1, _BLOCK // share.batch_size)
        self._block = -1
        self._numbers: np.ndarray = np.empty((0, 0), dtype=np.int64)

    def batch(self, number: int) -> np.ndarray:
        """(batch_size,) image numbers of the batch `number`."""
        block, row = divmod(number, self._batches)
        if block != self._block:
            # All processes walk one common order side by side, so that together they draw every image once an epoch.
            share, first = self._share, block * self._batches
            batches = np.arange(first, first + self._batches)[:, None] * share.world_size + share.rank
            positions = batches * share.batch_size + np.arange(share.batch_size)
            self._numbers = shuffled(positions.ravel(), self._count, seed=share.seed).reshape(positions.shape)
            self._block = block
        numbers: np.ndarray = self._numbers[row]
        return numbers


Labelled = Callable[[int], list[dict[str, Any]]]
"""From the number of a batch to the labels of its rows."""


class Feed:
    """The endless batches of one domain: opened when the first is asked for, and anew where the feed is moved.

    `batches`: from which number on, to batches (N, H, W, C) as they are stored, on the run's device; or to why there are no more,
    since an error that is raised there would hold on to what reads ahead as long as somebody looks at it. `labels`: from a number
    to the records of that batch; None where nobody looks at them.
    """

    def __init__(self, batches: Callable[[int], Iterator[torch.Tensor | str]], labels: Labelled | None = None) -> None:
        self._open, self._labels, self._drawn = batches, labels, 0
        self._batches: Iterator[torch.Tensor | str] | None = None

    def next(self) -> Batch:
        """Images float32, channels-last in memory, on the run's device.

        Raises `GantoolError` where an image cannot be read and where a stream ends.
        """
        self._batches = self._batches or self._open(self._drawn)
        stored = next(self._batches)
        if isinstance(stored, str):
            self.close()
            raise GantoolError(stored)
        labels = self._labels(self._drawn) if self._labels else None
        self._drawn += 1
        return Batch(normalise(stored), labels=labels)

    @property
    def drawn(self) -> int:
        """Batches drawn so far; setting it moves the feed."""
        return self._drawn

    @drawn.setter
    def drawn(self, value: int) -> None:
        self.close()
        self._drawn = value

    def close(self) -> None:
        """Stop reading ahead. Worker processes end with the iterator that they feed."""
        self._batches = None


class ResidentFeed(Feed):
    """Holds all images of a domain on the device, as stored (8 or 16 bit); a batch is one indexing there."""

    def __init__(self, domain: Domain, share: Share, *, labels: bool = False) -> None:
        images = to_tensor(load_all(domain)).to(share.device)
        super().__init__(partial(_pick, images, Order(len(domain), share)), _labelled(domain, share) if labels else None)


class StreamFeed(Feed):
    """Reads images of a map-style domain ahead in worker processes."""

    def __init__(self, domain: Domain, share: Share, *, workers: int, labels: bool = False) -> None:
        # More than there are processors only makes torch warn.
        read = partial(_read_ahead, domain, share, min(workers, _processors()))
        super().__init__(read, _labelled(domain, share) if labels else None)


class IterableFeed(Feed):
    """Follows a domain that has no random access. Each process takes its rows of every batch."""

    def __init__(self, domain: StreamingDomain, share: Share) -> None:
        super().__init__(partial(_follow, domain, share))


# Functions, so that a feed which nobody holds any more goes at once, and its workers with it: a method would hold the feed.


def _pick(images: torch.Tensor, order: Order, first: int) -> Iterator[torch.Tensor]:
    for number in count(first):
        yield images[to_device(torch.from_numpy(order.batch(number)), images.device)]


def _read_ahead(domain: Domain, share: Share, workers: int, first: int) -> Iterator[torch.Tensor | str]:
    loader: DataLoader[Any] = DataLoader(
        _Reader(domain),
        sampler=map(Order(len(domain), share).batch, count(first)),
        batch_size=None,
        num_workers=workers,
        pin_memory=share.device.type == "cuda",
        worker_init_fn=_leave_signals_to_the_run,
        # Without one of its own, a loader draws from torch's global random state whenever it starts: a run that was
        # resumed starts one more.
        generator=torch.Generator(),
    )
    for batch in loader:
        yield batch if isinstance(batch, str) else batch.to(share.device, non_blocking=True)


def _follow(domain: StreamingDomain, share: Share, first: int) -> Iterator[torch.Tensor | str]:
    whole, start = share.batch_size * share.world_size, share.batch_size * share.rank
    own = range(start, start + share.batch_size)
    images = stream_rows(domain, seed=share.seed, skip=first * whole, rows=own, of=whole)
    while len(rows := list(islice(images, share.batch_size))) == share.batch_size:
        yield to_device(to_tensor(np.stack(rows)), share.device)
    yield f"{getattr(domain, 'name', 'the data set')} ended; a streaming domain must be endless"


def _leave_signals_to_the_run(_worker: int) -> None:
    # A terminal sends Ctrl-C, and a batch system SIGTERM, to the workers too, but the step that they read for is to be
    # finished. They end with the run; should it fail to end them, half a minute after SIGTERM.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: _exit_later())


def _exit_later() -> None:
    timer = threading.Timer(_GRACE_SECONDS, os._exit, (0,))
    timer.daemon = True
    timer.start()


class _Reader(Dataset[Any]):
    """Reads a whole batch in a worker."""

    def __init__(self, domain: Domain) -> None:
        self._domain = domain

    def __getitem__(self, numbers: np.ndarray) -> torch.Tensor | str:
        try:
            return to_tensor(np.stack([self._domain[number] for number in numbers.tolist()]))
        except GantoolError as error:
            # An exception would come out of the loader wrapped in a worker's traceback; the user needs the one line.
            return str(error)


class Draws:
    """The two feeds of a run: what a recipe gets as its `draw`."""

    def __init__(self, source: Feed, target: Feed) -> None:
        self._source, self._target = source, target

    def source(self) -> Batch:
        """The next synthetic batch."""
        return self._source.next()

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


def label_records(domain: Domain, numbers: np.ndarray) -> list[dict[str, Any]]:
    """The labels of the images with these numbers, (N,): one record each, `{name: value}`."""
    labels: Mapping[str, np.ndarray] = getattr(domain, "labels", {})
    return [{name: values[number] for name, values in labels.items()} for number in numbers.tolist()]


def _labelled(domain: Domain, share: Share) -> Labelled | None:
    # An order of its own: a worker may be many batches ahead.
    order = Order(len(domain), share)
    return (lambda number: label_records(domain, order.batch(number))) if getattr(domain, "labels", None) else None


def open_feed(
    domain: Domain | StreamingDomain, share: Share, *, cache_gib: float, workers: int, what: str, labels: bool = False
) -> Feed:
    """Choose the feed that fits, with the labels of what it draws if asked for and there. Raises `GantoolError` where `domain` is
    smaller than a batch; `what` names it there."""
    if not isinstance(domain, Domain):
        return IterableFeed(domain, share)
    batch = share.batch_size * share.world_size
    if batch > len(domain):
        raise GantoolError(
            f"--batch-size {batch} is larger than the {len(domain)} {what} images, so a batch would hold images twice: "
            f"pass --batch-size {len(domain) // share.world_size * share.world_size} or less"
        )
    if nbytes(domain) <= cache_gib * 2**30:
        return ResidentFeed(domain, share, labels=labels)
    return StreamFeed(domain, share, workers=workers, labels=labels)


def _processors() -> int:
    """Processors that this process may use, where the system says so."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1
