"""Images in a NumPy .npz file."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from ..errors import GantoolError
from .arrays import Spec, as_image, as_stored, choose_images, image_form, label_names
from .images import Form, LazyArrays, RowNames, first_of_each
from .locations import open_binary


def read_specs(file: zipfile.ZipFile) -> dict[str, Spec]:
    """Return shape and type of each array, without reading the arrays."""
    specs = {}
    for member in file.namelist():
        if member.endswith(".npy"):
            with file.open(member) as stream:
                version = np.lib.format.read_magic(stream)
                header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                shape, _, dtype = header(stream)
            specs[member.removesuffix(".npy")] = Spec(shape, dtype)
    return specs


class NpzImages:
    """The images of an .npz file. The file is compressed, so they are all held in memory. See `images.Images`."""

    def __init__(self, path: Path | str) -> None:
        """`path`: a URL, too, where fsspec knows the protocol."""
        self.path = path
        self.name = str(path)
        try:
            with open_binary(path) as stream, zipfile.ZipFile(stream) as file:
                specs = read_specs(file)
            self.key = choose_images(specs, self.name)
            self.array = self._read(self.key)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile, NotImplementedError) as error:
            raise GantoolError(f"cannot read {path}: {' '.join(str(error).split())}") from None
        self.names: Sequence[str] = RowNames(self.name, len(self.array))
        self.labels: Mapping[str, np.ndarray] = LazyArrays(label_names(specs, self.key, len(self.array)), self._read)

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, index: int) -> np.ndarray:
        return as_image(self.array[index], self.names[index])

    def all_forms(self) -> list[Form]:
        """Form of each image."""
        return [image_form(self.array.shape[1:], self.array.dtype)] * len(self)

    def forms(self) -> Mapping[Form, int]:
        """See `images.Images.forms`."""
        return first_of_each(self.all_forms())

    def write_like(self, target: Path, size: tuple[int, int] | None, images: Iterator[tuple[int, np.ndarray]]) -> int:
        """Write a file like this one with other images, (H, W, C) each and in order, and return how many arrays were copied.

        `size`: (height, width) of the images where it is not their own. All else is copied byte for byte. Raises OSError.
        """
        stored = self.array.dtype
        shape = (len(self), *(size or self.array.shape[1:3]), *self.array.shape[3:])
        header = {"descr": np.lib.format.dtype_to_descr(stored), "fortran_order": False, "shape": shape}
        with open_binary(self.path) as stream, zipfile.ZipFile(stream) as original, zipfile.ZipFile(target, "w") as copy:
            for info in original.infolist():
                entry = zipfile.ZipInfo(info.filename, info.date_time)
                entry.compress_type = info.compress_type
                with copy.open(entry, "w", force_zip64=True) as out:
                    if info.filename == f"{self.key}.npy":
                        np.lib.format.write_array_header_1_0(out, header)
                        for _, image in images:
                            out.write(as_stored(image, shape[1:], stored).tobytes())
                    else:
                        with original.open(info) as data:
                            shutil.copyfileobj(data, out)
            return len(original.infolist()) - 1

    def _read(self, key: str) -> np.ndarray:
        with open_binary(self.path) as stream, np.load(stream, allow_pickle=False) as file:
            array: np.ndarray = file[key]
        return array
