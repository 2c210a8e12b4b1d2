"""The frames of video files as a set of images, with random access."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, overload

import numpy as np

from ..images import Form, first_of_each
from ..parallel import threads
from .places import video_files
from .reading import FrameReader
from .timeline import Timeline, read_timeline


class VideoImages:
    """The frames of video files, file after file, each in the order in which it shows them. See `images.Images`.

    16 bytes per frame are held in memory. A frame that is asked for costs those since the key frame before it, unless they
    were decoded just now: in order is fast, at random is not (see `stream.VideoChunk`).
    """

    def __init__(self, place: str) -> None:
        """Reads all packets. Raises `GantoolError`, and `MissingExtra` without PyAV."""
        self.name = place
        with ThreadPoolExecutor(threads()) as pool:
            self.timelines: list[Timeline] = list(pool.map(read_timeline, video_files(place)))
        self._ends = np.cumsum([len(line) for line in self.timelines])
        self._open = threading.local()
        self.names: Sequence[str] = _Names(self)
        self.labels: Mapping[str, np.ndarray] = {}

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, index: int) -> np.ndarray:
        file, number = self.locate(index)
        return self._reader(self.timelines[file]).read(number, self.names[index])

    def block(self, start: int, stop: int) -> list[np.ndarray]:
        """Images `start` to `stop`. Raises as `images.Images`."""
        return [self[index] for index in range(start, stop)]

    def forms(self) -> Mapping[Form, int]:
        """See `images.Images.forms`."""
        first = first_of_each(line.form for line in self.timelines)
        return {form: int(self._ends[file - 1]) if file else 0 for form, file in first.items()}

    def locate(self, index: int) -> tuple[int, int]:
        """Return the number of the file, and of the frame in it. Raises `IndexError`."""
        index = range(len(self))[index]
        file = int(np.searchsorted(self._ends, index, side="right"))
        return file, index - (int(self._ends[file - 1]) if file else 0)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_open": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._open = threading.local()

    def _reader(self, line: Timeline) -> FrameReader:
        """The one file that this thread has open."""
        reader: FrameReader | None = getattr(self._open, "reader", None)
        if reader is None or reader.timeline is not line or self._open.owner != os.getpid():
            # A file that a forked loader process inherits shares its position with the parent's: it is left alone.
            if reader is not None and self._open.owner == os.getpid():
                reader.close()
            self._open.owner = os.getpid()
            reader = self._open.reader = FrameReader(line)
        return reader


class _Names(Sequence[str]):
    """`"clip.mp4[12]"`, put together when asked for."""

    def __init__(self, images: VideoImages) -> None:
        self._images = images

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...
    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        if isinstance(index, slice):
            return [self[number] for number in range(len(self))[index]]
        file, number = self._images.locate(index)
        return f"{self._images.timelines[file].place}[{number}]"

    def __len__(self) -> int:
        return len(self._images)
