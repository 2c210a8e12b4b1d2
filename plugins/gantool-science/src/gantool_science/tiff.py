"""TIFF of several pages and OME-TIFF: pages are changed where they lie; all tags and all other pages stay."""

from __future__ import annotations

import io
import math
import os
import struct
import threading
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gantool.data.formats.picture_format import PictureFormat
from gantool.data.picture_files import NoPicture
from gantool.errors import GantoolError, MissingExtra

from .pictures import ArrayPictures, Patch, Planes, Scale

_REDUCED, _MASK = 1, 4
"""Bits of NewSubfileType."""
_NODATA = 42113
_GEO = (_NODATA, 33550, 33922, 34264, 34735)
"""Tags of GeoTIFF and GDAL."""
_BY_PILLOW, _FLOAT_PREDICTOR = (1, 5, 8, 32773, 32946), 3
_NONE, _DEFLATE, _JPEGS = 1, 8, (6, 7, 34892, 33003, 33005, 34712)
_STRIPS = ("StripOffsets", "StripByteCounts")
_SHORT = ("Compression", "Predictor")
_TILES = ("TileOffsets", "TileByteCounts")
_TILE = 16


def _tifffile(path: object) -> Any:
    try:
        import tifffile
    except ImportError:
        raise MissingExtra(f"reading {path}", "tifffile", "tiff", of="gantool-science") from None
    return tifffile


class Tiff(PictureFormat):
    """Stacks, and single pages that are more than a picture of 8 or 16 bits."""

    def claims(self, path: Path) -> bool:
        """Return whether the host would lose pages or numbers of it."""
        try:
            with _tifffile(path).TiffFile(path) as file:
                return len(file.pages) > 1 or file.is_ome or not _is_plain(file)
        except MissingExtra:
            return False  # the host reads what it can, and says what it cannot
        except Exception:  # whoever reads it says why
            return False

    def open_file(self, path: Path, *, array: str, slices: str) -> ArrayPictures:
        """Read the directories of all pages."""
        del array, slices
        return _Stack(path, _tifffile(path))


class _Stack(ArrayPictures):
    def __init__(self, path: Path, tifffile: Any) -> None:
        self._tifffile, self._lock = tifffile, threading.Lock()
        self._open: tuple[int, Any] | None = None
        with tifffile.TiffFile(path) as file:
            pages = [_Page(number, page) for number, page in enumerate(file.pages)]
            whole = [page for page in pages if not page.aside]
            if not whole:
                raise NoPicture(str(path), "it has thumbnails and masks alone")
            first = whole[0]
            if file.is_imagej and (images := (file.imagej_metadata or {}).get("images", 1)) > len(pages):
                raise GantoolError(
                    f"{path} says that it holds {images} images and has directories of {len(pages)}: save it as a stack of pages"
                )
            nodata = file.pages.first.tags.get(_NODATA)
        if first.depth > 1:
            raise GantoolError(f"{path} has pages of {first.depth} planes: save each plane as a page")
        self._pages = [page.number for page in whole if page.like(first)]
        super().__init__(path, first.dtype, first.size, array="pages", scale=_nodata(nodata, first.dtype))
        left = len(pages) - len(self._pages)
        if len(self._pages) > 1 or left:
            others = f"; {left} of another kind are kept" if left else ""
            self.notes = (f"{len(self._pages)} pages are pictures{others}",)

    def __len__(self) -> int:
        return len(self._pages)

    def plane(self, number: int) -> np.ndarray:
        with self._lock:
            page = self._file().pages[self._pages[number]]
            return _upright(page, page.asarray())

    def patch(self) -> Patch:
        return _TiffPatch(self)

    def _file(self) -> Any:
        """Return the file, open in this process: forks share positions."""
        if self._open is None or self._open[0] != os.getpid():
            self._open = os.getpid(), self._tifffile.TiffFile(self.path)
        return self._open[1]

    def __getstate__(self) -> dict[str, Any]:
        raise TypeError("an open file stays in its process")


def _is_plain(file: Any) -> bool:
    """Return whether the host keeps all of a single page: unsigned numbers, or floats without a place on earth."""
    page = file.pages.first
    if page.dtype != np.float32:
        return page.dtype in (np.uint8, np.uint16) and not page.is_tiled
    known = int(page.compression) in _BY_PILLOW and int(page.predictor) != _FLOAT_PREDICTOR
    return known and file.byteorder == "<" and not any(tag in page.tags for tag in _GEO) and not page.is_tiled


class _Page:
    """What the directory of a page says."""

    def __init__(self, number: int, page: Any) -> None:
        self.number, self.dtype, self.depth = number, page.dtype, page.imagedepth
        self.size: tuple[int, int, int] = (page.imagelength, page.imagewidth, page.samplesperpixel)
        self.aside = bool(int(page.subfiletype) & (_REDUCED | _MASK))

    def like(self, other: _Page) -> bool:
        """Return whether it is of the same kind."""
        return not self.aside and (self.size, self.dtype) == (other.size, other.dtype)


def _upright(page: Any, array: np.ndarray) -> np.ndarray:
    """(H, W, C) of what tifffile gives: axes of one pixel are dropped there, colours may come first."""
    height, width, samples = page.imagelength, page.imagewidth, page.samplesperpixel
    if page.planarconfig == 2 and samples > 1:
        return array.reshape(samples, height, width).transpose(1, 2, 0)
    return array.reshape(height, width, samples)


def _nodata(tag: Any, dtype: np.dtype) -> Scale | None:
    """GDAL writes the number that says "no value" as text."""
    try:
        value = float(str(tag.value).strip("\0 ")) if tag is not None else math.nan
    except ValueError:
        return None
    if math.isnan(value):
        return None
    value = float(np.float32(value)) if dtype == np.float32 else value
    return Scale(blank=(value, value))


class _TiffPatch(Patch):
    """Pages that lie in the file as they are, are changed there. Others are appended, deflated, and the tags point to them."""

    def __init__(self, stack: _Stack) -> None:
        super().__init__(bytearray(), np.zeros((1, 1)), Planes((1, 1), 0, 1))
        self._stack, self._file = stack, io.BytesIO(stack.path.read_bytes())
        self._tiff = stack._tifffile.TiffFile(self._file)

    def plane(self, number: int) -> np.ndarray:
        return self._stack.plane(number).copy()

    def put(self, number: int, plane: np.ndarray) -> None:
        page = self._tiff.pages[self._stack._pages[number]]
        if int(page.compression) in _JPEGS:
            raise GantoolError(f"{self._stack.path} is compressed with loss: convert it first (tiffcp -c zip OLD NEW)")
        separate = page.planarconfig == 2 and page.samplesperpixel > 1
        parts = plane.transpose(2, 0, 1)[..., None] if separate else plane[None]
        encoded = parts.astype(page.dtype.newbyteorder(self._tiff.byteorder))
        if page.is_contiguous:
            self._write(page.dataoffsets[0], encoded.tobytes())
        else:
            self._append(page, encoded)

    def finish(self) -> bytes:
        return self._file.getvalue()

    def _append(self, page: Any, parts: np.ndarray) -> None:
        """Store a page as one strip, or one tile, of each of its parts, (N, H, W, C) in the byte order of the file."""
        height, width = parts.shape[1:3]
        if page.is_tiled:
            rows, cols = (-(-side // _TILE) * _TILE for side in (height, width))
            parts = np.pad(parts, ((0, 0), (0, rows - height), (0, cols - width), (0, 0)), mode="edge")
            self._set(page, {"TileLength": rows, "TileWidth": cols})
        else:
            self._set(page, {"RowsPerStrip": height})
        pieces = [zlib.compress(part.tobytes()) for part in parts]
        end = self._file.seek(0, io.SEEK_END)
        ends = np.cumsum([end + end % 2, *map(len, pieces)]).tolist()
        self._write(ends[0], b"".join(pieces))
        offsets, counts = _TILES if page.is_tiled else _STRIPS
        lengths = [len(piece) for piece in pieces]
        self._set(page, {"Compression": _DEFLATE, "Predictor": _NONE, offsets: ends[:-1], counts: lengths})

    def _set(self, page: Any, tags: Mapping[str, int | list[int]]) -> None:
        """Give a page other values of tags that it has. Lists go to the end of the file: pages may share those that they have."""
        big, order = self._tiff.is_bigtiff, self._tiff.byteorder
        for name, value in tags.items():
            if name not in page.tags:
                continue
            values = value if isinstance(value, list) else [value]
            code, kind = (3, "H") if name in _SHORT else (16, "Q") if big else (4, "I")
            packed = struct.pack(f"{order}{len(values)}{kind}", *values)
            if len(packed) > (8 if big else 4):
                end = self._file.seek(0, io.SEEK_END)
                self._write(end + end % 2, packed)
                packed = struct.pack(f"{order}{kind}", end + end % 2)
            entry = struct.pack(f"{order}HH{'Q' if big else 'I'}", page.tags[name].code, code, len(values))
            self._write(page.tags[name].offset, entry + packed.ljust(8 if big else 4, b"\0"))

    def _write(self, at: int, data: bytes) -> None:
        self._file.seek(at)
        self._file.write(data)
