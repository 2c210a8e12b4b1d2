"""Some rows of a source of images: those whose labels lie in a range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..errors import GantoolError, nearest
from .conditions import Stored
from .domains import LabelRange
from .formats.arrays import image_form
from .frames import PassForm
from .images import Form, Images, LazyArrays, first_of_each
from .label_files import with_labels


class Rows:
    """The images of a source at `rows`, an ascending (N,) array of positions."""

    def __init__(self, images: Images, rows: np.ndarray) -> None:
        self.name, self._images, self._rows = images.name, images, rows
        self.names: Sequence[str] = [images.names[row] for row in rows]
        self.labels: Mapping[str, np.ndarray] = LazyArrays(list(images.labels), lambda name: images.labels[name][rows])

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def passes(self) -> Mapping[str, PassForm]:
        """Those of the source."""
        return getattr(self._images, "passes", {})

    def read_pass(self, index: int, name: str) -> Stored | None:
        """As the source does."""
        found: Stored | None = self._images.read_pass(int(self._rows[index]), name)  # type: ignore[attr-defined]
        return found

    def __getitem__(self, index: int) -> np.ndarray:
        return self._images[int(self._rows[index])]

    def forms(self) -> Mapping[Form, int]:
        forms = self._images.forms()
        if len(forms) == 1:
            return dict.fromkeys(forms, 0)
        images = (self[index] for index in range(len(self)))
        return first_of_each(image_form(image.shape, image.dtype) for image in images)


def in_range(images: Images, ranges: Mapping[str, LabelRange]) -> Rows:
    """Return the images whose every label named in `ranges` lies within its bounds, which count as inside.

    A range is one (low, high) pair for all columns of a label, or a pair for each. Raises `GantoolError`, one line: no such
    label, one that is not numbers, another number of pairs, no image left.
    """
    images = with_labels(images)
    inside = np.ones(len(images), bool)
    for name, bounds in ranges.items():
        inside &= _inside(images, name, bounds)
    if not inside.any():
        raise GantoolError(f"dataset.label_range leaves none of the {len(images)} images of {images.name}: widen it")
    return Rows(images, np.flatnonzero(inside))


def _inside(images: Images, name: str, bounds: LabelRange) -> np.ndarray:
    """(N,) bool."""
    if name not in images.labels:
        raise GantoolError(
            f"dataset.label_range: no label {name} in {images.name}{nearest(name, images.labels, 'its labels are')}"
        )
    values = np.asarray(images.labels[name])
    if values.dtype.kind not in "biuf" or values.ndim > 2:
        raise GantoolError(f"dataset.label_range: {name} of {images.name} is not one number or a row of numbers per image")
    values = values.reshape(len(images), -1)
    if len(bounds) not in (1, values.shape[1]):
        raise GantoolError(
            f"dataset.label_range: {len(bounds)} pairs for the {values.shape[1]} columns of {name}: give one, or one for each"
        )
    low, high = np.asarray(bounds, float).T
    inside: np.ndarray = ((values >= low) & (values <= high)).all(axis=1)
    return inside
