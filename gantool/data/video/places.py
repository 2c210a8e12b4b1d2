"""Which video files a person means, and opening them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from ...errors import GantoolError, MissingExtra
from ..folder import walk
from ..locations import is_remote, list_remote, open_binary

if TYPE_CHECKING:
    import av

CONTAINERS = {
    ".mp4": "mp4",
    ".m4v": "mp4",
    ".mov": "mov",
    ".mkv": "matroska",
    ".webm": "webm",
    ".avi": "avi",
    ".ts": "mpegts",
    ".flv": "flv",
    ".wmv": "asf",
}
"""File names (in any case) that are taken for videos, and FFmpeg's names of what writes them."""

SUFFIXES = tuple(CONTAINERS)
_READ = "mov,matroska,avi,mpegts,flv,asf"
"""FFmpeg's names of what reads them."""


class VideoError(GantoolError):
    """A video file that cannot be read."""

    def __init__(self, place: str, cause: str) -> None:
        super().__init__(f"cannot read {place}: {cause}")
        self.place, self.cause = place, cause

    def __reduce__(self) -> tuple[type[VideoError], tuple[str, str]]:
        # Loader processes send it to the trainer, and pickle would call __init__ with the message alone.
        return type(self), (self.place, self.cause)


def names_video(place: str) -> bool:
    """Return whether a path names a video file by its end; a folder of them does not."""
    return place.lower().endswith(SUFFIXES)


def video_files(place: str) -> list[str]:
    """Return the video files of a file or folder, sorted, with subfolders. Raises `GantoolError` where there is none."""
    if names_video(place):
        return [place]
    if is_remote(place):
        found = list_remote(place, SUFFIXES)
    else:
        found = sorted(str(Path(place, file)) for file in walk(Path(place)) if names_video(file))
    if not found:
        raise GantoolError(f"no video files in {place}: read are {', '.join(SUFFIXES)}")
    return found


def relative_path(file: str, place: str) -> str:
    """Return the path of one of `video_files` in the folder `place`; its name, where `place` is the file."""
    if file == place:
        return PurePosixPath(file).name
    # A URL can have more slashes than the one that was asked for: memory:///a for memory://a.
    inside, outside = (PurePosixPath(text.rpartition("://")[2].strip("/")) for text in (file, place))
    return str(inside.relative_to(outside)) if is_remote(place) else str(Path(file).relative_to(place))


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

    Raises `VideoError`, and `MissingExtra`.
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
            raise VideoError(place, "it has no video stream")
        if stream.codec_context is None or not stream.width or stream.format is None:
            raise VideoError(place, "its video stream is damaged, or of a kind that FFmpeg does not know")
        # Otherwise damage is painted over, and comes out as a picture.
        stream.codec_context.options = {"err_detect": "crccheck+explode"}
        yield container, stream


@contextmanager
def damage(place: str) -> Iterator[None]:
    """Turn what FFmpeg raises into `VideoError`."""
    import av

    try:
        yield
    except av.FFmpegError as error:
        cause = "it is damaged, or no video" if isinstance(error, av.InvalidDataError) else error.strerror or str(error)
        raise VideoError(place, cause) from None


def is_cover(stream: av.VideoStream) -> bool:
    """Return whether a stream is a cover or a thumbnail, which players show in place of moving pictures."""
    from av.stream import Disposition

    return bool(stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails))
