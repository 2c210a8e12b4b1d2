from __future__ import annotations

import itertools
import multiprocessing
import os
import random
import signal
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from gantool import Batch, GantoolError
from gantool.model.tensors import normalise, to_tensor
from gantool.training import feeds as feed_module
from gantool.training.draws import Draws
from gantool.training.feeds import IterableFeed, Order, ResidentFeed, Share, StreamFeed, open_feed

SHARE = Share(seed=7, batch_size=4, rank=0, world_size=1, device=torch.device("cpu"))
DTYPES = (np.uint8, np.uint16, np.float32)


class Numbered:
    """Images that tell their number: every value of image i is i (as a float, i / 100)."""

    name = "planted"

    def __init__(self, count: int, dtype=np.uint8, shape=(3, 5, 2), broken: int | None = None) -> None:
        self.count, self.dtype, self.shape, self.broken = count, np.dtype(dtype), shape, broken

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> np.ndarray:
        if index == self.broken:
            raise GantoolError(f"cannot read image {index}.png: truncated")
        return np.full(self.shape, index / 100 if self.dtype.kind == "f" else index, self.dtype)


class Textured(Numbered):
    def __getitem__(self, index: int) -> np.ndarray:
        rng = np.random.default_rng(index)
        if self.dtype.kind == "f":
            return rng.random(self.shape, np.float32)
        return rng.integers(0, np.iinfo(self.dtype).max, self.shape, self.dtype, endpoint=True)


class Endless:
    """Streams 0, 1, 2, … from the seed on."""

    name = "a planted stream"

    def __init__(self, length: int | None = None) -> None:
        self.length = length

    def stream(self, *, seed: int, skip: int):
        for number in itertools.islice(itertools.count(seed), skip, self.length):
            yield np.full((2, 3, 1), number % 256, np.uint8)


def numbers(batch: Batch) -> list[int]:
    return batch.images[:, 0, 0, 0].add(1).mul(127.5).round().int().tolist()


def feeds(domain, share=SHARE, workers=(0, 2)):
    yield ResidentFeed(domain, share)
    for count in workers:
        yield StreamFeed(domain, share, workers=count)


@pytest.mark.parametrize("dtype", DTYPES)
def test_resident_and_streamed_batches_are_the_same(dtype):
    resident, *streamed = feeds(Textured(11, dtype))
    expected = [resident.next().images for _ in range(7)]
    for feed in streamed:
        for number, batch in enumerate(expected):
            assert torch.equal(feed.next().images, batch)
            assert feed.drawn == number + 1
    for batch in expected:
        assert (batch.dtype, batch.shape) == (torch.float32, (4, 2, 3, 5))
        assert batch.is_contiguous(memory_format=torch.channels_last)
        assert -1 <= batch.min() < -0.5 < 0.5 < batch.max() <= 1


def test_a_feed_goes_on_from_where_it_is_set():
    for feed in feeds(Numbered(11)):
        ahead = [feed.next().images for _ in range(6)]
        feed.drawn = 2
        assert torch.equal(feed.next().images, ahead[2])
        assert feed.drawn == 3
        feed.drawn = 0
        assert torch.equal(feed.next().images, ahead[0])
        feed.close()
    stream = IterableFeed(Endless(), SHARE)
    assert [numbers(stream.next())[0] for _ in range(3)] == [7, 11, 15]
    stream.drawn = 2
    assert numbers(stream.next()) == [15, 16, 17, 18]


@pytest.mark.parametrize("count", [24, 22])
def test_processes_together_draw_every_image_once_an_epoch(count):
    share = replace(SHARE, world_size=2, batch_size=3)
    ranks = [ResidentFeed(Numbered(count), replace(share, rank=rank)) for rank in (0, 1)]
    drawn = [number for _ in range(2 * count) for feed in ranks for number in numbers(feed.next())]
    for epoch in range(len(drawn) // count):
        assert sorted(drawn[epoch * count : (epoch + 1) * count]) == list(range(count))


def test_processes_together_follow_one_stream():
    ranks = [IterableFeed(Endless(), replace(SHARE, world_size=3, rank=rank, batch_size=2)) for rank in range(3)]
    drawn = [number for _ in range(3) for feed in ranks for number in numbers(feed.next())]
    assert drawn == list(range(7, 7 + 18))  # as one process with the whole batch draws them
    ranks[1].drawn = 1
    assert numbers(ranks[1].next()) == [7 + 6 + 2, 7 + 6 + 3]


def test_numbers_do_not_depend_on_the_block_they_are_computed_in():
    share = replace(SHARE, batch_size=3000)  # one batch per block, and 4 at least for the small one
    order, ahead = Order(5000, share), Order(5000, share)
    first = [order.batch(number) for number in range(4)]
    assert np.array_equal(ahead.batch(3), first[3])
    assert np.array_equal(ahead.batch(0), first[0])
    assert len(set(np.concatenate(first)[:5000].tolist())) == 5000


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_ends_of_the_range_are_exact(dtype):
    top = 1 if dtype == np.float32 else np.iinfo(dtype).max
    ends = np.array([[[[0], [top]]]], dtype)
    assert normalise(to_tensor(ends)).flatten().tolist() == [-1, 1]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_stored_value_gets_its_place_in_the_range(dtype):
    top = np.iinfo(dtype).max
    values = np.arange(top + 1, dtype=dtype).reshape(1, 1, -1, 1)
    found = normalise(to_tensor(values)).flatten()
    error = (found.double() - torch.linspace(-1, 1, top + 1, dtype=torch.float64)).abs().max()
    assert error < 3e-7  # float32 around 1
    assert found.min() == -1
    assert found.max() == 1


def test_a_feed_draws_from_no_global_random_state():
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()
    for feed in feeds(Numbered(11)):
        feed.next()
    assert before[:2] == (random.getstate(), np.random.get_state()[1].tolist())
    assert torch.equal(before[2], torch.get_rng_state())


def test_a_batch_larger_than_the_set_says_what_would_happen():
    with pytest.raises(GantoolError, match="--batch-size 4 is larger than the 3 real images.*hold images twice.*--batch-size 3"):
        open_feed(Numbered(3), SHARE, cache_gib=1, workers=0, what="real")
    with pytest.raises(GantoolError, match="--batch-size 8 is larger than the 7 real images.*pass --batch-size 6 or less"):
        open_feed(Numbered(7), replace(SHARE, world_size=2), cache_gib=1, workers=0, what="real")
    assert numbers(open_feed(Numbered(4), SHARE, cache_gib=1, workers=0, what="real").next())


def test_the_feed_is_chosen_by_size_and_kind():
    def chosen(domain, cache_gib):
        return type(open_feed(domain, SHARE, cache_gib=cache_gib, workers=0, what="real"))

    gib = 2**-30 * 10 * 3 * 5 * 2
    assert chosen(Numbered(10), gib) is ResidentFeed
    assert chosen(Numbered(10), gib * 0.99) is StreamFeed
    assert chosen(Numbered(10, np.uint16), gib) is StreamFeed
    assert chosen(Endless(), gib) is IterableFeed


@pytest.mark.parametrize("workers", [0, 2])
def test_an_image_that_a_worker_cannot_read_is_one_line(workers):
    feed = StreamFeed(Numbered(8, broken=5), SHARE, workers=workers)
    with pytest.raises(GantoolError) as error:
        feed.next()
        feed.next()
    assert str(error.value) == "cannot read image 5.png: truncated"


def test_an_image_that_cannot_be_read_into_memory_is_one_line():
    with pytest.raises(GantoolError, match=r"^cannot read image 5\.png: truncated$"):
        ResidentFeed(Numbered(8, broken=5), SHARE)


def test_a_stream_that_ends_is_an_error():
    feed = IterableFeed(Endless(length=6), SHARE)
    feed.next()
    with pytest.raises(GantoolError, match="a planted stream ended; a streaming domain must be endless"):
        feed.next()


class Pids(Numbered):
    """Each image tells the process that read it."""

    def __getitem__(self, index: int) -> np.ndarray:
        return np.frombuffer(os.getpid().to_bytes(4, "little"), np.uint8).reshape(1, 1, 4)


def test_workers_leave_ctrl_c_and_sigterm_to_the_run(monkeypatch):
    monkeypatch.setattr(feed_module, "_GRACE_SECONDS", 0.2)
    feed = StreamFeed(Pids(8), replace(SHARE, batch_size=1), workers=1)

    def reader() -> int:
        return int.from_bytes(feed.next().images[0, :, 0, 0].add(1).mul(127.5).round().byte().tolist(), "little")

    worker = reader()
    assert worker != os.getpid()
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(worker, number)
    assert [reader() for _ in range(3)] == [worker] * 3
    # Whatever fails to end its workers does not wait for them for ever.
    (process,) = multiprocessing.active_children()
    process.join(10)
    assert not process.is_alive()
    feed.close()


class Threads(Numbered):
    """Images that tell how many threads OpenCV has where they are read."""

    def __getitem__(self, index: int) -> np.ndarray:
        return np.full(self.shape, cv2.getNumThreads(), np.uint8)


def test_workers_use_no_threads_of_opencv_which_would_share_locks_with_those_of_the_run():
    before = cv2.getNumThreads()
    cv2.setNumThreads(3)
    try:
        feed = StreamFeed(Threads(8), SHARE, workers=2)
        assert numbers(feed.next()) == [1] * 4
        assert cv2.getNumThreads() == 3
        feed.close()
    finally:
        cv2.setNumThreads(before)


def test_no_more_workers_than_processors(monkeypatch):
    monkeypatch.setattr(feed_module.os, "sched_getaffinity", lambda _: {0}, raising=False)
    feed = StreamFeed(Pids(8), SHARE, workers=5)
    feed.next()
    assert len(multiprocessing.active_children()) == 1
    feed.close()


def test_closing_ends_the_workers():
    feed = StreamFeed(Pids(8), replace(SHARE, batch_size=1), workers=2)
    feed.next()
    assert multiprocessing.active_children()
    feed.close()
    assert not multiprocessing.active_children()
    assert feed.next().images.shape == (1, 4, 1, 1)
    assert feed.drawn == 2
    feed.close()


def test_draws_restore_both_feeds():
    def make():
        other = replace(SHARE, seed=8)
        return Draws(ResidentFeed(Numbered(11), SHARE), StreamFeed(Numbered(13), other, workers=0))

    draws = make()
    for _ in range(3):
        draws.source(), draws.target()
    draws.source()
    state = draws.state_dict()
    assert state == {"source": 4, "target": 3}
    again = make()
    again.load_state_dict(state)
    assert torch.equal(again.source().images, draws.source().images)
    assert torch.equal(again.target().images, draws.target().images)
