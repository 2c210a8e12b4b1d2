"""An HDF5 file like another one, with other images in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .arrays import as_stored
from .hdf5 import open_h5

if TYPE_CHECKING:
    from .hdf5 import Hdf5Images


def write_like(like: Hdf5Images, target: Path, size: tuple[int, int] | None, images: Iterator[tuple[int, np.ndarray]]) -> int:
    """See `Hdf5Images.write_like`.

    The file is made anew rather than copied and changed: an array can be a view of another file (external or virtual),
    and what is written into it would end up there.
    """
    with open_h5(like.path) as original, open_h5(target, "w") as copy:
        copier = _Copier(frozenset([like.key] if like.key else like.members), size, first_axis=1 if like.key else 0)
        copied = copier.copy(original, copy)
        array = copy[like.key] if like.key else None
        for index, image in images:
            if array is not None:
                array[index] = as_stored(image, array.shape[1:], array.dtype)
            else:
                single = copy[like.members[index]]
                single[...] = as_stored(image, single.shape, single.dtype)
    return copied


@dataclass(frozen=True)
class _Copier:
    """Copies everything but the images, whose places are made."""

    images: frozenset[str]
    size: tuple[int, int] | None
    """(height, width) of the new images where it is not their own."""
    first_axis: int
    """The axis of an image array that is its height."""

    def copy(self, source: Any, target: Any, prefix: str = "") -> int:
        """Fill the empty group `target`; returns how many data sets were copied."""
        import h5py

        _copy_attributes(source, target)
        copied = 0
        for name in source:
            path = prefix + name
            if isinstance(source.get(name, getlink=True), h5py.SoftLink):
                target[name] = source.get(name, getlink=True)
            elif path in self.images:
                self._make_place(source[name], target, name)
            elif any(image.startswith(f"{path}/") for image in self.images):
                copied += self.copy(source[name], target.create_group(name), f"{path}/")
            else:
                source.copy(name, target, expand_external=True)
                copied += _count_datasets(target[name])
        return copied

    def _make_place(self, old: Any, target: Any, name: str) -> None:
        axis = self.first_axis
        shape = (*old.shape[:axis], *self.size, *old.shape[axis + 2 :]) if self.size else old.shape
        # Chunks and limits of another shape need not fit.
        other = {} if shape == old.shape else {"maxshape": None, "chunks": True if old.chunks else None}
        _copy_attributes(old, target.create_dataset_like(name, old, shape=shape, **other))


def _copy_attributes(source: Any, target: Any) -> None:
    import h5py

    for name in source.attrs:
        dtype = source.attrs.get_id(name).dtype
        # References point into the old file.
        if dtype.kind != "O" or h5py.check_string_dtype(dtype):
            target.attrs.create(name, source.attrs[name], dtype=dtype)


def _count_datasets(item: Any) -> int:
    if hasattr(item, "shape"):
        return 1
    found: list[str] = []
    item.visititems(lambda name, member: found.append(name) if hasattr(member, "shape") else None)
    return len(found)
