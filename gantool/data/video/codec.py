"""How a user wants refined videos stored: plain data."""

from __future__ import annotations

from dataclasses import dataclass

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


@dataclass(frozen=True, kw_only=True)
class VideoOptions:
    """How refined frames are stored."""

    codec: str = "auto"
    """FFmpeg's name of a codec or encoder: h264, hevc, vp9, av1, ffv1 (lossless). auto: the input's, if it can be written."""
    crf: int | None = None
    """Quality on the encoder's own scale, lower is better; None: hardly told from the input by eye (see `writing`)."""
