"""Frames of video files to images, and changes of such images back into the planes of a frame.

A frame that is brought to RGB and back is not the same: chroma is stored at a lower resolution, and both ways round. So the
*change* of an image is brought to the planes and added there. Where nothing changes, not one bit does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from ..images import Form

if TYPE_CHECKING:
    import av
    from av.video.reformatter import VideoReformatter

_PLANAR = (
    *(f"gray{depth}" for depth in ("", "9le", "10le", "12le", "14le", "16le")),
    *(f"yuv{sub}p{depth}" for sub in (420, 422, 444) for depth in ("", "9le", "10le", "12le", "14le", "16le")),
    *(f"yuva{sub}p{depth}" for sub in (420, 422, 444) for depth in ("", "9le", "10le", "16le")),
    *("yuv440p", "yuv411p", "yuv410p"),
    *(f"gbrp{depth}" for depth in ("", "9le", "10le", "12le", "14le", "16le")),
    *("gbrap", "gbrap10le", "gbrap12le", "gbrap16le"),
)
"""Ways to store a frame with one plane per component; all others are brought to the nearest of these."""

_LIMITED = 1
"""FFmpeg's number for a range that leaves out values near both ends (16 to 235 for luma of 8 bits)."""
_FULL = 2
_UNSPECIFIED = 2
_LUMA_WEIGHTS = {1: (0.2126, 0.0722), 4: (0.30, 0.11), 7: (0.212, 0.087), 9: (0.2627, 0.0593), 10: (0.2627, 0.0593)}
"""Weights of red and blue in luma, by FFmpeg's number of the matrix (ITU-T H.273); others are Rec. 601's."""
_REC_601 = (0.299, 0.114)
_SD = (1280, 576)
"""Width and height in pixels: frames that do not say their matrix have Rec. 709's from the one, or above the other, on."""


def form_of(stream: av.VideoStream) -> Form:
    """Return the form of the frames of a stream, as they are shown where no rotation is said."""
    name = working_format(stream.format.name)
    grey, bits = name.startswith("gray"), _bits(name)
    return Form(stream.height, stream.width, 1 if grey else 3, "uint16" if bits > 8 else "uint8")


def working_format(name: str) -> str:
    """Return the pixel format (FFmpeg's name) with a plane per component that loses least of `name`."""
    from av.codec.codec import find_best_pix_fmt_of_list

    full = name.replace("yuvj", "yuv")
    if full in _PLANAR:
        return full
    best, _ = find_best_pix_fmt_of_list(_PLANAR, full, "a" in full.replace("gray", "").replace("planar", ""))
    assert best is not None  # the list is not empty
    return best.name


class Converter:
    """Converts frames of one stream. Not for several threads at once."""

    def __init__(self) -> None:
        from av.video.reformatter import VideoReformatter

        self._to_format, self._to_rgb = VideoReformatter(), VideoReformatter()

    def planes(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Return a frame in a format with a plane per component."""
        name = working_format(frame.format.name)
        if frame.format.name.replace("yuvj", "yuv") == name:
            return frame
        return self.reformat(frame, name)

    def reformat(self, frame: av.VideoFrame, name: str) -> av.VideoFrame:
        """Return a frame in another pixel format, its range kept."""
        return _reformat(self._to_format, frame, name, full=is_full_range(frame))

    def image(self, frame: av.VideoFrame) -> np.ndarray:
        """A frame as of `planes` to (H, W, 1) or (H, W, 3) RGB, uint8 or uint16. Alpha is left out."""
        bits = _bits(frame.format.name)
        if frame.format.name.startswith("gray"):
            low, span = _luma_range(frame)
            values = plane(frame, 0)
            if (low, span) not in ((0, 255), (0, 65535)):
                unit = (values.astype(np.float32) - low) / span
                values = np.rint(unit.clip(0, 1) * (65535 if bits > 8 else 255)).astype(values.dtype)
            return np.ascontiguousarray(values)[..., None]
        rgb = _reformat(self._to_rgb, frame, "rgb48le" if bits > 8 else "rgb24", full=True)
        return rgb.to_ndarray()


def changed(frame: av.VideoFrame, before: np.ndarray, after: np.ndarray) -> av.VideoFrame:
    """Return a new frame: `frame`, as of `Converter.planes`, plus `after` - `before`, both as of `Converter.image`."""
    import av

    new = av.VideoFrame(frame.width, frame.height, frame.format.name)
    for number in range(len(frame.planes)):
        plane(new, number)[...] = plane(frame, number)
    if not np.array_equal(before, after):
        change = (after.astype(np.float32) - before) / np.float32(np.iinfo(before.dtype).max)
        _add(new, frame, change)
    _label(new, frame)
    return new


def blank(frame: av.VideoFrame, height: int, width: int) -> av.VideoFrame:
    """Return a grey frame of another size, like `frame`, as of `Converter.planes`, in all else; alpha is scaled."""
    import av

    new = av.VideoFrame(width, height, frame.format.name)
    for number, component in enumerate(frame.format.components):
        target = plane(new, number)
        target[...] = 2 ** (_bits(frame.format.name) - 1)
        if component.is_alpha:
            target[...] = cv2.resize(plane(frame, number), target.shape[::-1], interpolation=cv2.INTER_AREA)
    _label(new, frame)
    return new


def plane(frame: av.VideoFrame, number: int) -> np.ndarray:
    """Return a view of a plane of a frame with one per component, (h, w) uint8 or uint16."""
    found = frame.planes[number]
    dtype = np.dtype(np.uint8 if _bits(frame.format.name) <= 8 else "<u2")
    # PyAV's planes offer the buffer protocol, which its types do not say.
    rows: np.ndarray = np.frombuffer(cast("memoryview", found), dtype)
    return rows.reshape(found.height, found.line_size // dtype.itemsize)[:, : found.width]


def is_full_range(frame: av.VideoFrame) -> bool:
    """Return whether a frame uses all values; where it does not say so, YUV does not."""
    name = frame.format.name
    if name.startswith("yuvj"):
        return True
    if not name.startswith("yuv"):
        return frame.color_range != _LIMITED
    return frame.color_range == _FULL


def _reformat(
    reformatter: VideoReformatter,
    frame: av.VideoFrame,
    name: str,
    *,
    full: bool,
) -> av.VideoFrame:
    from av.video.reformatter import Interpolation

    flags = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
    return reformatter.reformat(
        frame,
        format=name,
        src_colorspace=_matrix(frame),
        dst_colorspace=_matrix(frame),
        src_color_range=_FULL if is_full_range(frame) else _LIMITED,
        dst_color_range=_FULL if full else _LIMITED,
        interpolation=flags,
        threads=1,
    )


def _matrix(frame: av.VideoFrame) -> int:
    """FFmpeg's number of the matrix, guessed as players do where the frame does not say it."""
    if frame.colorspace != _UNSPECIFIED:
        return int(frame.colorspace)
    return 1 if frame.width >= _SD[0] or frame.height > _SD[1] else 5


def _label(target: av.VideoFrame, frame: av.VideoFrame) -> None:
    """Let `target` be shown when and how `frame` is."""
    for name in ("pts", "duration", "colorspace", "color_range", "color_trc", "color_primaries"):
        setattr(target, name, getattr(frame, name))
    if frame.time_base is not None:
        target.time_base = frame.time_base


def _add(target: av.VideoFrame, frame: av.VideoFrame, change: np.ndarray) -> None:
    """Add (H, W, 1) or (H, W, 3), on the [0, 1] scale, to the planes of `target`, which are those of `frame`."""
    full = is_full_range(frame)
    bits = _bits(frame.format.name)
    if frame.format.name.startswith("gb"):
        spans = [(number, change[..., channel] * (2**bits - 1)) for number, channel in enumerate((1, 2, 0))]
    else:
        _, span = _luma_range(frame)
        luma = change[..., 0] if change.shape[2] == 1 else change @ np.array(_weights(frame), np.float32)
        spans = [(0, luma * span)]
        if change.shape[2] == 3:
            chroma_span = 2**bits - 1 if full else 224 * 2 ** (bits - 8)
            red, _, blue = _weights(frame)
            for number, channel, weight in ((1, 2, blue), (2, 0, red)):
                difference = (change[..., channel] - luma) / (2 * (1 - weight)) * chroma_span
                height, width = plane(frame, number).shape
                spans.append((number, cv2.resize(difference, (width, height), interpolation=cv2.INTER_AREA)))
    for number, values in spans:
        view = plane(target, number)
        view[...] = np.rint(view + values).clip(0, 2**bits - 1)


def _luma_range(frame: av.VideoFrame) -> tuple[int, int]:
    """Return black, and how much white is above it."""
    bits = _bits(frame.format.name)
    if is_full_range(frame):
        return 0, 2**bits - 1
    return 16 * 2 ** (bits - 8), 219 * 2 ** (bits - 8)


def _weights(frame: av.VideoFrame) -> tuple[float, float, float]:
    red, blue = _LUMA_WEIGHTS.get(_matrix(frame), _REC_601)
    return red, 1 - red - blue, blue


def _bits(name: str) -> int:
    """Bits per component of a format of `_PLANAR`."""
    digits = name.removesuffix("le").removeprefix("gray").rpartition("p")[2] if name.endswith("le") else "8"
    return int(digits)
