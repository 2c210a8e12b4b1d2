"""A JSON or text file per image, of the same name: what it holds is its owner's business, that it is there is checked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .model import ImageIndex, Problem, Size, Sizes, Tally, by, numbers, outside

SUFFIXES = (".json", ".txt")


class Sidecars:
    """The files of one suffix that are called like an image beside them. See `model.Annotations`."""

    follows_size = False

    def __init__(self, root: Path, suffix: str, others: Sequence[str], index: ImageIndex) -> None:
        self.format = f"{suffix[1:].upper()} per image"
        self._root, self._suffix = root, suffix
        self._images = {image.rpartition(".")[0]: image for image in index.images}
        self.files = tuple(file for file in others if file.endswith(suffix) and file.removesuffix(suffix) in self._images)

    def tally(self) -> Tally:
        return Tally(images={self._image(file) for file in self.files}, objects=len(self.files))

    def check(self, sizes: Sizes) -> Iterator[Problem]:
        if self._suffix != ".json":
            return
        for file in self.files:
            try:
                data = json.loads((self._root / file).read_bytes())
            except ValueError as error:
                yield Problem(file, f"is no JSON: {error}")
                continue
            size = sizes(self._image(file))
            if isinstance(data, dict) and size is not None:
                yield from (Problem(file, text) for text in _check_labelme(data, size))

    def scaled(self, file: str, data: bytes, sizes: Sizes, size: Size) -> bytes:  # noqa: ARG002
        """Which of its numbers are pixels is not known."""
        return data

    def _image(self, file: str) -> str:
        return self._images[file.removesuffix(self._suffix)]


def _check_labelme(data: dict[str, Any], size: Size) -> Iterator[str]:
    """Check what LabelMe writes; other files have none of its keys."""
    stated = (data.get("imageHeight", size[0]), data.get("imageWidth", size[1]))
    if stated != size:
        yield f"the image is said to be {stated[0]}x{stated[1]}, but is {by(size)}"
    shapes = data.get("shapes")
    for number, shape in enumerate(shapes if isinstance(shapes, list) else [], 1):
        points = shape.get("points") if isinstance(shape, dict) else None
        pairs = [numbers(point) for point in points] if isinstance(points, list) else []
        if outside([(pair[0], pair[1]) for pair in pairs if pair is not None and len(pair) == 2], size):
            yield f"shape {number} reaches out of the image of {by(size)}"
