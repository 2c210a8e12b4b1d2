"""Frames of video files as images."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import repeat
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import GantoolError
from ..chunks import Chunk
from ..images import ContainerError, Form, ImageReadError, Joined, Names, first_of_each
from ..locations import Location
from ..parallel import threads
from ..samples import Source, samples_of
from ..video.codec import VideoOptions
from ..video.pixels import Converter, blank, changed
from ..video.reading import FrameReader, Timeline, damage, in_time, open_video, read_timeline, read_whole, upright
from ..video.writing import VideoWriter
from .base import Container, InOrder, Item, Rewriter, StorageFormat, Target

if TYPE_CHECKING:
    import av

_BYTES = 64 * 2**20
"""Pixels that a chunk holds at most, unless a single frame has more."""


class VideoImages:
    """The frames of video files, file after file, each in the order in which it shows them.

    16 bytes per frame are held in memory. A frame that is asked for costs those since the key frame before it, unless they
    were decoded just now: in order is fast, at random is not (see `VideoChunk`).
    """

    def __init__(self, place: str, files: Sequence[str]) -> None:
        """Reads all packets. Raises `GantoolError`, and `MissingExtra` without PyAV."""
        self.name = place
        with ThreadPoolExecutor(threads()) as pool:
            self.timelines: list[Timeline] = list(pool.map(read_timeline, files))
        self._joined = Joined([len(line) for line in self.timelines])
        self._open = threading.local()
        self.names: Sequence[str] = Names(len(self), self._name)
        self.labels: Mapping[str, np.ndarray] = {}

    def __len__(self) -> int:
        return len(self._joined)

    def __getitem__(self, index: int) -> np.ndarray:
        file, number = self._joined.locate(index)
        return self._reader(self.timelines[file]).read(number, self.names[index])

    def block(self, start: int, stop: int) -> list[np.ndarray]:
        """Images `start` to `stop`. Raises as `images.Images`."""
        return [self[index] for index in range(start, stop)]

    def forms(self) -> Mapping[Form, int]:
        first = first_of_each(line.form for line in self.timelines)
        return {form: self._joined.first(file) for form, file in first.items()}

    def locate(self, index: int) -> tuple[str, int]:
        """Return the file, and the number of the frame in it. Raises `IndexError`."""
        file, number = self._joined.locate(index)
        return self.timelines[file].place, number

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_open": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._open = threading.local()

    def _name(self, index: int) -> str:
        return "{}[{}]".format(*self.locate(index))

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


class VideoChunk:
    """Consecutive frames, held in memory from the first time one of them is asked for."""

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


@dataclass(frozen=True)
class StoredFrame:
    """A frame."""

    pixels: np.ndarray
    """Upright."""
    planes: av.VideoFrame
    """That the change is added to, stored as in the file."""
    before: np.ndarray
    """`planes` as (H, W, C), upright; of another size than `pixels`, where that is what shall be written."""
    rotation: int
    format: str = "a frame"

    def encode(self, pixels: np.ndarray) -> av.VideoFrame:
        return changed(self.planes, upright(self.before, -self.rotation), upright(pixels, -self.rotation))


class VideoRewriter(Rewriter):
    """Frames in their order; packets of other streams are copied on the way."""

    def __init__(
        self,
        source: tuple[av.container.InputContainer, av.VideoStream],
        writer: VideoWriter,
        line: Timeline,
        size: tuple[int, int],
    ) -> None:
        """`source`: as of `open_video`. `size`: (height, width) to write, as stored."""
        (self._container, self._stream), self._writer, self._line, self._size = source, writer, line, size
        self._converter = Converter()
        self._order = InOrder["av.VideoFrame"]()

    def items(self) -> Iterator[Item]:
        """Frames are checked against the index."""
        number = -1
        for number, frame in enumerate(in_time(self._decoded(), self._line)):
            late = number >= len(self._line) or frame.pts != self._line.times[number]
            if late or frame.is_corrupt:
                raise self._damaged(number)
            stored = self._stored(number, frame)
            yield Item(number, f"{self._line.place}[{number}]", self._line.form, partial(_identity, stored), "clip")
        if number + 1 < len(self._line):
            raise self._damaged(number + 1)

    def put(self, item: Item, stored: av.VideoFrame) -> None:
        for frame in self._order.add(item.number, stored):
            self._writer.write(frame)

    def finish(self) -> None:
        self._writer.finish()

    def _decoded(self) -> Iterator[av.VideoFrame]:
        packets = iter(self._container.demux())
        while True:
            with damage(self._line.place):
                packet = next(packets, None)
                found = self._stream.decode(packet) if packet is not None and packet.stream is self._stream else []
            yield from found
            if packet is None:
                return
            # The last packets of a file are empty: they make decoders give what they hold back.
            if packet.stream is not self._stream and packet.size:
                self._writer.copy(packet)

    def _stored(self, number: int, frame: av.VideoFrame) -> StoredFrame:
        planes = self._converter.planes(frame)
        pixels = before = upright(self._converter.image(planes), self._line.rotation)
        height, width, channels = before.shape
        form = Form(height, width, channels, str(before.dtype))
        if form != self._line.form:
            raise ContainerError(self._line.place, f"frame {number} is {form.size}, the others are {self._line.form.size}")
        if (planes.height, planes.width) != self._size:
            planes = blank(planes, *self._size)
            before = upright(self._converter.image(planes), self._line.rotation)
        return StoredFrame(pixels, planes, before, self._line.rotation)

    def _damaged(self, number: int) -> GantoolError:
        return ContainerError(self._line.place, f"frame {number} of {len(self._line)} is damaged")


@dataclass(frozen=True)
class VideoContainer(Container):
    """A video file that is refined."""

    options: VideoOptions

    gapless = counted = True

    @cached_property
    def line(self) -> Timeline:
        """Its index. Raises `ContainerError`."""
        return read_whole(self.place)

    def count(self) -> int:
        return len(self.line)

    def forms(self) -> Iterator[Form]:
        return repeat(self.line.form, len(self.line))

    @contextmanager
    def rewrite(self, target: Target) -> Iterator[Rewriter]:
        """Keep the times of frames, and all other streams."""
        line = self.line
        size = target.size or (line.form.height, line.form.width)
        size = size if line.rotation % 180 == 0 else size[::-1]
        kept = {"times": line.times, "matrix": line.matrix, "size": size, "options": self.options}
        with (
            open_video(self.place) as (container, stream),
            VideoWriter(target.temporary, target.path, container, stream, **kept) as writer,  # type: ignore[arg-type]
        ):
            if writer.left_out:
                target.notice(f"{self.place}: left out, since players make them anew: {', '.join(writer.left_out)}")
            # Several frames at a time where the codec allows.
            stream.thread_type = "AUTO"
            yield VideoRewriter((container, stream), writer, line, size)


class Video(StorageFormat):
    """Video files, one or several of a folder and its subfolders."""

    unchecked = "frames of videos have no annotations that gantool knows"

    def open(self, place: Location) -> VideoImages:
        return VideoImages(place.text, place.ending(self.record.suffixes))

    def chunks(self, place: Location) -> Sequence[Callable[[], Chunk]]:
        """They begin at key frames where these are near."""
        chunks: list[Callable[[], Chunk]] = []
        for line in map(read_timeline, place.ending(self.record.suffixes)):
            ends = _ends(line)
            chunks += [partial(VideoChunk, line, first, stop) for first, stop in zip([0, *ends[:-1]], ends, strict=True)]
        return chunks

    def samples(self, images: VideoImages) -> Source:
        """In a folder, the frames of each video get one of its name."""
        place = Location(images.name)

        def key(index: int) -> str:
            file, number = images.locate(index)
            folder = "" if file == place.text else f"{PurePosixPath(place.relative(file)).with_suffix('')}/"
            return f"{folder}{number:08}"

        return Source(samples_of(images, key))

    def containers(self, place: Location) -> Sequence[VideoContainer]:
        return [VideoContainer(file, place.relative(file), self.config) for file in place.ending(self.record.suffixes)]

    def settings(self) -> Mapping[str, str]:
        return {"codec": self.config.codec, "crf": str(self.config.crf)}


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


def _identity(stored: StoredFrame) -> StoredFrame:
    return stored
