"""FITS: the image of one HDU is read and written where it lies; headers, tables and all other HDUs stay byte for byte."""

from __future__ import annotations

import io
import threading
import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from gantool.data.formats.picture_format import PictureFormat
from gantool.data.picture_files import AUTO, NoPicture
from gantool.errors import GantoolError, MissingExtra

from .files import contents, packed
from .pictures import ArrayPictures, Patch, Scale, array_in, planes_of

_TYPES = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
_NAMED = ("SCI", "IMAGE", "DATA", "PRIMARY")
"""Names of the HDU that is the picture, where there are several."""
_BESIDE = ("ERR", "DQ", "MASK", "WHT", "VAR", "VARIANCE", "CON", "CTX", "BAD", "FLAGS", "SEG", "WEIGHT", "UNCERT")
_UNSIGNED_16 = (16, 1.0, 32768.0)


def astropy_fits(path: object) -> Any:
    """Return `astropy.io.fits`. Raises `MissingExtra`."""
    try:
        from astropy.io import fits
    except ImportError:
        raise MissingExtra(f"reading {path}", "astropy", "fits", of="gantool-science") from None
    return fits


class Fits(PictureFormat):
    """Images and cubes."""

    def open_file(self, path: Path, *, array: str, slices: str) -> ArrayPictures:
        """Choose the HDU, and read its header."""
        fits = astropy_fits(path)
        data = contents(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of cards that are odd, and are kept
            source = io.BytesIO(data) if isinstance(data, bytes) else path
            # Compressed images are tables here: their own keywords say how.
            with fits.open(source, memmap=False, disable_image_compression=True) as hdus:
                found = [_Hdu.of(number, hdu) for number, hdu in enumerate(hdus)]
        images = [one for one in found if one.image]
        if not images:
            raise NoPicture(str(path), "tables alone" if len(found) > 1 else "it has no data")
        chosen = _choose(path, array, images)
        opened = (_Compressed if chosen.compressed else _Image)(path, chosen, data, slices)
        others = len(images) - 1
        more = (f"the picture is HDU {chosen.array} of {len(images)} images; --array takes another",) if others else ()
        opened.notes = (*opened.notes, *more)
        return opened


@dataclass(frozen=True)
class _Hdu:
    number: int
    name: str
    """EXTNAME, with its version where that is not 1."""
    header: Any
    shape: tuple[int, ...]
    """Of the image, slowest axis first."""
    bits: int
    """BITPIX of the image."""
    starts: int
    data: int
    ends: int
    """Bytes of the file at which header and data begin, and where the HDU ends."""
    compressed: bool

    @classmethod
    def of(cls, number: int, hdu: Any) -> _Hdu:
        header, info = hdu.header, hdu.fileinfo()
        compressed = bool(header.get("ZIMAGE", False))
        z = "Z" if compressed else ""
        is_image = compressed or header.get("XTENSION", "IMAGE").strip() == "IMAGE"
        axes = header.get(f"{z}NAXIS", 0) if is_image and not header.get("GROUPS", False) else 0
        shape = tuple(int(header[f"{z}NAXIS{axis}"]) for axis in range(axes, 0, -1))
        version = header.get("EXTVER", 1)
        name = str(header.get("EXTNAME", "" if number else "PRIMARY")).upper() + (f",{version}" if version != 1 else "")
        starts, data = info["hdrLoc"], info["datLoc"]
        bits = int(header[f"{z}BITPIX"] if is_image else 8)
        return cls(number, name, header, shape, bits, starts, data, data + info["datSpan"], compressed)

    @property
    def image(self) -> bool:
        """Whether it holds rows and columns."""
        return len(self.shape) >= 2 and min(self.shape) > 0

    @property
    def array(self) -> str:
        """What `--array` calls it."""
        return self.name or str(self.number)

    def scale(self) -> Scale:
        """Return BSCALE, BZERO and BLANK; a blank of floats is NaN itself."""
        slope, offset = float(self.header.get("BSCALE", 1)), float(self.header.get("BZERO", 0))
        # Compressed ints keep the card of the image; ZBLANK is of what is packed.
        blank = self.header.get("BLANK") if self.bits > 0 else None
        return Scale(slope or 1.0, offset, None if blank is None else (float(blank), float(blank)))


def _choose(path: Path, asked: str, images: list[_Hdu]) -> _Hdu:
    if asked != AUTO:
        found = [one for one in images if asked.upper() in (one.name, str(one.number))]
        if not found:
            have = ", ".join(f"{one.number} ({one.name})" if one.name else str(one.number) for one in images)
            raise GantoolError(f"{path} has no image in HDU {asked}; it has {have}: say another --array")
        return found[0]
    named = [one for name in _NAMED for one in images if one.name == name]
    return (named or [one for one in images if one.name.partition(",")[0] not in _BESIDE] or images)[0]


class _Image(ArrayPictures):
    """An image that lies in the file as it is."""

    def __init__(self, path: Path, hdu: _Hdu, data: bytes | np.ndarray, slices: str) -> None:
        self._hdu = hdu
        self._planes, cut, self.notes = planes_of(hdu.shape, slices)
        scale = hdu.scale()
        # Unsigned 16 bits are signed ones with a zero in the middle: the commonest CCD.
        self._unsigned = (hdu.bits, scale.slope, scale.offset) == _UNSIGNED_16 and scale.blank is None
        kind = np.dtype(np.uint16) if self._unsigned else np.dtype(_TYPES[hdu.bits])
        super().__init__(path, kind, self._planes.size, array=hdu.array, slices=cut, scale=None if self._unsigned else scale)
        self.unit = str(hdu.header.get("BUNIT", "")).strip()
        self._data = self._array_in(data)

    def __len__(self) -> int:
        return len(self._planes)

    def plane(self, number: int) -> np.ndarray:
        plane = self._planes.view(self._data, number)
        return _unsigned(plane) if self._unsigned else plane

    def patch(self) -> Patch:
        return _FitsPatch(self, bytearray(contents(self.path)))

    def _array_in(self, data: Any) -> np.ndarray:
        return array_in(data, np.dtype(_TYPES[self._hdu.bits]), self._hdu.shape, self._hdu.data)


def _unsigned(plane: np.ndarray) -> np.ndarray:
    return plane.astype(np.int16).view(np.uint16) ^ np.uint16(0x8000)


class _FitsPatch(Patch):
    def __init__(self, image: _Image, data: bytearray) -> None:
        super().__init__(data, image._array_in(data), image._planes)
        self._image = image

    def plane(self, number: int) -> np.ndarray:
        plane = super().plane(number)
        return _unsigned(plane) if self._image._unsigned else plane

    def put(self, number: int, plane: np.ndarray) -> None:
        if self._image._unsigned:
            super().plane(number)[...] = (plane ^ np.uint16(0x8000)).view(np.int16)

    def finish(self) -> bytes:
        """Bring sums of the data up to date, where the header has them."""
        hdu = self._image._hdu
        if {"CHECKSUM", "DATASUM"} & set(hdu.header):
            piece = bytes(memoryview(self.data)[hdu.starts : hdu.ends])
            self.data[hdu.starts : hdu.ends] = _with_sums(piece, first=hdu.number == 0, checksum="CHECKSUM" in hdu.header)
        return packed(self._image.path, bytes(self.data))


def _with_sums(piece: bytes, *, first: bool, checksum: bool) -> bytes:
    """Return an HDU with the right sums in its header, which keeps its length."""
    fits = astropy_fits("")
    made = (fits.PrimaryHDU if first else fits.ImageHDU).fromstring(piece)
    length = len(made.header.tostring())
    # The comment says when by default; the same input gives the same file.
    when = str(made.header.comments["CHECKSUM" if checksum else "DATASUM"])
    (made.add_checksum if checksum else made.add_datasum)(when=when)
    head: bytes = made.header.tostring().encode("ascii")
    return head + piece[length:]


class _Compressed(ArrayPictures):
    """A tile-compressed image, which is written without loss."""

    def __init__(self, path: Path, hdu: _Hdu, data: bytes | np.ndarray, slices: str) -> None:
        del data
        self._hdu = hdu
        self._planes, cut, notes = planes_of(hdu.shape, slices)
        super().__init__(path, np.dtype(_TYPES[hdu.bits]), self._planes.size, array=hdu.array, slices=cut, scale=hdu.scale())
        self.unit = str(hdu.header.get("BUNIT", "")).strip()
        self._lossy = _loses(hdu)
        self.notes = (*notes, "it is compressed with loss; refined, without") if self._lossy else notes
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._planes)

    @cached_property
    def _array(self) -> np.ndarray:
        with self._lock, astropy_fits(self.path).open(self.path, do_not_scale_image_data=True) as hdus:
            return np.array(hdus[self._hdu.number].data)

    def plane(self, number: int) -> np.ndarray:
        return self._planes.view(self._array, number)

    def patch(self) -> Patch:
        return _CompressedPatch(self)


def _loses(hdu: _Hdu) -> bool:
    """Return whether compression rounded: floats that were quantised, by a scale per tile, and HCOMPRESS with a scale."""
    if hdu.bits < 0:
        return "ZSCALE" in {str(value) for key, value in hdu.header.items() if key.startswith("TTYPE") or key == "ZSCALE"}
    return str(hdu.header.get("ZCMPTYPE", "")) == "HCOMPRESS_1" and float(hdu.header.get("ZVAL1", 0)) > 0


class _CompressedPatch(Patch):
    def __init__(self, image: _Compressed) -> None:
        super().__init__(bytearray(contents(image.path)), image._array.copy(), image._planes)
        self._image = image

    def finish(self) -> bytes:
        """Put another HDU in the place of the old one."""
        image, fits = self._image, astropy_fits(self._image.path)
        hdu = image._hdu
        with fits.open(image.path, do_not_scale_image_data=True) as hdus:
            old = hdus[hdu.number]
            kind = old.compression_type
            # Quantising is what loses; GZIP alone takes floats as they are.
            exact = "GZIP_2" if hdu.bits < 0 or image._lossy else kind
            made = fits.CompImageHDU(
                self._array,
                old.header,
                compression_type=exact,
                quantize_level=0,
                do_not_scale_image_data=True,
                tile_shape=old.tile_shape,
            )
            made.header.update({key: old.header[key] for key in ("BSCALE", "BZERO", "BLANK") if key in old.header})
        file = io.BytesIO()
        fits.HDUList([fits.PrimaryHDU(), made]).writeto(file, output_verify="ignore", checksum="CHECKSUM" in hdu.header)
        with fits.open(io.BytesIO(file.getvalue()), disable_image_compression=True) as again:
            starts = again[1].fileinfo()["hdrLoc"]
        self.data[hdu.starts : hdu.ends] = file.getvalue()[starts:]
        return packed(image.path, bytes(self.data))
