"""Runs of frames as chunks of a stream."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from ..images import ImageReadError
from .places import video_files
from .reading import FrameReader
from .timeline import Timeline, read_timeline

_BYTES = 64 * 2**20
"""Pixels that a chunk holds at most, unless a single frame has more."""


class VideoChunk:
    """Consecutive frames, held in memory from the first time one of them is asked for. See `chunks.Chunk`."""

    def __init__(self, timeline: Timeline, first: int, stop: int) -> None:
        self._timeline, self._range = timeline, range(first, stop)
        self._lock = threading.Lock()
        self._frames: list[np.ndarray | ImageReadError] = []

    def __len__(self) -> int:
        return len(self._range)

    def __getitem__(self, index: int) -> np.ndarray:
        with self._lock:
            if not self._frames:
                with FrameReader(self._timeline) as reader:
                    self._frames = [_read(reader, number) for number in self._range]
        frame = self._frames[index]
        if isinstance(frame, ImageReadError):
            raise frame
        return frame


def video_chunks(place: str) -> Iterator[Callable[[], VideoChunk]]:
    """Yield what opens the chunks of video files, which begin at key frames where these are near. Raises `GantoolError`."""
    for file in video_files(place):
        line = read_timeline(file)
        ends = _ends(line)
        yield from (partial(VideoChunk, line, first, stop) for first, stop in zip([0, *ends[:-1]], ends, strict=True))


def _ends(line: Timeline) -> list[int]:
    form = line.form
    most = max(1, _BYTES // (form.height * form.width * form.channels * np.dtype(form.dtype).itemsize))
    ends, first = list[int](), 0
    while first + most < len(line):
        # Frames between a key frame and the start of a chunk are decoded for nothing.
        key = int(line.keys[line.key_before(first + most)])
        first = key if key > first + most // 2 else first + most
        ends.append(first)
    return [*ends, len(line)]


def _read(reader: FrameReader, number: int) -> np.ndarray | ImageReadError:
    try:
        return reader.read(number, f"{reader.timeline.place}[{number}]")
    except ImageReadError as error:
        return error
