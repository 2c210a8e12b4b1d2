"""Images in an HDF5 file: one array of all of them, or a group with one data set per image."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import GantoolError, MissingExtra, cause
from ..images import Form, ImageReadError, LazyArrays, first_of_each, row_names
from ..locations import Location, is_remote, open_binary
from ..samples import Sample, Source, samples_of
from .arrays import (
    IMAGE_NAMES,
    ArrayContainer,
    ArrayFormat,
    ArrayRewriter,
    Spec,
    as_image,
    as_stored,
    choose_images,
    image_form,
    is_image_shape,
    label_arrays,
    label_names,
)
from .base import Rewriter, Target

_CHUNK_CACHE = 64 * 2**20
"""Bytes; the default of 1 MiB makes HDF5 decompress a chunk again for each of its rows."""


def open_h5(path: Any, mode: str = "r") -> Any:
    """Open an h5py.File: a path, a URL, or a binary file. Raises `GantoolError`, and `MissingExtra` without h5py."""
    try:
        import h5py
    except ImportError:
        raise MissingExtra(f"reading {path}", "h5py", "data") from None
    try:
        return h5py.File(open_binary(path) if is_remote(path) else path, mode, rdcc_nbytes=_CHUNK_CACHE)
    except OSError as error:
        raise GantoolError(f"cannot open {path}: {cause(error)}") from None


class Hdf5Images:
    """The images of an HDF5 file."""

    def __init__(self, path: Path | str) -> None:
        """`path`: a URL, too, where fsspec knows the protocol. Raises `GantoolError`, and `MissingExtra` without h5py."""
        self.path = path
        self.name = str(path)
        self._file: Any = None
        self._owner = 0
        with open_h5(path) as file:
            specs = read_specs(file)
            group = _image_group(file, specs)
            self.key = choose_images(specs, self.name) if group is None else ""
            """Name of the array of all images; "" where there is one data set per image."""
            members = [] if group is None else [f"{group}/{name}".lstrip("/") for name in file[group or "/"]]
        self.members: list[str] = members
        """Names of the data sets of single images; none where one array holds them all."""
        # One per image, or the one of the array of all images.
        self._specs = [specs[name] for name in (self.key and [self.key]) or self.members]
        self._rows = self._specs[0].shape[0] if self.key else len(self.members)
        self.names: Sequence[str] = (
            row_names(f"{path}:{self.key}", self._rows) if self.key else [f"{path}:{name}" for name in self.members]
        )
        self.labels: Mapping[str, np.ndarray] = LazyArrays(label_names(specs, self.key, self._rows), self._read)

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, index: int) -> np.ndarray:
        index = range(self._rows)[index]
        try:
            file = self._open()
            row = file[self.key][index] if self.key else file[self.members[index]][()]
        except OSError as error:
            raise ImageReadError(self.names[index], cause(error)) from None
        return as_image(row, self.names[index])

    def block(self, start: int, stop: int) -> list[np.ndarray]:
        """Images `start` to `stop`: from one array many times as fast as one by one. Raises as `images.Images`."""
        if not self.key:
            return [self[index] for index in range(start, stop)]
        try:
            rows = self._open()[self.key][start:stop]
        except OSError as error:
            raise ImageReadError(self.names[start], cause(error)) from None
        return [as_image(row, self.names[index]) for index, row in enumerate(rows, start)]

    def label_row(self, name: str, index: int) -> np.ndarray:
        """Return a row of a label array, without the others."""
        row: np.ndarray = np.asarray(self._open()[name][index])
        return row

    def all_forms(self) -> list[Form]:
        """Form of each image."""
        if self.key:
            # The first axis of an array of images counts them.
            return [image_form(self._specs[0].shape[1:], self._specs[0].dtype)] * len(self)
        return [image_form(spec.shape, spec.dtype) for spec in self._specs]

    def forms(self) -> Mapping[Form, int]:
        return first_of_each(self.all_forms())

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_file": None}

    def _open(self) -> Any:
        # A handle that a forked loader process inherits shares its file position with the parent's.
        if self._file is None or self._owner != os.getpid():
            self._file, self._owner = open_h5(self.path), os.getpid()
        return self._file

    def _read(self, name: str) -> np.ndarray:
        with open_h5(self.path) as file:
            array: np.ndarray = file[name][()]
        return array


class Hdf5Container(ArrayContainer):
    """An HDF5 file that is refined."""

    @cached_property
    def images(self) -> Hdf5Images:
        return Hdf5Images(self.place)

    @contextmanager
    def rewrite(self, target: Target) -> Iterator[Rewriter]:
        """Keep groups, attributes and links.

        The file is made anew rather than copied and changed: an array can be a view of another file (external or virtual),
        and what is written into it would end up there.
        """
        key, members = self.images.key, self.images.members
        with open_h5(self.place) as original, open_h5(target.temporary, "w") as copy:
            axis = 1 if key else 0
            images = {name: original[name].shape for name in ([key] if key else members)}
            if target.size:
                images = {name: (*shape[:axis], *target.size, *shape[axis + 2 :]) for name, shape in images.items()}
            _copy_all_but(images, original, copy)
            array = copy[key] if key else None

            def store(number: int, image: np.ndarray) -> None:
                if array is not None:
                    array[number] = as_stored(image, array.shape[1:], array.dtype)
                else:
                    single = copy[members[number]]
                    single[...] = as_stored(image, single.shape, single.dtype)

            yield ArrayRewriter(self.images, len(read_specs(original)) - len(images), store)


class Hdf5(ArrayFormat):
    """Arrays of one file, or a group of one data set per image."""

    container = Hdf5Container

    def open(self, place: Location) -> Hdf5Images:
        return Hdf5Images(place.text)

    def samples(self, images: Hdf5Images) -> Source:
        """Data sets of single images lend them their names."""
        keys = [name.rpartition("/")[2] for name in images.members]
        return Source(samples_of(images, keys.__getitem__) if keys else samples_of(images))

    def write(self, target: Path, samples: Iterable[Sample], _per_part: int, /) -> int:
        """Write `images` (or, where sizes differ, a group `images` of one data set each) and an array per label."""
        images, labels = label_arrays(samples)
        with open_h5(target, "w") as file:
            if len({(image.shape, image.dtype) for image in images}) == 1:
                file.create_dataset("images", data=np.stack(images), chunks=(1, *images[0].shape), compression="gzip")
            else:
                for number, image in enumerate(images):
                    file.create_dataset(f"images/{number:08}", data=image, compression="gzip")
            for name, label in labels.items():
                try:
                    file.create_dataset(name, data=np.char.encode(label, "utf-8") if label.dtype.kind == "U" else label)
                except (ValueError, TypeError) as error:  # "" and "a" beside "a/b", say
                    raise GantoolError(f"labels {name!r} cannot be stored in {target.name}: {cause(error)}") from None
        return len(images)


def rewrite_h5(path: Path, target: Any, arrays: Mapping[str, np.ndarray]) -> None:
    """Write a file (a path, or a file to write) as that at `path`, with other values in some data sets, of another size, too.

    Raises `GantoolError`, also for a link into another file, and `MissingExtra`.
    """
    with open_h5(path) as original, open_h5(target, "w") as copy:
        read_specs(original)
        _copy_all_but({name: array.shape for name, array in arrays.items()}, original, copy)
        for name, array in arrays.items():
            copy[name][...] = array


def read_specs(file: Any) -> dict[str, Spec]:
    """Return shape and type of each data set, by its full name without the leading slash.

    Raises `GantoolError` where data lie in another file, which whoever wrote this one may have chosen; virtual data sets alone
    may lead to HDF5 files beside it.
    """
    import h5py

    specs: dict[str, Spec] = {}

    def add(name: str, item: Any) -> None:
        if getattr(item, "shape", None) is not None:
            _check_inside(file, name, item)
            specs[name] = Spec(item.shape, item.dtype)
        for own in item if isinstance(item, h5py.Group) else ():
            link = item.get(own, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                raise _outside(file, f"{name}/{own}", link.filename)

    add("", file)
    file.visititems(add)
    return specs


def _check_inside(file: Any, name: str, item: Any) -> None:
    for stored, *_ in item.external or ():
        raise _outside(file, name, stored)
    folder = Path(file.filename).parent.resolve()
    for source in item.virtual_sources() if item.is_virtual else ():
        if source.file_name != "." and (folder / source.file_name).resolve().parent != folder:
            raise _outside(file, name, source.file_name)


def _outside(file: Any, name: str, other: object) -> GantoolError:
    return GantoolError(
        f"{file.filename}: {name} is a link into another file, {other}, which gantool does not follow: put the data in its "
        "place, or remove it"
    )


def _image_group(file: Any, specs: Mapping[str, Spec]) -> str | None:
    """Return the group that holds one data set per image, or None where one array holds them all."""
    members: dict[str, list[Spec]] = {}
    for name, spec in specs.items():
        members.setdefault(name.rpartition("/")[0], []).append(spec)
    groups = [
        name
        for name, found in members.items()
        if len(found) == len(file[name or "/"]) and all(is_image_shape(spec.shape) and spec.dtype.kind in "uif" for spec in found)
    ]
    named = [name for name in groups if name.rpartition("/")[2].lower() in IMAGE_NAMES]
    if named:
        return named[0]
    # (H, W, C) arrays with a wide last axis would pass for stacks of grey images; stacks are the commoner of the two.
    stacks = any(len(spec.shape) == 4 or (len(spec.shape) == 3 and spec.shape[2] > 4) for spec in specs.values())
    return groups[0] if len(groups) == 1 and not stacks else None


def _copy_all_but(made: Mapping[str, tuple[int, ...]], source: Any, target: Any, prefix: str = "") -> None:
    """Copy everything into the empty group `target`, but for data sets that are made of another shape, without values."""
    import h5py

    _copy_attributes(source, target)
    for name in source:
        path = prefix + name
        if isinstance(source.get(name, getlink=True), h5py.SoftLink):
            target[name] = source.get(name, getlink=True)
        elif path in made:
            old, shape = source[name], made[path]
            # Chunks and limits of another shape need not fit.
            other = {} if shape == old.shape else {"maxshape": None, "chunks": True if old.chunks else None}
            _copy_attributes(old, target.create_dataset_like(name, old, shape=shape, **other))
        elif any(image.startswith(f"{path}/") for image in made):
            _copy_all_but(made, source[name], target.create_group(name), f"{path}/")
        else:
            source.copy(name, target)


def _copy_attributes(source: Any, target: Any) -> None:
    import h5py

    for name in source.attrs:
        dtype = source.attrs.get_id(name).dtype
        # References point into the old file.
        if dtype.kind != "O" or h5py.check_string_dtype(dtype):
            target.attrs.create(name, source.attrs[name], dtype=dtype)
