"""DICOM: stored values are changed where they lie; every other element stays as it was."""

from __future__ import annotations

import io
import math
import warnings
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from gantool.data.formats.picture_format import PictureFormat
from gantool.data.picture_files import NoPicture
from gantool.errors import GantoolError, MissingExtra

from .pictures import ArrayPictures, Patch, Planes, Scale, array_in

_LABELS = {"SEG": "a segmentation", "RTSTRUCT": "contours", "RTDOSE": "a dose, which belongs to another image"}
_GREY, _COLOUR = ("MONOCHROME1", "MONOCHROME2"), "RGB"


def _pydicom(path: object) -> Any:
    try:
        import pydicom
    except ImportError:
        raise MissingExtra(f"reading {path}", "pydicom", "dicom", of="gantool-science") from None
    return pydicom


class Dicom(PictureFormat):
    """Images of a series, a file each, and multi-frame images."""

    def open_file(self, path: Path, *, array: str, slices: str) -> ArrayPictures:
        """Read the header."""
        del array, slices
        pydicom = _pydicom(path)
        head = pydicom.dcmread(path, stop_before_pixels=True)
        modality = str(head.get("Modality", ""))
        if modality in _LABELS:
            raise NoPicture(str(path), f"it holds {_LABELS[modality]}")
        if "Rows" not in head or int(head.BitsAllocated) == 1:
            raise NoPicture(str(path), "it has no pixels" if "Rows" not in head else "it has one bit per pixel")
        photometric = str(head.PhotometricInterpretation)
        if photometric == "PALETTE COLOR":
            raise NoPicture(str(path), "its pixels are indices into a palette")
        colour = int(head.get("SamplesPerPixel", 1)) > 1
        if (colour and photometric != _COLOUR) or not (colour or photometric in _GREY):
            raise GantoolError(f"{path} is stored as {photometric}: convert it to RGB first (dcmdjpeg +cl, gdcmconv --raw)")
        return _Image(path, head)


class _Image(ArrayPictures):
    def __init__(self, path: Path, head: Any) -> None:
        self._frames, self._samples = int(head.get("NumberOfFrames", 1) or 1), int(head.get("SamplesPerPixel", 1))
        self._signed, self._bits = bool(head.get("PixelRepresentation", 0)), int(head.BitsStored)
        size = int(head.Rows), int(head.Columns), self._samples
        self._scales = [_scale(head, number, self._limits()) for number in range(self._frames)]
        dtype = np.dtype(f"{'i' if self._signed else 'u'}{int(head.BitsAllocated) // 8}")
        super().__init__(path, dtype, size, array="pixels", scale=next((s for s in self._scales if not s.plain), None))
        self.unit = _unit(head)
        if head.PhotometricInterpretation == "MONOCHROME1":
            self.notes = ("MONOCHROME1, where 0 is white: seen inverted, stored as it was",)
        if head.file_meta.TransferSyntaxUID.is_encapsulated:
            self.notes += ("its pixels are compressed; refined, they are not",)

    def __len__(self) -> int:
        return self._frames

    def scale(self, number: int) -> Scale:
        return self._scales[number]

    def limits(self) -> tuple[float, float]:
        return self._limits()

    def _limits(self) -> tuple[float, float]:
        half = 2 ** (self._bits - 1)
        return (-half, half - 1) if self._signed else (0, 2 * half - 1)

    def dataset(self) -> Any:
        """Return the whole file."""
        return _pydicom(self.path).dcmread(self.path)

    @cached_property
    def _array(self) -> np.ndarray:
        dataset = self.dataset()
        if "PixelData" not in dataset:
            raise GantoolError(f"{self.path} holds no integer pixels: convert it to NIfTI or .npy")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of bytes too many at the end
            try:
                array: np.ndarray = dataset.pixel_array
            except RuntimeError as error:  # a codec that is not there: its text has many lines
                raise GantoolError(
                    f"{self.path} cannot be decoded ({str(error).splitlines()[0]}): decompress it first (gdcmconv --raw), "
                    "or install pylibjpeg, pylibjpeg-libjpeg and pylibjpeg-openjpeg"
                ) from None
        return array.reshape(self._frames, *self._form_shape())

    def _form_shape(self) -> tuple[int, int, int]:
        return self.form.height, self.form.width, self._samples

    def plane(self, number: int) -> np.ndarray:
        plane: np.ndarray = self._array[number]
        return plane

    def patch(self) -> Patch:
        return _DicomPatch(self)


class _DicomPatch(Patch):
    """Changes the bytes of the pixels in the file; a compressed one is written anew, uncompressed."""

    def __init__(self, image: _Image) -> None:
        self._image, self._dataset = image, image.dataset()
        syntax = self._dataset.file_meta.TransferSyntaxUID
        element = self._dataset.get_item("PixelData")
        self._at = getattr(element, "value_tell", None)
        if syntax.is_encapsulated or syntax.is_deflated or not self._at:
            if syntax.is_encapsulated:
                self._dataset.decompress(generate_instance_uid=False)
            self._at = None
        self._pixels = bytearray(self._dataset.PixelData)
        order = "<" if self._dataset.file_meta.TransferSyntaxUID.is_little_endian else ">"
        planar = image._samples > 1 and int(self._dataset.get("PlanarConfiguration", 0)) == 1
        height, width, samples = image._form_shape()
        shape = (len(image), samples, height, width) if planar else (len(image), height, width, samples)
        # Bits above those stored may hold overlays: these are not touched.
        unsigned = np.dtype(f"{order}u{image.dtype.itemsize}")
        array = array_in(self._pixels, unsigned, shape, 0)
        super().__init__(bytearray(), array, Planes(shape, *((2, 3, 1) if planar else (1, 2, 3))))

    def plane(self, number: int) -> np.ndarray:
        return self._image.plane(number).copy()

    def put(self, number: int, plane: np.ndarray) -> None:
        view, old = super().plane(number), self._image.plane(number)
        kind, mask = f"u{plane.dtype.itemsize}", (1 << self._image._bits) - 1
        before, new = view.astype(kind), plane.astype(kind)
        # Where unused bits hold more than the sign, they stay.
        view[...] = np.where(before == old.astype(kind), new, (before & ~new.dtype.type(mask)) | (new & new.dtype.type(mask)))

    def finish(self) -> bytes:
        if self._at is not None:
            data = bytearray(self._image.path.read_bytes())
            data[self._at : self._at + len(self._pixels)] = self._pixels
            return bytes(data)
        self._dataset.PixelData = bytes(self._pixels)
        file = io.BytesIO()
        self._dataset.save_as(file)
        return file.getvalue()


def _transformation(head: Any, number: int) -> Any:
    """Return the data set that holds the rescaling of a frame: the frame's own, the one of all, or the file's."""
    for groups, at in (("PerFrameFunctionalGroupsSequence", number), ("SharedFunctionalGroupsSequence", 0)):
        if groups in head and len(head[groups].value) > at:
            inside = head[groups].value[at]
            if "PixelValueTransformationSequence" in inside:
                return inside.PixelValueTransformationSequence[0]
    return head


def _scale(head: Any, number: int, limits: tuple[float, float]) -> Scale:
    found = _transformation(head, number)
    slope, offset = float(found.get("RescaleSlope", 1) or 1), float(found.get("RescaleIntercept", 0) or 0)
    if head.PhotometricInterpretation == "MONOCHROME1":
        slope, offset = -slope, slope * sum(limits) + offset
    padding = head.get("PixelPaddingValue")
    blank = None
    if padding is not None and not isinstance(padding, bytes):
        ends = sorted(_as_stored(float(one), limits) for one in (padding, head.get("PixelPaddingRangeLimit", padding)))
        blank = (ends[0], ends[1])
    return Scale(slope, offset, blank)


def _as_stored(value: float, limits: tuple[float, float]) -> float:
    """Return a padding value in the range of the pixels: it is often written as unsigned where these are signed."""
    span = limits[1] - limits[0] + 1
    return value - span * math.ceil((value - limits[1]) / span) if value > limits[1] else value


def _unit(head: Any) -> str:
    kind = str(_transformation(head, 0).get("RescaleType", "") or "")
    if kind and kind != "US":
        return kind
    return "HU" if str(head.get("Modality", "")) == "CT" else ""
