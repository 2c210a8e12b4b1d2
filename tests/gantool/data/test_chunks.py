"""Streams: every image once an epoch, in an order that can be entered anywhere."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gantool.data.chunks import ChunkStream
from gantool.data.domains import Preprocess
from gantool.data.prepare import prepare
from gantool.errors import GantoolError


class Planted:
    """Chunks of images that are their numbers; notes what is opened and decoded."""

    def __init__(self, counts: list[int]) -> None:
        self.opened: list[int] = []
        self.decoded: list[int] = []
        starts = np.cumsum([0, *counts])
        self.chunks = [self._chunk(n, range(int(starts[n]), int(starts[n + 1]))) for n in range(len(counts))]

    def _chunk(self, number: int, values: range) -> Any:
        planted = self

        class Chunk:
            def __init__(self) -> None:
                planted.opened.append(number)

            def __len__(self) -> int:
                return len(values)

            def __getitem__(self, index: int) -> np.ndarray:
                planted.decoded.append(values[index])
                return np.full((1, 1, 1), values[index], np.float32)

        return Chunk


def draw(stream: ChunkStream, count: int, *, seed: int = 3, skip: int = 0) -> list[int]:
    return [int(image[0, 0, 0]) for image in islice(stream.stream(seed=seed, skip=skip), count)]


class Streams:
    """A data set of one stream twice."""

    def __init__(self, stream: Any) -> None:
        self.source = self.target = stream


COUNTS = [5, 0, 30, 1, 17, 8, 40, 3]
TOTAL = sum(COUNTS)


@pytest.mark.parametrize("skip", [0, 12, 3 * TOTAL])
def test_processes_decode_their_own_rows_of_the_stream_and_no_others(skip):
    planted = [Planted(COUNTS) for _ in range(3)]
    domains = [Streams(ChunkStream("set", each.chunks, window=3)) for each in planted]
    for domain, each in zip(domains, planted, strict=True):
        domain.source, _, _ = prepare(domain, Preprocess(value_range=(0.0, TOTAL)))
        each.decoded.clear()  # `prepare` looks at the first image
    shares = [range(0, 2), range(2, 3), range(3, 6)]
    rows = [
        list(islice(domain.source.stream_rows(seed=3, skip=skip, rows=share, of=6), 10 * len(share)))
        for domain, share in zip(domains, shares, strict=True)
    ]
    expected = draw(ChunkStream("set", Planted(COUNTS).chunks, window=3), 60, skip=skip)
    for images, share, each in zip(rows, shares, planted, strict=True):
        own = [number for index, number in enumerate(expected) if index % 6 in share]
        assert [round(float(image[0, 0, 0]) * TOTAL) for image in images] == own
        # Some are decoded ahead, in threads.
        ahead = draw(ChunkStream("set", Planted(COUNTS).chunks, window=3), 6 * 200, skip=skip)
        assert set(each.decoded[: len(own)]) <= {number for index, number in enumerate(ahead) if index % 6 in share}


def test_every_image_comes_once_an_epoch_in_an_order_of_its_own():
    stream = ChunkStream("set", Planted(COUNTS).chunks, window=3)
    drawn = draw(stream, 3 * TOTAL)
    epochs = [drawn[n * TOTAL : (n + 1) * TOTAL] for n in range(3)]
    assert all(sorted(epoch) == list(range(TOTAL)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3
    assert drawn == draw(ChunkStream("set", Planted(COUNTS).chunks, window=3), 3 * TOTAL)
    assert drawn[:TOTAL] != draw(stream, TOTAL, seed=4)


@pytest.mark.parametrize("skip", [0, 1, 36, TOTAL - 1, TOTAL, TOTAL + 1, 5 * TOTAL + 50])
def test_it_can_be_entered_anywhere(skip: int):
    whole = draw(ChunkStream("set", Planted(COUNTS).chunks, window=2), skip + 70)
    assert draw(ChunkStream("set", Planted(COUNTS).chunks, window=2), 70, skip=skip) == whole[skip:]


def test_what_is_skipped_is_not_decoded_and_chunks_are_not_opened_again():
    planted = Planted(COUNTS)
    stream = ChunkStream("set", planted.chunks, window=2)
    expected = draw(ChunkStream("set", Planted(COUNTS).chunks, window=2), 100 * TOTAL + 3)[-3:]
    assert draw(stream, 3, skip=100 * TOTAL) == expected
    assert len(planted.decoded) <= 6 * 16, "what was drawn, and what is read ahead"
    assert len(planted.opened) <= len(COUNTS) + 4 * 2, "each once to be counted, then the windows that are drawn from"


def test_a_window_mixes_its_chunks():
    first = draw(ChunkStream("set", Planted([50] * 8).chunks, window=4), 100)
    share = Counter(value // 50 for value in first)
    assert len(share) == 4
    assert min(share.values()) > 10


def test_an_empty_set_is_an_error_not_an_endless_loop():
    with pytest.raises(GantoolError, match="no images in set"):
        draw(ChunkStream("set", Planted([0, 0]).chunks, window=2), 1)


def test_errors_of_images_come_through(tmp_path: Path):
    def broken() -> Any:
        class Chunk(list):
            def __getitem__(self, index: Any) -> Any:
                raise GantoolError("cannot read image x")

        return Chunk([1])

    with pytest.raises(GantoolError, match="cannot read image x"):
        draw(ChunkStream("set", [broken], window=1), 1)


def test_shapes_that_differ_are_named_with_the_way_out():
    class Domains:
        source = target = ChunkStream("set", [lambda: [np.zeros((2, 2, 1), np.uint8), np.zeros((3, 2, 1), np.uint8)]], window=1)

    source, _, _ = prepare(Domains(), Preprocess())
    with pytest.raises(GantoolError, match=r"an image of set is .*, the first one .*: pass --size HxW"):
        list(islice(source.stream(seed=0, skip=0), 4))
    source, _, _ = prepare(Domains(), Preprocess(size=(2, 2)))
    assert {image.shape for image in islice(source.stream(seed=0, skip=0), 4)} == {(2, 2, 1)}
