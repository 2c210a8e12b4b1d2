"""Batches for a recipe: from images held on the device, or streamed from disk by worker processes."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from ..components import Domain, StreamingDomain
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


class Feed(Protocol):
    """The endless batches of one domain."""

    drawn: int
    """Batches drawn so far; setting it moves the feed."""

    def next(self) -> torch.Tensor:
        """(N, C, H, W) float32 in [-1, 1], channels-last in memory, on the share's device."""

    def close(self) -> None:
        """Stop reading ahead."""


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


class ResidentFeed:
    """Holds all images of a domain on the device, as stored (8 or 16 bit); a batch is one gather there."""

    def __init__(self, domain: Domain, share: Share) -> None:
        self.drawn = 0
        self._order = Order(len(domain), share)
        self._device = share.device
        self._images = to_tensor(load_all(domain)).to(share.device)

    def next(self) -> torch.Tensor:
        numbers = to_device(torch.from_numpy(self._order.batch(self.drawn)), self._device)
        self.drawn += 1
        return normalise(self._images[numbers])

    def close(self) -> None:
        """Nothing to close: all images are in memory."""


class _Opened:
    """A feed that opens its data when it is first asked, and anew where it is moved."""

    def __init__(self) -> None:
        self._drawn = 0
        self._items: Iterator[Any] | None = None

    @property
    def drawn(self) -> int:
        """Batches drawn so far."""
        return self._drawn

    @drawn.setter
    def drawn(self, value: int) -> None:
        self.close()
        self._drawn = value

    def close(self) -> None:
        """Worker processes end with the iterator that they feed."""
        self._items = None


class StreamFeed(_Opened):
    """Reads images of a map-style domain ahead in worker processes."""

    def __init__(self, domain: Domain, share: Share, *, workers: int) -> None:
        super().__init__()
        self._domain, self._share = domain, share
        # More than there are processors only makes torch warn.
        self._workers = min(workers, _processors())

    def next(self) -> torch.Tensor:
        """Raises `GantoolError` where an image cannot be read."""
        if self._items is None:
            self._items = iter(self._loader())
        batch = next(self._items)
        if isinstance(batch, str):
            self.close()
            raise GantoolError(batch)
        self._drawn += 1
        return normalise(batch.to(self._share.device, non_blocking=True))

    def _loader(self) -> DataLoader[Any]:
        return DataLoader(
            _Reader(self._domain),
            sampler=_Endless(Order(len(self._domain), self._share), self._drawn),
            batch_size=None,
            num_workers=self._workers,
            pin_memory=self._share.device.type == "cuda",
            worker_init_fn=_leave_signals_to_the_run,
            # Without one of its own, a loader draws from torch's global random state whenever it starts: a run that was
            # resumed starts one more.
            generator=torch.Generator(),
        )


class IterableFeed(_Opened):
    """Follows a domain that has no random access. Each process takes its rows of every batch."""

    def __init__(self, domain: StreamingDomain, share: Share) -> None:
        super().__init__()
        self._domain, self._share = domain, share

    def next(self) -> torch.Tensor:
        """Raises `GantoolError` where the stream ends."""
        share = self._share
        if self._items is None:
            whole, first = share.batch_size * share.world_size, share.batch_size * share.rank
            self._items = stream_rows(
                self._domain, seed=share.seed, skip=self._drawn * whole, rows=range(first, first + share.batch_size), of=whole
            )
        rows = list(islice(self._items, share.batch_size))
        if len(rows) < share.batch_size:
            raise GantoolError(f"{getattr(self._domain, 'name', 'the data set')} ended; a streaming domain must be endless")
        self._drawn += 1
        return normalise(to_device(to_tensor(np.stack(rows)), share.device))


def _leave_signals_to_the_run(_worker: int) -> None:
    # A terminal sends Ctrl-C, and a batch system SIGTERM, to the workers too, but the step that they read for is to be
    # finished. They end with the run; should it fail to end them, half a minute after SIGTERM.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: _exit_later())


def _exit_later() -> None:
    timer = threading.Timer(_GRACE_SECONDS, os._exit, (0,))
    timer.daemon = True
    timer.start()


class _Endless(Sampler[list[int]]):
    """Image numbers of batch after batch, from batch `first` on."""

    def __init__(self, order: Order, first: int) -> None:
        self._order, self._first = order, first

    def __iter__(self) -> Iterator[list[int]]:
        number = self._first
        while True:
            yield self._order.batch(number).tolist()
            number += 1


class _Reader(Dataset[Any]):
    """Reads a whole batch in a worker."""

    def __init__(self, domain: Domain) -> None:
        self._domain = domain

    def __getitem__(self, numbers: list[int]) -> torch.Tensor | str:
        try:
            return to_tensor(np.stack([self._domain[number] for number in numbers]))
        except GantoolError as error:
            # An exception would come out of the loader wrapped in a worker's traceback; the user needs the one line.
            return str(error)


class Draws:
    """The two feeds of a run: what a recipe gets as its `draw`."""

    def __init__(self, source: Feed, target: Feed) -> None:
        self._source, self._target = source, target

    def source(self) -> torch.Tensor:
        """The next synthetic batch, (N, C, H, W) in [-1, 1]."""
        return self._source.next()

    def target(self) -> torch.Tensor:
        """The next real batch, (N, C, H, W) in [-1, 1]."""
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


def open_feed(domain: Domain | StreamingDomain, share: Share, *, cache_gib: float, workers: int, what: str) -> Feed:
    """Choose the feed that fits. Raises `GantoolError` where `domain` is smaller than a batch; `what` names it there."""
    if not isinstance(domain, Domain):
        return IterableFeed(domain, share)
    batch = share.batch_size * share.world_size
    if batch > len(domain):
        raise GantoolError(
            f"--batch-size {batch} is larger than the {len(domain)} {what} images, so a batch would hold images twice: "
            f"pass --batch-size {len(domain) // share.world_size * share.world_size} or less"
        )
    if nbytes(domain) <= cache_gib * 2**30:
        return ResidentFeed(domain, share)
    return StreamFeed(domain, share, workers=workers)


def _processors() -> int:
    """Processors that this process may use, where the system says so."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1
