"""Opening video files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ...errors import MissingExtra
from ..images import ContainerError
from ..locations import is_remote, open_binary

if TYPE_CHECKING:
    import av

_READ = "mov,matroska,avi,mpegts,flv,asf"
"""FFmpeg's names of what reads them."""


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
        cause = "it is damaged, or no video" if isinstance(error, av.InvalidDataError) else error.strerror or str(error)
        raise ContainerError(place, cause) from None


def is_cover(stream: av.VideoStream) -> bool:
    """Return whether a stream is a cover or a thumbnail, which players show in place of moving pictures."""
    from av.stream import Disposition

    return bool(stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails))
