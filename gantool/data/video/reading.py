"""Frames of a video file by their number, or one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

import numpy as np

from ...errors import cause
from ..images import ImageReadError
from .files import open_video
from .pixels import Converter
from .timeline import Timeline

if TYPE_CHECKING:
    import av


def upright(image: np.ndarray, rotation: int) -> np.ndarray:
    """Turn (H, W, C) by degrees, counter-clockwise; what is no quarter turn stays as it is."""
    return np.ascontiguousarray(np.rot90(image, rotation // 90)) if rotation % 90 == 0 else image


def in_time(frames: Iterable[av.VideoFrame], line: Timeline) -> Iterator[av.VideoFrame]:
    """Yield all frames of a file, decoded from its start; those that are known by their order get their times."""
    for number, frame in enumerate(frames):
        if line.counted and number < len(line):
            frame.pts = int(line.times[number])
        yield frame


class FrameReader:
    """Frames of one open file as images. Not for several threads at once.

    Asked for frames in order it decodes each once; otherwise it begins anew at the key frame before.
    """

    def __init__(self, timeline: Timeline) -> None:
        """Raises `GantoolError`."""
        self.timeline = timeline
        self._stack = ExitStack()
        self._converter = Converter()
        self._open()

    def _open(self) -> None:
        self._container, self._stream = self._stack.enter_context(open_video(self.timeline.place))
        self._frames = in_time(self._container.decode(self._stream), self.timeline)
        self._next = 0
        """Number of the frame that comes next."""

    def read(self, number: int, name: str) -> np.ndarray:
        """(H, W, C) uint8 or uint16, upright. Raises `ImageReadError`, which calls the frame `name`."""
        import av

        try:
            frame = self._find(number)
            if frame is None:
                raise ImageReadError(name, "the video has no such frame; it is damaged, or changed meanwhile")
            if frame.is_corrupt:
                raise ImageReadError(name, "the frame is damaged")
            return upright(self._converter.image(self._converter.planes(frame)), self.timeline.rotation)
        except av.FFmpegError as error:
            self._next = len(self.timeline) + 1
            raise ImageReadError(name, cause(error)) from None

    def close(self) -> None:
        """Close the file."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _find(self, number: int) -> av.VideoFrame | None:
        line = self.timeline
        key = line.key_before(number)
        if not line.counted and (self._next > number or self._next < line.keys[key]):
            self._seek(int(line.entries[key]))
            frame = self._walk(number)
            if frame is not None:
                return frame
        if self._next > number:
            # Where the container has no index, seeking can end too late.
            self.close()
            self._open()
        return self._walk(number)

    def _seek(self, time: int) -> None:
        self._container.seek(time, stream=self._stream, backward=True)
        self._frames = iter(self._container.decode(self._stream))

    def _walk(self, number: int) -> av.VideoFrame | None:
        """Decode on to a frame; None where it is not among those that are still to come."""
        wanted = self.timeline.times[number]
        for frame in self._frames:
            if frame.pts is None or frame.pts < wanted:
                continue
            self._next = number + 1
            if frame.pts == wanted:
                return frame
            break
        self._next = len(self.timeline) + 1
        return None
