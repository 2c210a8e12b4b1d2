"""A video file like another one, with other frames: sound, subtitles, chapters and texts are copied as they are."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np

from ...errors import GantoolError, nearest
from .codec import CONTAINERS, VideoOptions
from .pixels import Converter

if TYPE_CHECKING:
    from collections.abc import Iterator

    import av

_CRF = {"libx264": 17, "libx265": 19, "libvpx-vp9": 24, "libvpx": 8, "libsvtav1": 22}
"""Encoders with a constant-quality mode, and values at which a change is hardly seen."""
_MORE = {
    "libx265": {"x265-params": "log-level=error"},
    "libvpx-vp9": {"b": "0"},
    # Its quality is a ceiling on what the rate would give.
    "libvpx": {"b": "100M"},
    # Version 3 has checksums.
    "ffv1": {"level": "3", "slicecrc": "1"},
}
_QUANTISER = {"qmin": "1", "qmax": "1"}
"""The best of older encoders without such a mode."""
_STATISTICS = ("BPS", "DURATION", "NUMBER_OF_FRAMES", "NUMBER_OF_BYTES", "_STATISTICS", "ENCODER", "encoder")
"""Texts of a stream that would no longer be true."""
_HARDWARE = 1 << 18


class VideoWriter:
    """Writes the frames and the other streams of a file into a new one. Not for several threads at once."""

    def __init__(
        self,
        path: Path,
        target: Path,
        source: av.container.InputContainer,
        stream: av.VideoStream,
        *,
        times: np.ndarray,
        matrix: tuple[int, ...],
        size: tuple[int, int],
        options: VideoOptions,
    ) -> None:
        """`path`: written now, to be called `target`, whose suffix says the container. `stream`: the one of `source` whose frames
        are replaced; they are shown at `times`, and turned by `matrix`. `size`: (height, width) as stored.

        Raises `GantoolError` where the container takes no such codec, and OSError.
        """
        import av

        # AV1's encoder writes into the terminal unless its environment says otherwise.
        os.environ.setdefault("SVT_LOG", "1")
        self._source, self._target, self._stack = source, target, ExitStack()
        with self._errors():
            # No random identifiers, no versions of libraries: where the encoder is exact, the same input gives the same bytes.
            exact = {"fflags": "+bitexact"}
            container = av.open(str(path), "w", format=CONTAINERS[target.suffix.lower()], options=exact)
            self._container = self._stack.enter_context(container)
        self._container.metadata.update(source.metadata)
        self._streams: dict[int, Any] = {}
        for other in source.streams:
            if other.index == stream.index:
                self._video = self._streams[other.index] = self._add_video(stream, size, options)
            elif other.type != "data":
                self._streams[other.index] = self._add_copy(other)
        self._container.set_chapters(source.chapters())
        if matrix:
            self._video.set_display_matrix(matrix)
        # The coarsest unit that holds all times: some encoders refuse fine ones.
        step = int(np.gcd.reduce(times)) or 1
        self._video.codec_context.time_base = Fraction(stream.time_base or 1) * step
        self._video.time_base = stream.time_base
        self._converter = Converter()
        refused = f"{self._video.codec_context.name} takes no {size[0]}x{size[1]} at {self._video.average_rate} a second"
        with self._errors(f"{refused}; most codecs want even sizes, --video-codec ffv1 into an .mkv takes all"):
            self._container.start_encoding()

    @property
    def left_out(self) -> list[str]:
        """Kinds of streams that are not copied, such as time codes."""
        return [stream.name or "data" for stream in self._source.streams if stream.index not in self._streams]

    def write(self, frame: av.VideoFrame) -> None:
        """Write the next frame, as of `pixels.changed`. Raises OSError, `GantoolError`."""
        wanted = self._video.codec_context.pix_fmt
        stored = frame if wanted is None or wanted == frame.format.name else self._converter.reformat(frame, wanted)
        with self._errors():
            self._container.mux(self._video.encode(stored))

    def copy(self, packet: av.Packet[Any]) -> None:
        """Write a packet of another stream. Raises as `write`."""
        if packet.stream_index in self._streams:
            packet.stream = self._streams[packet.stream_index]
            with self._errors():
                self._container.mux(packet)

    def finish(self) -> None:
        """Write what encoders hold back, and the end of the file. Raises as `write`."""
        with self._errors():
            self._container.mux(self._video.encode(None))
            self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Close the file; whatever is in it is no whole video unless `finish` was called."""
        with suppress(GantoolError, OSError) if kind else nullcontext(), self._errors():
            self._stack.close()

    def _add_video(self, stream: av.VideoStream, size: tuple[int, int], options: VideoOptions) -> av.VideoStream:
        new = self._add_encoder(stream, options)
        context, old = new.codec_context, stream.codec_context
        context.height, context.width = size
        context.pix_fmt = _pixel_format(context.codec.name, old.pix_fmt or "yuv420p")
        for attribute in ("color_range", "color_primaries", "color_trc", "colorspace"):
            setattr(context, attribute, getattr(old, attribute))
        if stream.sample_aspect_ratio:
            context.sample_aspect_ratio = stream.sample_aspect_ratio
        if self._target.suffix.lower() == ".avi":
            # It stores no times, so frames have to be stored in the order in which they are shown.
            context.max_b_frames = 0
        _describe(new, stream)
        return new

    def _add_encoder(self, stream: av.VideoStream, options: VideoOptions) -> av.VideoStream:
        codec = stream.codec_context.codec
        fallback = "ffv1" if codec.lossless and not codec.lossy else "h264"
        names = [codec.canonical_name, fallback] if options.codec == "auto" else [options.codec]
        rate = stream.average_rate or stream.guessed_rate or Fraction(25)
        for encoder in filter(None, map(_encoder_of, names)):
            try:
                new = self._container.add_stream(encoder, rate=rate, options=_settings(encoder, options.crf))
            except ValueError:  # the container has no room for it
                continue
            return cast("av.VideoStream", new)
        if not _encoder_of(names[-1]):
            known = ["h264", "hevc", "vp9", "av1", "ffv1"]
            raise GantoolError(f"--video-codec {names[-1]}: FFmpeg has no such encoder{nearest(names[-1], known, 'it has')}")
        hint = "choose another --video-codec, or an --output that ends with .mkv"
        raise GantoolError(f"{self._target} cannot hold {names[-1]}: {hint}")

    def _add_copy(self, stream: Any) -> Any:
        import av

        try:
            # Covers are pictures, but not to be encoded anew.
            new = self._container.add_stream_from_template(stream, opaque=True)
        except (ValueError, av.FFmpegError):
            what = f"{stream.type} stream ({stream.name or 'of an unknown kind'})"
            raise GantoolError(f"{self._target} cannot hold the {what}: choose an --output that ends with .mkv") from None
        _describe(new, stream)
        return new

    @contextmanager
    def _errors(self, hint: str = "") -> Iterator[None]:
        """Turn what FFmpeg raises, but for what is the system's, which is an OSError, into `GantoolError`."""
        import av

        try:
            yield
        except OSError:
            raise
        except av.FFmpegError as error:
            raise GantoolError(f"cannot write {self._target}: {hint or error.strerror or error}") from None


def _encoder_of(name: str) -> str:
    """Return the encoder of a codec, or ""; those in hardware take formats of their own."""
    from av.codec import Codec
    from av.codec.codec import UnknownCodecError

    try:
        codec = Codec(name, "w")
    except UnknownCodecError:
        return ""
    return "" if codec.capabilities & _HARDWARE or codec.type != "video" else codec.name


def _settings(encoder: str, crf: int | None) -> dict[str, str]:
    """Return the options of an encoder that give high quality, or the one that was asked for."""
    if crf is not None and encoder not in _CRF:
        raise GantoolError(f"--video-crf {crf}: {encoder} has no such quality; those that have one: {', '.join(_CRF)}")
    quality = {"crf": str(_CRF[encoder] if crf is None else crf)} if encoder in _CRF else _QUANTISER
    return {**quality, **_MORE.get(encoder, {})}


def _pixel_format(encoder: str, name: str) -> str:
    """Return the pixel format of an encoder that is, or is nearest to, one that frames have."""
    from av.codec import Codec
    from av.codec.codec import find_best_pix_fmt_of_list

    offered = [found.name for found in Codec(encoder, "w").video_formats or []]
    if not offered or name in offered:
        return name
    best, _ = find_best_pix_fmt_of_list(offered, name, True)
    return best.name if best else offered[0]


def _describe(new: Any, stream: Any) -> None:
    """Copy the texts of a stream, such as its language, and what it is for."""
    encoded = new.codec_context is not None and stream.type == "video"
    new.metadata.update({key: text for key, text in stream.metadata.items() if not (encoded and key.startswith(_STATISTICS))})
    new.disposition = stream.disposition
