"""Classes of pixels: an image of numbers for each picture."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from ...data.encoding import as_png
from ...errors import GantoolError
from .pictures import Picture, check_names

UNKNOWN = 255
"""Of pixels that have no class."""


class Masks:
    """`masks/NAME.png` and `classes.json`, a list of names. See `exchange.Exchange`.

    Args:
        classes: Names, at most 255, in the order of the task's numbers.
    """

    name = "masks"
    predictions = "masks"

    def __init__(self, classes: Sequence[str]) -> None:
        self._classes = list(classes)

    def write(self, folder: Path, pictures: Sequence[Picture], targets: Sequence[np.ndarray]) -> None:
        """(H, W) numbers of classes, negative where there is none."""
        (folder / "masks").mkdir()
        for picture, row in zip(pictures, targets, strict=True):
            numbers = np.where(np.asarray(row) < 0, UNKNOWN, row).astype(np.uint8)
            (folder / "masks" / picture.name).write_bytes(as_png(numbers[..., None]))
        (folder / "classes.json").write_text(json.dumps(self._classes), encoding="utf-8")

    def read(self, folder: Path, pictures: Sequence[Picture]) -> list[np.ndarray]:
        """(H, W) int16 of each."""
        place = folder / self.predictions
        names = sorted(path.name for path in place.iterdir()) if place.is_dir() else []
        check_names(names, pictures, self.predictions, "a PNG of its name")
        return [self._mask(place / picture.name, picture) for picture in pictures]

    def _mask(self, path: Path, picture: Picture) -> np.ndarray:
        where, mask = f"{self.predictions}/{path.name}", cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if mask is None or mask.ndim != 2:
            raise GantoolError(f"{where} is no PNG of one channel")
        if mask.shape != picture.size:
            sizes = ["x".join(map(str, size)) for size in (mask.shape, picture.size)]
            raise GantoolError(f"{where} is {sizes[0]}, its picture {sizes[1]}")
        if (highest := int(mask.max())) >= len(self._classes):
            raise GantoolError(f"{where} has the value {highest}, and classes are 0 to {len(self._classes) - 1}")
        return mask.astype(np.int16)
