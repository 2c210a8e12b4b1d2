"""What all formats share: which planes of an array are pictures, and how values change without touching any other bit."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gantool.data.images import Form
from gantool.data.picture_files import AUTO, PictureFile
from gantool.errors import GantoolError

COLOURS = (3, 4)
"""Lengths of a last axis that is taken for colours."""
_BAND = 256
"""Rows that are written at a time."""
_WHOLE, _MOST = 0.01, 0.25
"""How far from whole numbers rescaled ids may lie: a step of the scale, at least and at most so much."""


@dataclass(frozen=True)
class Scale:
    """How stored numbers become values: stored · slope + offset."""

    slope: float = 1.0
    offset: float = 0.0
    blank: tuple[float, float] | None = None
    """Stored numbers, from the first to the second, that say that there is no value."""

    @property
    def plain(self) -> bool:
        """Whether stored numbers are values."""
        return self == Scale()

    def values(self, stored: np.ndarray) -> np.ndarray:
        """Return values in float64; NaN where there is none."""
        found = stored.astype(np.float64) * self.slope + self.offset
        found[self.empty(stored)] = np.nan
        return found

    def empty(self, stored: np.ndarray) -> np.ndarray:
        """Return where there is no value."""
        if self.blank is None:
            return np.zeros(stored.shape, bool)
        empty: np.ndarray = (stored >= self.blank[0]) & (stored <= self.blank[1])
        return empty


@dataclass(frozen=True)
class Planes:
    """Which axes of an array are rows, columns and channels of pictures; along the others there are many of them."""

    shape: tuple[int, ...]
    rows: int
    cols: int
    channels: int | None = None
    flipped: tuple[bool, bool] = (False, False)
    """Rows, columns: stored the other way round than they are shown."""

    @property
    def lead(self) -> list[int]:
        """Axes along which there are pictures, in the order of the array."""
        return [axis for axis in range(len(self.shape)) if axis not in (self.rows, self.cols, self.channels)]

    def __len__(self) -> int:
        return math.prod(self.shape[axis] for axis in self.lead)

    @property
    def size(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        return self.shape[self.rows], self.shape[self.cols], 1 if self.channels is None else self.shape[self.channels]

    def view(self, array: np.ndarray, number: int) -> np.ndarray:
        """Return a picture, (H, W, C), as a view into `array`."""
        at = dict(zip(self.lead, np.unravel_index(number, [self.shape[axis] for axis in self.lead]), strict=True))
        plane = array[tuple(at.get(axis, slice(None)) for axis in range(len(self.shape)))]
        left = [axis for axis in range(len(self.shape)) if axis not in at]
        order = [left.index(axis) for axis in (self.rows, self.cols, self.channels) if axis is not None]
        plane = plane.transpose(order)[:: -1 if self.flipped[0] else 1, :: -1 if self.flipped[1] else 1]
        return plane if plane.ndim == 3 else plane[..., None]


def planes_of(shape: Sequence[int], slices: str, *, first: int = 0) -> tuple[Planes, str, tuple[str, ...]]:
    """Return the planes of an array (…, H, W) or (…, H, W, C), the axis that a volume is cut along, and what to say of that.

    `first`: the axis that is taken where nobody says. Raises `GantoolError` for an axis that there is not.
    """
    shape = tuple(shape)
    colours = len(shape) > 2 and shape[-1] in COLOURS and min(shape[-3:-1]) > max(COLOURS)
    spatial = list(range(len(shape) - colours))
    channels = len(shape) - 1 if colours else None
    if len(spatial) != 3 or shape[spatial[0]] == 1:
        return Planes(shape, spatial[-2], spatial[-1], channels), "", ()
    axis = first if slices == AUTO else axis_of(slices, 3)
    rows, cols = (one for one in spatial if one != axis)
    return Planes(shape, rows, cols, channels), str(axis), (sliced(axis, shape),)


def axis_of(slices: str, count: int) -> int:
    """Return the number of an axis. Raises `GantoolError`."""
    if slices not in map(str, range(count)):
        raise GantoolError(f"--slices {slices}: it is {AUTO}, or an axis from 0 to {count - 1}")
    return int(slices)


def sliced(axis: int, shape: Sequence[int]) -> str:
    """Say along which axis a volume is cut."""
    size = "x".join(map(str, shape))
    return f"volumes such as {size} are cut along axis {axis}, {shape[axis]} slices; --slices takes another"


class ArrayPictures(PictureFile):
    """Pictures that are planes of arrays of one type."""

    def __init__(
        self, path: Path, dtype: np.dtype, size: tuple[int, int, int], *, array: str, slices: str = "", scale: Scale | None = None
    ) -> None:
        """Raises `GantoolError` for numbers that are no values."""
        if dtype.kind not in "buif":
            raise GantoolError(f"{path} holds {dtype}, which are no values of pictures: convert it to floats")
        self.path, self.dtype, self.array, self.slices = path, dtype, array, slices
        self._scale = scale or Scale()
        kept = dtype.kind in "bu" and dtype.itemsize <= 2 and self._scale.plain
        self._form = Form(*size, f"uint{max(8, 8 * dtype.itemsize)}" if kept else "float32")

    @property
    def form(self) -> Form:
        return self._form

    def scale(self, number: int) -> Scale:
        """Return how the numbers of a picture become values."""
        del number
        return self._scale

    def read(self, number: int) -> np.ndarray:
        plane, scale = self.plane(number), self.scale(number)
        if self._form.dtype != "float32" or scale.plain:
            return np.ascontiguousarray(plane, dtype=self._form.dtype)
        values = np.empty(plane.shape, np.float32)
        for row in range(0, len(plane), _BAND):
            values[row : row + _BAND] = scale.values(plane[row : row + _BAND])
        return values

    def stored(self, number: int) -> np.ndarray:
        plane, scale = self.plane(number), self.scale(number)
        if plane.dtype.kind == "b":
            return np.ascontiguousarray(plane, dtype=np.uint8)
        if not scale.plain:
            # Ids that went through a scale come back as 7.004; those that it moved by whole numbers are exact.
            values = scale.values(plane)
            whole = np.rint(values)
            if bool((np.abs(values - whole) <= min(_MOST, max(_WHOLE, abs(scale.slope)))).all()):
                return np.ascontiguousarray(whole, dtype=np.int64)
        return np.ascontiguousarray(plane, dtype=plane.dtype.newbyteorder("="))

    def rewritten(self, pictures: Mapping[int, np.ndarray]) -> bytes:
        patch = self.patch()
        for number, pixels in sorted(pictures.items()):
            plane, before, scale = patch.plane(number), self.read(number), self.scale(number)
            # In bands of rows: what float64 takes of a large frame is more than the frame.
            bands = (slice(row, row + _BAND) for row in range(0, len(plane), _BAND))
            if sum(self._change(plane[rows], before[rows], pixels[rows], scale) for rows in bands):
                patch.put(number, plane)
        return patch.finish()

    def limits(self) -> tuple[float, float]:
        """Return the lowest and the highest number that can be stored."""
        if self.dtype.kind == "b":
            return 0, 1
        info = np.iinfo(self.dtype) if self.dtype.kind in "ui" else np.finfo(self.dtype)
        return float(info.min), float(info.max)

    def _change(self, plane: np.ndarray, before: np.ndarray, after: np.ndarray, scale: Scale) -> bool:
        """Write new values into a writable plane where they differ from those before; return whether any does."""
        changed = (after != before) & ~np.isnan(before) if before.dtype.kind == "f" else after != before
        old = plane[changed]
        # The change is added to what is stored, which may be finer than the float32 that the network saw.
        values = scale.values(old) + (after[changed].astype(np.float64) - before[changed])
        new = (values - scale.offset) / scale.slope
        new = (np.rint(new) if plane.dtype.kind in "bui" else new).clip(*self.limits())
        # Nothing becomes the number that says "no value".
        plane[changed] = np.where(scale.empty(new), old, new).astype(plane.dtype)
        return bool(changed.any())

    @abstractmethod
    def plane(self, number: int) -> np.ndarray:
        """Return a picture, (H, W, C), as it is stored: any byte order, not to be written to."""

    @abstractmethod
    def patch(self) -> Patch:
        """Return a copy of the file that is changed plane by plane."""


class Patch:
    """The bytes of a file, with the array in them that is changed in place."""

    def __init__(self, data: bytearray, array: np.ndarray, planes: Planes) -> None:
        """`array`: a view into `data`."""
        self.data, self._array, self._planes = data, array, planes

    def plane(self, number: int) -> np.ndarray:
        """Return a picture that can be written to, (H, W, C)."""
        return self._planes.view(self._array, number)

    def put(self, number: int, plane: np.ndarray) -> None:
        """Store a picture, which `plane` returned, after it was written to."""

    def finish(self) -> bytes:
        """Return the file."""
        return bytes(self.data)


def array_in(
    data: bytearray | bytes | np.ndarray, dtype: np.dtype, shape: Sequence[int], offset: int, order: str = "C"
) -> np.ndarray:
    """Return an array that lies in bytes, as a view."""
    found = np.frombuffer(data, dtype, math.prod(shape), offset)
    return found.reshape(tuple(shape), order=order)  # type: ignore[call-overload,no-any-return]
