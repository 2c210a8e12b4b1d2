"""A JSON or text file per image, of the same name: what it holds is its owner's business, that it is there is checked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from .model import Fits, ImageIndex, Problem, Sizes, Tally
from .objects import AnnotatedObject
from .placing import unknown

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

    def objects(self, sizes: Sizes) -> dict[str, list[AnnotatedObject]]:  # noqa: ARG002 - it knows of none
        return {}

    def check(self, sizes: Sizes) -> Iterator[Problem]:  # noqa: ARG002
        for file in self.files if self._suffix == ".json" else ():
            try:
                json.loads((self._root / file).read_bytes())
            except ValueError as error:
                yield Problem(file, f"is no JSON: {error}")

    def scaled(self, file: str, data: bytes, sizes: Sizes, fits: Fits) -> bytes:  # noqa: ARG002
        """Which of its numbers are pixels is not known."""
        return data

    def unknown(self, file: str, data: bytes) -> Sequence[str]:
        if not file.endswith(".json"):
            return ["its numbers"] if any(char.isdigit() for char in data.decode("utf-8", "replace")) else []
        found = json.loads(data)
        return sorted(set(unknown([found] if isinstance(found, dict) else [])))

    def _image(self, file: str) -> str:
        return self._images[file.removesuffix(self._suffix)]
