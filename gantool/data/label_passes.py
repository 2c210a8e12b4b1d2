"""Passes among the label arrays of a set: maps of the pictures' size, told by their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .domains import name_of
from .frames import PassForm
from .layouts.words import pass_of
from .passes import form_of_array


class LabelPasses:
    """A `data.conditions.HasPasses` of any set with `labels`; a row that is no map is no pass.

    Arrays are read whole when one of their rows is first asked for, and row by row where the set has `label_row(name, index)`.
    """

    def __init__(self, images: Any) -> None:
        self._images = images
        self.passes: Mapping[str, PassForm] = {
            name: PassForm(kind) for name in getattr(images, "labels", ()) if (kind := pass_of(name))
        }
        self._held: dict[str, np.ndarray] = {}

    def __len__(self) -> int:
        return len(self._images)

    @property
    def name(self) -> str:
        """Where they are."""
        return name_of(self._images)

    def read_pass(self, index: int, name: str) -> tuple[np.ndarray, PassForm] | None:
        """Return the map of an image, (H, W, C), and what its numbers mean; None where it is none."""
        row = self._row(index, name)
        if row.ndim not in (2, 3) or row.dtype.kind not in "biuf":
            return None
        stored = row if row.ndim == 3 else row[..., None]
        return stored, form_of_array(self.passes[name].kind, stored)

    def _row(self, index: int, name: str) -> np.ndarray:
        read = getattr(self._images, "label_row", None)
        if read is not None:
            found: np.ndarray = read(name, index)
            return found
        if name not in self._held:
            self._held[name] = np.asarray(self._images.labels[name])
        return np.asarray(self._held[name][index])
