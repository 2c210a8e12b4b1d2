"""Reading video files: opening them, the index of their frames, and frames by number or one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ...errors import MissingExtra, cause
from ..images import ContainerError, Form, ImageReadError
from ..locations import is_remote, open_binary
from .pixels import Converter, form_of

if TYPE_CHECKING:
    import av

_READ = "mov,matroska,avi,mpegts,flv,asf"
"""FFmpeg's names of what reads them."""
_HIDES_FRAMES = ("vp8",)
"""Codecs with packets whose frame is never shown: their frames cannot be counted without decoding."""
_TOLERANCE = Fraction(1, 10)
"""Seconds by which a file may be shorter than it says."""


def require_av(what: str) -> None:
    """Raise `MissingExtra`, which says that `what` needs PyAV, where that is not installed."""
    try:
        import av
    except ImportError:
        raise MissingExtra(what, "PyAV", "video") from None
    # Warnings of decoders come as errors or as frames that say they are damaged; on the screen they would only be in the way.
    av.logging.set_level(None)


@contextmanager
def open_video(place: str) -> Iterator[tuple[av.container.InputContainer, av.VideoStream]]:
    """Open a file, here or elsewhere, and its picture stream; covers, which are single images, are none.

    Raises `ContainerError`, and `MissingExtra`.
    """
    require_av(f"reading {place}")
    import av

    # FFmpeg reads local files itself, many at a time; other places come through fsspec.
    source: Any = open_binary(place) if is_remote(place) else place
    with damage(place):
        # A playlist that calls itself a video must not lead to other files.
        container = av.open(source, "r", options={"format_whitelist": _READ}, metadata_errors="replace")
    with container:
        stream = next((stream for stream in container.streams.video if not is_cover(stream)), None)
        if stream is None:
            raise ContainerError(place, "it has no video stream")
        if stream.codec_context is None or not stream.width or stream.format is None:
            raise ContainerError(place, "its video stream is damaged, or of a kind that FFmpeg does not know")
        # Otherwise damage is painted over, and comes out as a picture.
        stream.codec_context.options = {"err_detect": "crccheck+explode"}
        yield container, stream


@contextmanager
def damage(place: str) -> Iterator[None]:
    """Turn what FFmpeg raises into `ContainerError`."""
    import av

    try:
        yield
    except av.FFmpegError as error:
        told = "it is damaged, or no video" if isinstance(error, av.InvalidDataError) else error.strerror or str(error)
        raise ContainerError(place, told) from None


def is_cover(stream: av.VideoStream) -> bool:
    """Return whether a stream is a cover or a thumbnail, which players show in place of moving pictures."""
    from av.stream import Disposition

    return bool(stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails))


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """The frames of the picture stream of a file, in the order in which they are shown."""

    place: str
    form: Form
    """As shown: rotated as the file says."""
    times: np.ndarray
    """(n,) int64, in units of `unit`, strictly ascending."""
    unit: Fraction
    """Seconds."""
    keys: np.ndarray
    """(k,) int64: numbers of the frames that decoding can begin at."""
    entries: np.ndarray
    """(k,) int64: where to seek for each of them, in units of `unit`."""
    whole: bool
    """Whether the file is as long as it says."""
    counted: bool
    """Whether frames are known by their order alone: AVI stores no times, and FFmpeg's guess is wrong with B-frames."""
    rotation: int
    """Degrees, counter-clockwise, by which the frames are turned to be shown."""
    matrix: tuple[int, ...]
    """The nine numbers of the file that say so (AV_PKT_DATA_DISPLAYMATRIX), if any."""

    def __len__(self) -> int:
        return len(self.times)

    def key_before(self, number: int) -> int:
        """Return the position in `keys` of the last one up to a frame."""
        return max(0, int(np.searchsorted(self.keys, number, side="right")) - 1)


def read_timeline(place: str) -> Timeline:
    """Read the packets of a file, and decode one of them. Raises `ContainerError`."""
    with open_video(place) as (container, stream), damage(place):
        found = _Packets(container, stream)
        unit = Fraction(stream.time_base or 0)
        times, keys = found.times, found.keys
        counted = container.format.name == "avi" and bool(stream.codec_context.has_b_frames)
        if counted:
            times, keys = found.decoding_times, {}
        elif stream.codec_context.name in _HIDES_FRAMES or not found.tells_frames:
            times, keys = _decoded(place)
        if not times or not unit:
            raise ContainerError(place, "its video stream has no frame that can be decoded")
        ordered = np.array(sorted(times), np.int64)
        known = sorted(keys.items()) or [(times[0], times[0])]
        rotation, matrix = _orientation(place)
        form = form_of(stream)
        return Timeline(
            place=place,
            form=replace(form, height=form.width, width=form.height) if rotation % 180 == 90 else form,
            times=ordered,
            unit=unit,
            keys=np.searchsorted(ordered, [time for time, _ in known]),
            entries=np.array([entry for _, entry in known], np.int64),
            whole=found.whole,
            counted=counted,
            rotation=rotation,
            matrix=matrix,
        )


def read_whole(place: str) -> Timeline:
    """As `read_timeline`. Raises `ContainerError`, also for a file that ends before it says."""
    line = read_timeline(place)
    if not line.whole:
        raise ContainerError(place, f"it ends before it says: to keep what is there, ffmpeg -i {place} -c copy NEW")
    return line


class _Packets:
    """What the packets of a file say, without decoding them."""

    def __init__(self, container: av.container.InputContainer, stream: av.VideoStream) -> None:
        self.times: list[int] = []
        self.decoding_times: list[int] = []
        self.keys: dict[int, int] = {}
        """Time: where to seek."""
        end, count, damaged = Fraction(0), 0, False
        for packet in container.demux():
            if not packet.size:
                continue
            damaged |= packet.is_corrupt
            if packet.pts is not None and packet.time_base:
                end = max(end, (packet.pts + (packet.duration or 0)) * packet.time_base)
            count += packet.stream_index == stream.index
            if packet.stream_index == stream.index and not packet.is_discard:
                self.times.append(packet.pts)  # type: ignore[arg-type]
                self.decoding_times.append(packet.dts)  # type: ignore[arg-type]
                if packet.is_keyframe and packet.pts is not None:
                    # Some containers are searched by the time of decoding, which is the earlier one.
                    self.keys[packet.pts] = packet.pts if packet.dts is None else min(packet.pts, packet.dts)
        self.tells_frames = _tells_frames(self.times, self.keys)
        """Whether each packet becomes one frame."""
        said = Fraction(container.duration or 0, 10**6) + Fraction(max(0, container.start_time or 0), 10**6)
        missing = (stream.frames - count) / (stream.average_rate or 25)
        self.whole = not damaged and max(said - end, missing) <= _TOLERANCE


def _tells_frames(times: list[int], keys: Mapping[int, int]) -> bool:
    """Whether times are there and differ, and none is before the first key frame: a recording that was cut begins with
    packets that cannot be decoded."""
    return bool(keys) and None not in times and len(set(times)) == len(times) and min(times) == min(keys)


def _decoded(place: str) -> tuple[list[int], dict[int, int]]:
    frames = list(_times_of_frames(place))
    return [time for time, _ in frames], {time: time for time, key in frames if key}


def _times_of_frames(place: str) -> Iterator[tuple[int, bool]]:
    with open_video(place) as (container, stream), damage(place):
        for frame in container.decode(stream):
            if frame.pts is None:
                raise ContainerError(place, f"it does not say when frames are shown: first, ffmpeg -i {place} -c copy NEW.mkv")
            yield frame.pts, frame.key_frame


def _orientation(place: str) -> tuple[int, tuple[int, ...]]:
    """Return what the first frame that can be decoded says."""
    with open_video(place) as (container, stream), damage(place):
        first = next(container.decode(stream), None)
        said: Any = first and first.side_data.get("DISPLAYMATRIX")
    if first is None or said is None:
        return 0, ()
    return first.rotation, tuple(np.frombuffer(said, np.int32).tolist())


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
