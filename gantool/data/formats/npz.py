"""Images in a NumPy .npz file."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import numpy as np

from ...errors import GantoolError, cause
from ..images import Form, LazyArrays, first_of_each, row_names
from ..locations import Location, open_binary
from ..samples import Sample
from .arrays import (
    ArrayContainer,
    ArrayFormat,
    ArrayRewriter,
    Spec,
    as_image,
    as_stored,
    choose_images,
    image_form,
    label_arrays,
    label_names,
)
from .base import InOrder, Rewriter, Target


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
    """The images of an .npz file. The file is compressed, so they are all held in memory."""

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
            raise GantoolError(f"cannot read {path}: {cause(error)}") from None
        self.names: Sequence[str] = row_names(self.name, len(self.array))
        self.labels: Mapping[str, np.ndarray] = LazyArrays(label_names(specs, self.key, len(self.array)), self._read)

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, index: int) -> np.ndarray:
        return as_image(self.array[index], self.names[index])

    def all_forms(self) -> list[Form]:
        """Form of each image."""
        return [image_form(self.array.shape[1:], self.array.dtype)] * len(self)

    def forms(self) -> Mapping[Form, int]:
        return first_of_each(self.all_forms())

    def _read(self, key: str) -> np.ndarray:
        with open_binary(self.path) as stream, np.load(stream, allow_pickle=False) as file:
            array: np.ndarray = file[key]
        return array


class NpzContainer(ArrayContainer):
    """An .npz file that is refined."""

    @cached_property
    def images(self) -> NpzImages:
        return NpzImages(self.place)

    @contextmanager
    def rewrite(self, target: Target) -> Iterator[Rewriter]:
        """Copy all other arrays byte for byte."""
        old = self.images.array
        shape = (len(old), *(target.size or old.shape[1:3]), *old.shape[3:])
        header = {"descr": np.lib.format.dtype_to_descr(old.dtype), "fortran_order": False, "shape": shape}
        with (
            open_binary(self.place) as stream,
            zipfile.ZipFile(stream) as original,
            zipfile.ZipFile(target.temporary, "w") as copy,
        ):
            members = original.infolist()
            at = [member.filename for member in members].index(f"{self.images.key}.npy")
            _copy(members[:at], original, copy)
            order = InOrder[np.ndarray]()
            with copy.open(_like(members[at]), "w", force_zip64=True) as out:
                np.lib.format.write_array_header_1_0(out, header)

                def store(number: int, image: np.ndarray) -> None:
                    for ready in order.add(number, image):
                        out.write(as_stored(ready, shape[1:], old.dtype).tobytes())

                yield ArrayRewriter(self.images, len(members) - 1, store)
            _copy(members[at + 1 :], original, copy)


class Npz(ArrayFormat):
    """Arrays of one file: one of the images, the others of labels."""

    container = NpzContainer

    def open(self, place: Location) -> NpzImages:
        return NpzImages(place.text)

    def write(self, target: Path, samples: Iterable[Sample], _per_part: int, /) -> int:
        """Write `images` and an array per label; images must be alike. All are held in memory, as by those who read .npz."""
        images, labels = label_arrays(samples)
        kinds = {("x".join(map(str, image.shape)), str(image.dtype)) for image in images}
        if len(kinds) > 1:
            (a, of_a), (b, of_b) = sorted(kinds)[:2]
            raise GantoolError(
                f"an .npz file holds images of one kind, but there are {a} {of_a} and {b} {of_b}: convert to .h5 or shards"
            )
        with target.open("wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, array in {**labels, "images": np.stack(images)}.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, array, allow_pickle=False)
        return len(images)


def _like(member: zipfile.ZipInfo) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(member.filename, member.date_time)
    entry.compress_type = member.compress_type
    return entry


def _copy(members: Iterable[zipfile.ZipInfo], original: zipfile.ZipFile, copy: zipfile.ZipFile) -> None:
    for member in members:
        with original.open(member) as data, copy.open(_like(member), "w", force_zip64=True) as out:
            shutil.copyfileobj(data, out)
