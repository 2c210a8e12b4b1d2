"""What files of arrays have in common: which array holds the images, and how rows become images and labels."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import ClassVar, Protocol

import numpy as np

from ...errors import GantoolError
from .. import IMAGE_SUFFIXES
from ..decoding import read_stored
from ..frames import PassForm
from ..images import Form, Images
from ..label_passes import LabelPasses
from ..locations import Location
from ..samples import Sample
from .base import Container, Item, Rewriter, StorageFormat

IMAGE_NAMES = ("image", "images")


@dataclass(frozen=True)
class Spec:
    """Shape and type of a stored array."""

    shape: tuple[int, ...]
    dtype: np.dtype


def choose_images(arrays: Mapping[str, Spec], file: str) -> str:
    """Return the name of the array that holds the images: `image` or `images`, or the only one that looks like images.

    Raises `GantoolError` where there is none or more than one.
    """
    named = [name for name in arrays if name.rpartition("/")[2].lower() in IMAGE_NAMES]
    candidates = (
        [name for name in named if not _problem(arrays[name])]
        or named
        or [name for name, spec in arrays.items() if _looks_like_images(spec)]
    )
    if len(candidates) != 1:
        have = ", ".join(f"{name} {_describe(spec)}" for name, spec in arrays.items()) or "nothing"
        found = f"{len(candidates)} arrays that could be the images" if candidates else "no array of images"
        raise GantoolError(f"{file} has {found} ({have}): name one `images`, of shape (N, H, W) or (N, H, W, C)")
    problem = _problem(arrays[candidates[0]])
    if problem:
        raise GantoolError(f"{file}: {candidates[0]} {_describe(arrays[candidates[0]])} {problem}")
    return candidates[0]


def label_names(arrays: Mapping[str, Spec], images: str, rows: int) -> list[str]:
    """Return the names of the arrays that have a row per image, other than the images and Python objects."""
    return [n for n, spec in arrays.items() if n != images and spec.shape[:1] == (rows,) and spec.dtype.kind != "O"]


def image_form(shape: tuple[int, ...], dtype: np.dtype) -> Form:
    """Return the form of an image that is stored with `shape` (H, W) or (H, W, C) and `dtype`."""
    kind = "float32" if dtype.kind == "f" else "uint16" if dtype.kind == "u" and dtype.itemsize == 2 else "uint8"
    return Form(shape[0], shape[1], shape[2] if len(shape) == 3 else 1, kind)


def as_image(row: np.ndarray, name: str) -> np.ndarray:
    """(H, W) or (H, W, C) of any stored type to (H, W, C) uint8, uint16 or float32.

    Integers other than these must lie in 0 to 255. Raises `GantoolError`, which calls the image `name`.
    """
    image = row if row.ndim == 3 else row[..., None]
    if image.dtype.kind == "f":
        return np.ascontiguousarray(image, dtype=np.float32)
    if image.dtype.kind == "u" and image.itemsize <= 2:
        return np.ascontiguousarray(image, dtype=image.dtype.newbyteorder("="))
    if image.size and (image.min() < 0 or image.max() > 255):
        raise GantoolError(
            f"{name} is {image.dtype} with values from {image.min()} to {image.max()}: store it as uint8, uint16 or float"
        )
    return np.ascontiguousarray(image, dtype=np.uint8)


def as_stored(image: np.ndarray, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Undo `as_image`: (H, W, C) to the rank of `shape` and to `dtype`."""
    return image.reshape(image.shape[: len(shape)]).astype(dtype, copy=False)


def is_image_shape(shape: tuple[int, ...]) -> bool:
    """Return whether (H, W) or (H, W, C) can be one image: rows of points or angles are narrower."""
    return (len(shape) == 2 and min(shape) > 4) or (len(shape) == 3 and min(shape[:2]) > 4 and shape[2] <= 4)


def _looks_like_images(spec: Spec) -> bool:
    # (N, K, 2) and the like are points, not images four pixels wide.
    return spec.dtype.kind in "uif" and (
        (len(spec.shape) == 3 and spec.shape[2] > 4) or (len(spec.shape) == 4 and min(spec.shape[1:]) >= 1)
    )


def _problem(spec: Spec) -> str:
    """Return what keeps an array from being images, or ""."""
    if spec.dtype.kind not in "uif":
        return "cannot be images: store them as uint8, uint16 or float"
    if len(spec.shape) not in (3, 4) or min(spec.shape[1:]) < 1:
        return "is not of shape (N, H, W) or (N, H, W, C)"
    if len(spec.shape) == 4 and spec.shape[1] <= 4 and spec.shape[3] > 16:
        return "looks like (N, C, H, W): transpose it to (N, H, W, C)"
    if len(spec.shape) == 3 and spec.shape[2] <= 4:
        return "looks like one image (H, W, C): give it a first axis, (1, H, W, C)"
    return ""


def _describe(spec: Spec) -> str:
    return f"{'x'.join(map(str, spec.shape)) or 'single'} {spec.dtype}"


class ArrayImages(Images, Protocol):
    """Images that are arrays."""

    def all_forms(self) -> list[Form]:
        """Form of each image."""


@dataclass(frozen=True)
class StoredArray:
    """An image that is an array."""

    pixels: np.ndarray
    format: str = "an array"

    def encode(self, pixels: np.ndarray) -> np.ndarray:
        """Leave the type and the axes to where the array goes."""
        return pixels


class ArrayContainer(Container):
    """A file of arrays: whoever reads it finds an image in every row."""

    gapless = counted = True

    @cached_property
    def images(self) -> ArrayImages:
        """The images, open. Raises `GantoolError`."""
        raise NotImplementedError

    @property
    def labels(self) -> int:
        return len(self.images.labels)

    @property
    def passes(self) -> Mapping[str, PassForm]:
        return LabelPasses(self.images).passes

    def count(self) -> int:
        return len(self.images)

    def forms(self) -> list[Form]:
        return self.images.all_forms()


class ArrayFormat(StorageFormat):
    """A file of arrays of images and labels."""

    divisible = False
    only_arrays = True
    container: ClassVar[type[ArrayContainer]]

    def recognises(self, place: Location) -> bool:
        """Return whether a name says so. A folder of such files is no set."""
        return place.named(self.record.suffixes)

    def containers(self, place: Location) -> Sequence[Container]:
        return [self.container(place.text, place.relative(place.text))]


class ArrayRewriter(Rewriter):
    """Gives the images of a file of arrays, and each new one to `store` with its number."""

    def __init__(self, images: ArrayImages, copied: int, store: Callable[[int, np.ndarray], None]) -> None:
        self._images, self.copied, self._store = images, copied, store

    def items(self) -> Iterator[Item]:
        passes = LabelPasses(self._images)
        for number, form in enumerate(self._images.all_forms()):
            name, read = self._images.names[number], partial(self._read, number)
            yield Item(number, name, form, read, str(number), passes.passes, partial(passes.read_pass, number))

    def put(self, item: Item, stored: np.ndarray) -> None:
        self._store(item.number, stored)

    def _read(self, number: int) -> StoredArray:
        return StoredArray(self._images[number])


def _passes_of(sample: Sample) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the passes among the label files of a sample, by their names: `depth.png`, `normals.npy`."""
    for kind, data in sample.files.items():
        name, _, suffix = kind.rpartition(".")
        if name and f".{suffix}" in IMAGE_SUFFIXES:
            yield name, _plane(read_stored(data, f"{sample.name}: {kind}"))
        elif name and suffix == "npy":
            array = np.load(io.BytesIO(data), allow_pickle=False)
            if array.dtype.names is None:
                yield name, array


def _plane(pixels: np.ndarray) -> np.ndarray:
    return pixels[..., 0] if pixels.shape[2] == 1 else pixels


def label_arrays(samples: Iterable[Sample]) -> tuple[list[np.ndarray], dict[str, np.ndarray]]:
    """Return pixels, and label arrays: passes, values, and the numbers in JSON files that all have.

    Raises `GantoolError`, also for passes that no array holds.
    """
    images, rows, passes = [], [], []
    for sample in samples:
        images.append(_plane(sample.pixels()))
        rows.append(sample.numbers())
        passes.append(dict(_passes_of(sample)))
    labels = {}
    for name in dict.fromkeys(name for row in passes for name in row):
        kinds = {"none" if name not in row else f"{'x'.join(map(str, row[name].shape))} {row[name].dtype}" for row in passes}
        if len(kinds) > 1:
            raise GantoolError(
                f"passes called {name!r} differ ({' and '.join(sorted(kinds)[:2])}), and one array holds those of one kind: "
                "convert to shards, to Parquet or to a folder"
            )
        labels[name] = np.stack([row[name] for row in passes])
    for name in rows[0] if rows else []:
        try:
            array = np.array([row.get(name) for row in rows])
        except ValueError:  # lists of different lengths
            continue
        if array.dtype.kind not in "biufU":
            continue
        if name.partition("/")[0] == "images" or (array.ndim > 2 and name.rpartition("/")[2].lower() in IMAGE_NAMES):
            raise GantoolError(f"labels are called {name!r}, which is how arrays of images are found: rename them")
        labels[name] = array
    return images, labels
