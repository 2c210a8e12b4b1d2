"""When the frames of a video file are shown: its index."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from ..images import ContainerError, Form
from .files import damage, open_video
from .pixels import form_of

if TYPE_CHECKING:
    import av

_HIDES_FRAMES = ("vp8",)
"""Codecs with packets whose frame is never shown: their frames cannot be counted without decoding."""
_TOLERANCE = Fraction(1, 10)
"""Seconds by which a file may be shorter than it says."""


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
