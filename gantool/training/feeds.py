"""Batches for a recipe: from images held on the device, or streamed from disk by worker processes."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from types import MappingProxyType
from typing import Any

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from ..components import Batch, Domain, StreamingDomain
from ..compute.launch import subprocesses
from ..conditioning import split
from ..data.conditions import Conditions
from ..data.load import load_all, nbytes
from ..data.matching import Matches
from ..data.order import real_seed, shuffled, stream_rows, uniforms
from ..data.parallel import apply_to_all
from ..data.patches import Patch, Place, cut
from ..data.prepare import Prepared
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
    follows: tuple[Matches, Share] | None = None
    """Of real images that are matched to synthetic ones: the table, and the share of these."""

    def order(self, count: int) -> Order | MatchedOrder:
        """Return the order in which it draws from `count` images."""
        if self.follows is None:
            return Order(count, self)
        matches, source = self.follows
        return MatchedOrder(matches, Order(matches.count, source), self)

    def positions(self, number: int) -> np.ndarray:
        """(batch_size,) places of the rows of the batch `number` among all that are ever drawn."""
        first = (number * self.world_size + self.rank) * self.batch_size
        return np.arange(first, first + self.batch_size)


class Order:
    """Image numbers of batch after batch of one process, computed in blocks."""

    def __init__(self, count: int, share: Share) -> None:
        self._count, self._share = count, share
        self._batches = max(1, _BLOCK // share.batch_size)
        self._block = -1
        self._numbers: np.ndarray = np.empty((0, 0), dtype=np.int64)

    def draws(self, number: int) -> np.ndarray:
        """(batch_size, 2) in [0, 1): which crop of each image the batch `number` has, of an image that has several."""
        return uniforms(self._share.positions(number), seed=self._share.seed)

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


class MatchedOrder:
    """Real images that hold what the synthetic ones of the same batch hold; as `Order`."""

    def __init__(self, matches: Matches, source: Order, share: Share) -> None:
        self._matches, self._source, self._share = matches, source, share

    def draws(self, number: int) -> np.ndarray:
        """(batch_size, 2) in [0, 1): which crop of each image the batch `number` has."""
        return self._drawn(number)[1]

    def batch(self, number: int) -> np.ndarray:
        """(batch_size,) image numbers of the batch `number`."""
        return self._drawn(number)[0]

    def _drawn(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        positions, seed = self._share.positions(number), self._share.seed
        chance, places = uniforms(positions, seed=real_seed(seed))[:, 0], uniforms(positions, seed=seed)
        return self._matches.draw(self._source.batch(number), self._source.draws(number), chance, places)


Labelled = Callable[[int], list[dict[str, Any]]]
"""From the number of a batch to the labels of its rows."""

Frame = tuple[np.ndarray, ...]
"""An image, (H, W, C), and the channels of its conditions, (H, W, K), where it comes with some."""
Stored = tuple[Sequence[torch.Tensor], Sequence[Place | None]]
"""What `Frame` holds, N of each, on the run's device, and from where in its image each was cut."""


class Feed:
    """The endless batches of one domain: opened when the first is asked for, and anew where the feed is moved.

    `batches`: from which number on, to batches; or to why there are no more,
    since an error that is raised there would hold on to what reads ahead as long as somebody looks at it. `labels`: from a number
    to the records of that batch; None where nobody looks at them. `conditions`: the channels of each that comes along.
    """

    def __init__(
        self,
        batches: Callable[[int], Iterator[Stored | str]],
        labels: Labelled | None = None,
        conditions: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        self._open, self._labels, self._conditions, self._drawn = batches, labels, conditions, 0
        self._batches: Iterator[Stored | str] | None = None

    def next(self) -> Batch:
        """Images float32, channels-last in memory, on the run's device.

        Raises `GantoolError` where an image cannot be read and where a stream ends.
        """
        self._batches = self._batches or self._open(self._drawn)
        stored = next(self._batches)
        if isinstance(stored, str):
            self.close()
            raise GantoolError(stored)
        (images, *others), places = stored
        labels = None
        if self._labels:
            rows = zip(self._labels(self._drawn), places, strict=True)
            labels = [_cropped(record, place, images.shape[1:3]) for record, place in rows]
        self._drawn += 1
        joined = [values.to(torch.float32).permute(0, 3, 1, 2) for values in others]
        return Batch(normalise(images), split(joined[0], self._conditions) if joined else {}, labels)

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
    """Holds all images of a domain on the device, as stored (8 or 16 bit); a batch is one indexing there, or a crop of each."""

    def __init__(self, domain: Domain, share: Share, *, labels: bool = False) -> None:
        order, patch, conditions = share.order(len(domain)), _patch_of(domain), _conditions_of(domain)
        pick: Callable[[int], Iterator[Stored | str]]
        if patch:
            frames = apply_to_all(partial(_frame, domain), range(len(domain)))
            held = [tuple(to_tensor(values).to(share.device) for values in frame) for frame in frames]
            pick = partial(_crop, held, patch, order)
        elif conditions:
            frames = apply_to_all(partial(_frame, domain), range(len(domain)))
            pick = partial(_pick, [to_tensor(np.stack(each)).to(share.device) for each in zip(*frames, strict=True)], order)
        else:
            pick = partial(_pick, [to_tensor(load_all(domain)).to(share.device)], order)
        super().__init__(pick, _labelled(domain, share) if labels else None, conditions)


class StreamFeed(Feed):
    """Reads images of a map-style domain ahead in worker processes."""

    def __init__(self, domain: Domain, share: Share, *, workers: int, labels: bool = False) -> None:
        # More than there are processors only makes torch warn.
        read = partial(_read_ahead, domain, share, subprocesses(min(workers, _processors())))
        super().__init__(read, _labelled(domain, share) if labels else None, _conditions_of(domain))


class IterableFeed(Feed):
    """Follows a domain that has no random access. Each process takes its rows of every batch."""

    def __init__(self, domain: StreamingDomain, share: Share) -> None:
        super().__init__(partial(_follow, domain, share))


# Functions, so that a feed which nobody holds any more goes at once, and its workers with it: a method would hold the feed.


def _pick(held: Sequence[torch.Tensor], order: Order | MatchedOrder, first: int) -> Iterator[Stored]:
    for number in count(first):
        numbers = order.batch(number)
        rows = to_device(torch.from_numpy(numbers), held[0].device)
        yield [each[rows] for each in held], [None] * len(numbers)


def _crop(frames: Sequence[Sequence[torch.Tensor]], patch: Patch, order: Order | MatchedOrder, first: int) -> Iterator[Stored]:
    for number in count(first):
        rows = zip(order.batch(number).tolist(), order.draws(number), strict=True)
        crops = [[cut(values, patch, draw) for values in frames[row]] for row, draw in rows]
        places = [parts[0][1] for parts in crops]
        yield [torch.stack([part for part, _ in each]) for each in zip(*crops, strict=True)], places


def _read_ahead(domain: Domain, share: Share, workers: int, first: int) -> Iterator[Stored | str]:
    order = share.order(len(domain))
    loader: DataLoader[Any] = DataLoader(
        _Reader(domain),
        sampler=((order.batch(number), order.draws(number)) for number in count(first)),
        batch_size=None,
        num_workers=workers,
        pin_memory=share.device.type == "cuda",
        worker_init_fn=_leave_signals_to_the_run,
        # Without one of its own, a loader draws from torch's global random state whenever it starts: a run that was
        # resumed starts one more.
        generator=torch.Generator(),
    )
    with _alone_in_opencv():
        batches = iter(loader)  # forks the workers
    for batch in batches:
        yield batch if isinstance(batch, str) else ([each.to(share.device, non_blocking=True) for each in batch[0]], batch[1])


def _follow(domain: StreamingDomain, share: Share, first: int) -> Iterator[Stored | str]:
    whole, start = share.batch_size * share.world_size, share.batch_size * share.rank
    own = range(start, start + share.batch_size)
    images = stream_rows(domain, seed=share.seed, skip=first * whole, rows=own, of=whole)
    order = Order(1, share)
    for number in count(first):
        # The images last: `zip` takes no image that it has no draw for.
        rows = [_cut((image,), domain, draw) for draw, image in zip(order.draws(number), images, strict=False)]
        if len(rows) < share.batch_size:
            break
        stacked, places = _stack(rows)
        yield [to_device(each, share.device) for each in stacked], places
    yield f"{getattr(domain, 'name', 'the data set')} ended; a streaming domain must be endless"


@contextmanager
def _alone_in_opencv() -> Iterator[None]:
    """End OpenCV's pool of threads for a while: a process forked from one with such a pool may wait for its lock for ever."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


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

    def __getitem__(self, drawn: tuple[np.ndarray, np.ndarray]) -> Stored | str:
        rows = zip(drawn[0].tolist(), drawn[1], strict=True)
        try:
            return _stack([_cut(_frame(self._domain, number), self._domain, draw) for number, draw in rows])
        except GantoolError as error:
            # An exception would come out of the loader wrapped in a worker's traceback; the user needs the one line.
            return str(error)


def _patch_of(domain: Domain | StreamingDomain) -> Patch | None:
    patch: Patch | None = getattr(domain, "patch", None)
    return patch


def _conditions_of(domain: Domain | StreamingDomain) -> Mapping[str, int]:
    conditions: Conditions = getattr(domain, "conditions", {})
    return {name: found.channels for name, found in conditions.items()}


def _frame(domain: Domain, number: int) -> Frame:
    return domain.frame(number) if isinstance(domain, Prepared) else (domain[number],)


def _cut(frame: Frame, domain: Domain | StreamingDomain, draw: np.ndarray) -> tuple[Frame, Place | None]:
    crops = [cut(values, _patch_of(domain), draw) for values in frame]
    # A copy lets the decoded image go: a batch needs the memory of its crops and of one image.
    return tuple(crop if place is None else crop.copy() for crop, place in crops), crops[0][1]


def _stack(rows: Sequence[tuple[Frame, Place | None]]) -> Stored:
    return [to_tensor(np.stack(each)) for each in zip(*(frame for frame, _ in rows), strict=True)], [place for _, place in rows]


def _cropped(record: dict[str, Any], place: Place | None, patch: Sequence[int]) -> dict[str, Any]:
    """A record of labels as those of a crop: maps of the image's size are cut, and "patch" says where the crop lies."""
    if place is None:
        return record
    top, left, height, width = place
    own = slice(top, top + patch[0]), slice(left, left + patch[1])
    cuts = {name: value[own] for name, value in record.items() if np.shape(value)[:2] == (height, width)}
    return {**record, **cuts, "patch": (top, left, *patch)}


def label_records(domain: Domain, numbers: np.ndarray) -> list[dict[str, Any]]:
    """The labels of the images with these numbers, (N,): one record each, `{name: value}`."""
    labels: Mapping[str, np.ndarray] = getattr(domain, "labels", {})
    return [{name: values[number] for name, values in labels.items()} for number in numbers.tolist()]


def first_labels(domain: Domain, count: int, *, seed: int) -> list[dict[str, Any]]:
    """The labels of the first `count` images that all processes together draw with that seed, as `Batch` has them."""
    positions, patch = np.arange(count), _patch_of(domain)
    numbers = shuffled(positions, len(domain), seed=seed)
    records = label_records(domain, numbers)
    if not patch:
        return records
    rows = zip(records, numbers.tolist(), uniforms(positions, seed=seed), strict=True)
    return [_cropped(record, cut(domain[number], patch, draw)[1], patch) for record, number, draw in rows]


def _labelled(domain: Domain, share: Share) -> Labelled | None:
    # An order of its own: a worker may be many batches ahead.
    order = share.order(len(domain))
    return (lambda number: label_records(domain, order.batch(number))) if getattr(domain, "labels", None) else None


def open_feed(
    domain: Domain | StreamingDomain, share: Share, *, cache_gib: float, workers: int, what: str, labels: bool = False
) -> Feed:
    """Choose the feed that fits, with the labels of what it draws if asked for and there. Raises `GantoolError` where `domain` is
    smaller than a batch; `what` names it there."""
    if not isinstance(domain, Domain):
        return IterableFeed(domain, share)
    batch = share.batch_size * share.world_size
    available = getattr(domain, "patches", len(domain))
    if batch > available:
        kind = "patches" if _patch_of(domain) else "images"
        raise GantoolError(
            f"--batch-size {batch} is larger than the {available} {what} {kind}, so a batch would hold {kind} twice: "
            f"pass --batch-size {available // share.world_size * share.world_size} or less"
        )
    if nbytes(domain) <= cache_gib * 2**30:
        return ResidentFeed(domain, share, labels=labels)
    return StreamFeed(domain, share, workers=workers, labels=labels)


def _processors() -> int:
    """Processors that this process may use, where the system says so."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1
