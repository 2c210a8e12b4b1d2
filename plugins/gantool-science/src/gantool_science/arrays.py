"""A .npy or .npz file per sample."""

from __future__ import annotations

import io
import shutil
import zipfile
from functools import cached_property
from pathlib import Path

import numpy as np

from gantool.data.formats.npz import read_specs
from gantool.data.formats.picture_format import PictureFormat
from gantool.data.picture_files import AUTO, NoPicture
from gantool.errors import GantoolError

from .pictures import ArrayPictures, Patch, Planes, array_in, planes_of

WHOLE = "array"
"""What the array of a .npy file is called."""
_NAMES = ("image", "images", "data", "arr_0", "img", "x")


class Arrays(PictureFormat):
    """Arrays of one sample, or of a stack."""

    alone = True

    def claims(self, path: Path) -> bool:
        """Return whether it holds an array that can be pictures: rows of points and words are narrower, or no numbers."""
        try:
            if path.suffix.lower() == ".npz":
                with zipfile.ZipFile(path) as file:
                    return any(_looks(spec.shape, spec.dtype) for spec in read_specs(file).values())
            array = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile):
            return True  # who reads it says why
        return _looks(array.shape, array.dtype)

    def open_file(self, path: Path, *, array: str, slices: str) -> ArrayPictures:
        """Open a file: the header of .npy, the whole array of .npz, which is compressed."""
        return (_Npz if path.suffix.lower() == ".npz" else _Npy)(path, array, slices)


def _looks(shape: tuple[int, ...], dtype: np.dtype) -> bool:
    spatial = shape[:-1] if len(shape) > 2 and shape[-1] <= 4 else shape
    return dtype.kind in "buif" and 2 <= len(spatial) <= 4 and min(spatial[-2:], default=0) > 4


class _Npy(ArrayPictures):
    def __init__(self, path: Path, array: str, slices: str) -> None:
        del array
        self._array = np.load(path, mmap_mode="r", allow_pickle=False)
        if not _looks(self._array.shape, self._array.dtype):
            raise NoPicture(str(path), f"its array is {self._array.shape} {self._array.dtype}")
        self._planes, cut, notes = planes_of(self._array.shape, slices)
        super().__init__(path, self._array.dtype, self._planes.size, array=WHOLE, slices=cut)
        self.notes = notes

    def __len__(self) -> int:
        return len(self._planes)

    def plane(self, number: int) -> np.ndarray:
        return self._planes.view(self._array, number)

    def patch(self) -> Patch:
        data, array = bytearray(self.path.read_bytes()), self._array
        order = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
        return Patch(data, array_in(data, array.dtype, array.shape, array.offset, order), self._planes)


class _Npz(ArrayPictures):
    def __init__(self, path: Path, array: str, slices: str) -> None:
        with zipfile.ZipFile(path) as file:
            specs = read_specs(file)
        name = self._choose(path, array, {name: (spec.shape, spec.dtype) for name, spec in specs.items()})
        self._planes, cut, notes = planes_of(specs[name].shape, slices)
        super().__init__(path, specs[name].dtype, self._planes.size, array=name, slices=cut)
        self.notes = notes

    @staticmethod
    def _choose(path: Path, asked: str, found: dict[str, tuple[tuple[int, ...], np.dtype]]) -> str:
        fit = [name for name, (shape, dtype) in found.items() if _looks(shape, dtype)]
        if asked in found:
            return asked
        have = ", ".join(f"{name} {'x'.join(map(str, shape))} {dtype}" for name, (shape, dtype) in found.items())
        if asked != AUTO:
            raise GantoolError(f"{path} has no array {asked!r}; it has {have}: say another --array")
        if not fit:
            raise NoPicture(str(path), f"it has {have or 'nothing'}")
        named = [name for name in fit if name.lower() in _NAMES]
        if len(named or fit) > 1:
            raise GantoolError(f"{path} has several arrays that could be the picture ({have}): say --array NAME")
        return (named or fit)[0]

    def __len__(self) -> int:
        return len(self._planes)

    @cached_property
    def _array(self) -> np.ndarray:
        with np.load(self.path, allow_pickle=False) as file:
            array: np.ndarray = file[self.array]
        return array

    def plane(self, number: int) -> np.ndarray:
        return self._planes.view(self._array, number)

    def patch(self) -> Patch:
        return _NpzPatch(self.path, self.array, self._array.copy(order="K"), self._planes)


class _NpzPatch(Patch):
    def __init__(self, path: Path, name: str, array: np.ndarray, planes: Planes) -> None:
        super().__init__(bytearray(), array, planes)
        self._path, self._member = path, f"{name}.npy"

    def finish(self) -> bytes:
        """Copy all other members as they are."""
        target = io.BytesIO()
        with zipfile.ZipFile(self._path) as original, zipfile.ZipFile(target, "w") as copy:
            for member in original.infolist():
                entry = zipfile.ZipInfo(member.filename, member.date_time)
                entry.compress_type = member.compress_type
                with copy.open(entry, "w", force_zip64=True) as out, original.open(member) as data:
                    if member.filename == self._member:
                        np.lib.format.write_array(out, self._array, allow_pickle=False)
                    else:
                        shutil.copyfileobj(data, out)
        return target.getvalue()
