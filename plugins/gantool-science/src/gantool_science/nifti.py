"""NIfTI: voxels are read and written where they lie; the header, its extensions and the scale stay byte for byte."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from gantool.data.formats.picture_format import PictureFormat
from gantool.data.picture_files import AUTO
from gantool.errors import MissingExtra

from .files import contents, packed
from .pictures import ArrayPictures, Patch, Planes, Scale, array_in, axis_of, sliced

_THICKER = 1.2
"""Slices are taken along the axis of the thickest voxels, if these are so many times as thick as others."""


class Nifti(PictureFormat):
    """Volumes, cut into slices."""

    def open_file(self, path: Path, *, array: str, slices: str) -> ArrayPictures:
        """Read the header."""
        del array
        try:
            import nibabel
        except ImportError:
            raise MissingExtra(f"reading {path}", "nibabel", "nifti", of="gantool-science") from None
        return _Volume(path, nibabel.load(path), nibabel.orientations, slices)


class _Volume(ArrayPictures):
    def __init__(self, path: Path, image: Any, orientations: Any, slices: str) -> None:
        header, proxy = image.header, image.dataobj
        dtype, shape = header.get_data_dtype(), tuple(proxy.shape)
        self._offset, self._lead = int(proxy.offset), 0
        if dtype.names:  # RGB and RGBA: bytes of one voxel follow each other
            shape, dtype, self._lead = (len(dtype.names), *shape), np.dtype(np.uint8), 1
        self._planes, cut = self._cut(shape, header.get_zooms(), _directions(image, orientations), slices)
        # The header of an opened image says NaN: what was read is with the data.
        scale = Scale(float(proxy.slope), float(proxy.inter))
        super().__init__(path, dtype, self._planes.size, array="volume", slices=cut, scale=scale)
        self.notes = (sliced(int(cut), shape[self._lead :]),) if cut else ()
        self.notes += _disagreement(image, orientations)
        self._shape, self._data = shape, contents(path)

    def _cut(self, shape: tuple[int, ...], zooms: Any, out: list[tuple[int, int]], slices: str) -> tuple[Planes, str]:
        """Return planes that show patients upright: from left to right, the higher or the front end up."""
        spatial = [axis + self._lead for axis in range(min(3, len(shape) - self._lead))]
        flat = [axis for axis in spatial if shape[axis] == 1] if len(spatial) == 3 else []
        if len(spatial) < 3:
            left, cut = spatial, ""
        else:
            axis = flat[-1] - self._lead if flat else _thickest(zooms[:3]) if slices == AUTO else axis_of(slices, 3)
            left, cut = [one for one in spatial if one != axis + self._lead], "" if flat else str(axis)
        cols, rows = sorted(left, key=lambda one: out[one - self._lead][0])
        flipped = out[rows - self._lead][1] > 0, out[cols - self._lead][1] < 0
        vector = len(shape) == 5 and shape[4] in (3, 4) and not self._lead
        return Planes(shape, rows, cols, 0 if self._lead else 4 if vector else None, flipped), cut

    def __len__(self) -> int:
        return len(self._planes)

    def plane(self, number: int) -> np.ndarray:
        return self._planes.view(self.array_of(self._data), number)

    def array_of(self, data: Any) -> np.ndarray:
        """Return the voxels in the bytes of the file."""
        return array_in(data, self.dtype, self._shape, self._offset, "F")

    def patch(self) -> Patch:
        data = bytearray(contents(self.path))
        return _NiftiPatch(data, self.array_of(data), self._planes, self.path)


class _NiftiPatch(Patch):
    def __init__(self, data: bytearray, array: np.ndarray, planes: Planes, path: Path) -> None:
        super().__init__(data, array, planes)
        self._path = path

    def finish(self) -> bytes:
        return packed(self._path, super().finish())


def _thickest(zooms: Any) -> int:
    """Return the axis of the thickest voxels; the last one, where they are about as thick in all directions."""
    sizes = [float(size) for size in zooms]
    axis = int(np.argmax(sizes))
    others = sorted(sizes)[1]
    return axis if sizes[axis] > _THICKER * others else 2


def _directions(image: Any, orientations: Any) -> list[tuple[int, int]]:
    """Return, of each axis, which of left-right, back-front and down-up it follows, and whether in that direction (1) or not."""
    found = orientations.io_orientation(image.affine)
    if np.isnan(found).any():  # a header without a place in space
        return [(axis, 1) for axis in range(3)]
    return [(int(axis), int(sign)) for axis, sign in found]


def _disagreement(image: Any, orientations: Any) -> tuple[str, ...]:
    """Say where the two affines of a header orient the axes differently: programs then show it differently."""
    (q, q_code), (s, s_code) = image.get_qform(coded=True), image.get_sform(coded=True)
    if not (q_code > 0 and s_code > 0):
        return ()
    by_q, by_s = ("".join(map(str, orientations.aff2axcodes(one))) for one in (q, s))
    return (f"its qform says {by_q} and its sform {by_s}: the sform is taken, other programs may not",) if by_q != by_s else ()
