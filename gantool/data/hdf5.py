"""Images in an HDF5 file: one array of all of them, or a group with one data set per image."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import GantoolError, MissingExtra
from .arrays import IMAGE_NAMES, Spec, as_image, choose_images, image_form, is_image_shape, label_names
from .images import Form, ImageReadError, LazyArrays, RowNames, first_of_each
from .locations import is_remote, open_binary

_CHUNK_CACHE = 64 * 2**20
"""Bytes; the default of 1 MiB makes HDF5 decompress a chunk again for each of its rows."""


def open_h5(path: Path | str, mode: str = "r") -> Any:
    """Open an h5py.File, to read also through fsspec. Raises `GantoolError`, and `MissingExtra` without h5py."""
    try:
        import h5py
    except ImportError:
        raise MissingExtra(f"reading {path}", "h5py", "data") from None
    try:
        return h5py.File(open_binary(path) if is_remote(path) else path, mode, rdcc_nbytes=_CHUNK_CACHE)
    except OSError as error:
        raise GantoolError(f"cannot open {path}: {' '.join(str(error).split())}") from None


class Hdf5Images:
    """The images of an HDF5 file. See `images.Images`."""

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
            RowNames(f"{path}:{self.key}", self._rows) if self.key else [f"{path}:{name}" for name in self.members]
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
            raise ImageReadError(self.names[index], " ".join(str(error).split())) from None
        return as_image(row, self.names[index])

    def block(self, start: int, stop: int) -> list[np.ndarray]:
        """Images `start` to `stop`: from one array many times as fast as one by one. Raises as `images.Images`."""
        if not self.key:
            return [self[index] for index in range(start, stop)]
        try:
            rows = self._open()[self.key][start:stop]
        except OSError as error:
            raise ImageReadError(self.names[start], " ".join(str(error).split())) from None
        return [as_image(row, self.names[index]) for index, row in enumerate(rows, start)]

    def all_forms(self) -> list[Form]:
        """Form of each image."""
        if self.key:
            # The first axis of an array of images counts them.
            return [image_form(self._specs[0].shape[1:], self._specs[0].dtype)] * len(self)
        return [image_form(spec.shape, spec.dtype) for spec in self._specs]

    def forms(self) -> Mapping[Form, int]:
        """See `images.Images.forms`."""
        return first_of_each(self.all_forms())

    def write_like(self, target: Path, size: tuple[int, int] | None, images: Iterator[tuple[int, np.ndarray]]) -> int:
        """As `NpzImages.write_like`, with the images in any order; groups, attributes and links are kept."""
        from .hdf5_writing import write_like

        return write_like(self, target, size, images)

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


def read_specs(file: Any) -> dict[str, Spec]:
    """Return shape and type of each data set, by its full name without the leading slash."""
    specs: dict[str, Spec] = {}

    def add(name: str, item: Any) -> None:
        if hasattr(item, "shape") and item.shape is not None:
            specs[name] = Spec(item.shape, item.dtype)

    file.visititems(add)
    return specs


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
