"""OpenEXR files: parts, channels and pixels, and a refined file like the one that was read."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import GantoolError, MissingExtra, cause
from .images import ImageReadError

SUFFIX = ".exr"
_EXACT = ("NO_COMPRESSION", "RLE_COMPRESSION", "ZIPS_COMPRESSION", "ZIP_COMPRESSION", "PIZ_COMPRESSION")
_LARGEST_HALF = 65504.0


@dataclass(frozen=True)
class ExrPart:
    """What the header of a part says."""

    name: str
    """"" where the file has one part without a name."""
    height: int
    width: int
    channels: tuple[str, ...]
    attributes: Mapping[str, Any]


def read_header(path: Path) -> tuple[ExrPart, ...]:
    """Return the parts of a file without reading pixels. Raises `ImageReadError`, and `MissingExtra` without OpenEXR."""
    return tuple(_part(part) for part in _open(path, str(path), header_only=True).parts)


def read_channels(source: Path | bytes, channels: Sequence[str], *, part: str = "", name: str = "") -> np.ndarray:
    """Return channels of one part, (H, W, C) float16, float32 or uint32, contiguous.

    Args:
        source: The file.
        channels: Names, in the order of the result. They share a type where they are of one pass; where not, the widest.
        part: Name of the part; "" is the first one that has the channels. Parts may name their channels alike (stereo).
        name: What an error calls the file; its path by default.

    Raises `ImageReadError`: damaged, or without such channels; and `MissingExtra` without OpenEXR.
    """
    name = name or str(source)
    file = _open(source if isinstance(source, Path) else io.BytesIO(source), name)
    planes = _planes(file, part, channels, name)
    return np.ascontiguousarray(np.stack([plane.pixels for plane in planes], axis=-1))


def write_channels(data: bytes, changes: Sequence[tuple[str, Sequence[str], np.ndarray]], *, name: str = "") -> bytes:
    """Return a file as `data` with new pixels in some channels: all other parts, channels and attributes are as they were.

    Half stays half: what is beyond its range becomes its largest value. Compressions that lose something (DWA, B44, PXR24)
    would lose it once more in every pass, so such a part is written with ZIP.

    Args:
        data: The file that was read.
        changes: (part, channels, (H, W, C) pixels), as `read_channels` takes and gives them.
        name: What an error calls the file.

    Raises `ImageReadError` as `read_channels`; `GantoolError` where pixels are of another size than the part.
    """
    file = _open(io.BytesIO(data), name)
    for part, channels, pixels in changes:
        for place, channel in enumerate(_planes(file, part, channels, name)):
            before = channel.pixels
            if before.shape != pixels.shape[:2]:
                raise GantoolError(f"{name}: the picture in it is {_by(before.shape)}, the refined one {_by(pixels.shape)}")
            new = pixels[..., place]
            if before.dtype == np.float16:
                new = np.where(np.isfinite(new), new.clip(-_LARGEST_HALF, _LARGEST_HALF), new)
            # The package stores arrays that are not contiguous shuffled, and says nothing.
            channel.pixels = np.ascontiguousarray(new, dtype=before.dtype)
    return _write(file, name)


def write_resized(
    data: bytes, size: tuple[int, int], resize: Callable[[str, str, np.ndarray], np.ndarray], *, name: str = ""
) -> bytes:
    """Return a file as `data` at another size (height, width): each channel as `resize(part, channel, (H, W) pixels)` gives it.

    Types and attributes stay; both windows begin at 0, 0, and end with the picture. Raises as `write_channels`.
    """
    file = _open(io.BytesIO(data), name)
    for part in file.parts:
        for channel, stored in part.channels.items():
            new = resize(part.name(), channel, stored.pixels)
            if new.shape != size:
                raise GantoolError(f"{name}: {channel} became {_by(new.shape)}, not {_by(size)}")
            stored.pixels = np.ascontiguousarray(new, dtype=stored.pixels.dtype)
        ends = (np.zeros(2, np.int32), np.array([size[1] - 1, size[0] - 1], np.int32))
        part.header.update(dataWindow=ends, displayWindow=ends)
    return _write(file, name)


def _write(file: Any, name: str) -> bytes:
    for part in file.parts:
        if part.header["compression"].name not in _EXACT:
            part.header["compression"] = _package(name).ZIP_COMPRESSION
    written = io.BytesIO()
    file.write(written)
    return written.getvalue()


def _planes(file: Any, part: str, channels: Sequence[str], name: str) -> list[Any]:
    for found in file.parts:
        if (not part or found.name() == part) and all(channel in found.channels for channel in channels):
            return [found.channels[channel] for channel in channels]
    where = f"no part {part} with" if part else "no part with"
    raise ImageReadError(name, f"it has {where} the channels {', '.join(channels)}")


def _part(part: Any) -> ExrPart:
    header = part.header
    low, high = header["dataWindow"]
    channels = tuple(channel.name for channel in header["channels"])
    attributes = {key: value for key, value in header.items() if key != "channels"}
    return ExrPart(part.name(), int(high[1] - low[1]) + 1, int(high[0] - low[0]) + 1, channels, attributes)


def _open(source: Path | io.BytesIO, name: str, *, header_only: bool = False) -> Any:
    package = _package(name)
    place = str(source) if isinstance(source, Path) else source
    try:
        file = package.File(place, separate_channels=True, header_only=header_only)
    except Exception as error:  # its exceptions are those of C++
        raise ImageReadError(name, cause(error) if str(error) else "not an EXR, or damaged") from None
    # A part whose pixels cannot be read is left out, without an exception.
    if not file.parts or not (header_only or all(part.channels for part in file.parts)):
        raise ImageReadError(name, "the image data is damaged")
    if any(part.type() not in (package.scanlineimage, package.tiledimage) for part in file.parts):
        raise ImageReadError(name, "it is a deep image, with several values per pixel")
    return file


def _package(name: str) -> Any:
    try:
        import OpenEXR
    except ImportError:
        raise MissingExtra(f"reading {name}", "OpenEXR", "exr") from None
    return OpenEXR


def _by(shape: tuple[int, ...]) -> str:
    return f"{shape[0]}x{shape[1]}"
