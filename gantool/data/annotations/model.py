"""What every format of annotations offers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Protocol

from ..geometry import Fit

if TYPE_CHECKING:
    from .objects import AnnotatedObject

Size = tuple[int, int]
"""(height, width) in pixels."""
Sizes = Callable[[str], Size | None]
Fits = Callable[[Size], Fit]
"""From the size of an image to what happens to it."""
"""Size of the image of that relative path, from its header; None where it cannot be read."""

TOLERANCE = 1.0
"""Pixels that a box or point may lie outside: formats count from 0 or from 1, and edges or centres of pixels."""


@dataclass(frozen=True)
class Problem:
    """Something in the annotations that does not fit."""

    file: str
    """Relative path of the annotation file, or of the image."""
    text: str

    def __str__(self) -> str:
        return f"{self.file}: {self.text}"


@dataclass
class Tally:
    """What annotations hold, in figures."""

    images: set[str] = field(default_factory=set)
    """Relative paths of the images that are annotated."""
    objects: int = 0
    classes: Counter[str] = field(default_factory=Counter)


class Annotations(Protocol):
    """The annotation files of one kind in a folder."""

    format: str
    """Such as "COCO"."""
    follows_size: bool
    """Whether they are still true for resized images, once `scaled`."""

    @property
    def files(self) -> Sequence[str]:
        """Relative paths of the files that belong to it."""

    def tally(self) -> Tally:
        """Count. What cannot be read counts as nothing: `check` names it."""

    def objects(self, sizes: Sizes) -> dict[str, list[AnnotatedObject]]:
        """Return the objects of every image that is annotated, maybe none, by its relative path. Raises `ValueError`."""

    def check(self, sizes: Sizes) -> Iterator[Problem]:
        """Yield what is wrong, file by file."""

    def scaled(self, file: str, data: bytes, sizes: Sizes, fits: Fits) -> bytes:
        """Return the content `data` of `file` for images of these `sizes`, of which `fits` says what happens to them.

        What is cut off is left out. Raises `ValueError`.
        """

    def unknown(self, file: str, data: bytes) -> Sequence[str]:
        """Return names of numbers that `scaled` leaves as they are because nobody knows whether they are pixels."""


class ImageIndex:
    """Finds images by the names that annotation files call them."""

    def __init__(self, images: Iterable[str]) -> None:
        self.images = tuple(images)
        self._known = frozenset(self.images)
        self._by_base: dict[str, list[str]] = {}
        self._by_stem: dict[str, list[str]] = {}
        for image in self.images:
            self._by_base.setdefault(image.rpartition("/")[2], []).append(image)
            self._by_stem.setdefault(image.rpartition(".")[0], []).append(image)

    def find(self, name: object, beside: str) -> str | None:
        """Return the relative path of the image `name`, as the annotation file `beside` calls it, or None.

        Tried are the folder of that file, the root, then the image whose path ends alike (base names must be unique), and at
        last the same path with another suffix.
        """
        if not isinstance(name, str) or not name:
            return None
        plain = name.replace("\\", "/")
        for folder in (beside.rpartition("/")[0], ""):
            path = _normal(f"{folder}/{plain}" if folder and not plain.startswith("/") else plain)
            if path in self._known:
                return path
        same_base = self._by_base.get(plain.rpartition("/")[2], [])
        ends = [image for image in same_base if f"/{image}".endswith("/" + _normal(plain).lstrip("/"))]
        candidates = ends or same_base or self._with_another_suffix(plain, beside)
        return candidates[0] if len(candidates) == 1 else None

    def _with_another_suffix(self, name: str, beside: str) -> list[str]:
        """BlenderProc lists .jpg where it writes .png."""
        stem, folder = name.rpartition(".")[0], beside.rpartition("/")[0]
        tries = (_normal(f"{folder}/{stem}" if folder else stem), _normal(stem)) if stem else ()
        return next((found for path in tries if (found := self._by_stem.get(path))), [])


def fit_of(before: Size | None, fits: Fits, *, image: object) -> Fit:
    """Return what happens to one image. Raises `ValueError` where it cannot be read, or is smaller than the crop."""
    if before is None:
        raise ValueError(f"image {image} cannot be read, so what annotates it cannot be scaled")
    return fits(before)


def outside(points: Iterable[tuple[float, float]], size: Size) -> bool:
    """Return whether a point (x, y) lies outside an image by more than the tolerance."""
    height, width = size
    return any(
        not (-TOLERANCE <= x <= width + TOLERANCE and -TOLERANCE <= y <= height + TOLERANCE) for x, y in points
    )  # NaN is outside, too


def numbers(value: Any) -> list[float] | None:
    """Return a JSON list of numbers, or None for anything else."""
    if isinstance(value, list) and all(isinstance(item, int | float) and not isinstance(item, bool) for item in value):
        return value
    return None


def by(size: Size) -> str:
    """`"35x55"`, height first."""
    return f"{size[0]}x{size[1]}"


def _normal(path: str) -> str:
    """Resolve `.` and `..` without looking at the disk."""
    parts: list[str] = []
    for part in PurePosixPath(path).parts:
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return str(PurePosixPath(*parts))
