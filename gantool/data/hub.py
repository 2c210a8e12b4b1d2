"""Hugging Face data sets as `Dataset.save_to_disk` writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import GantoolError, MissingExtra
from .decoding import cause, probe_bytes, read_bytes
from .images import Form, ImageReadError, LazyArrays, RowNames, first_of_each


def is_saved_dataset(folder: Path) -> bool:
    """Return whether `save_to_disk` wrote a folder."""
    return (folder / "dataset_dict.json").is_file() or all(
        (folder / file).is_file() for file in ("state.json", "dataset_info.json")
    )


class HubImages:
    """The images of a saved data set, which stays on the disk. See `images.Images`."""

    def __init__(self, path: Path) -> None:
        """Raises `GantoolError`: several splits, no column of images, damaged. And `MissingExtra` without `datasets`."""
        self.name = str(path)
        try:
            import datasets
        except ImportError:
            raise MissingExtra(f"reading {path}", "datasets", "datasets") from None
        splits = path / "dataset_dict.json"
        if splits.is_file():
            names = json.loads(splits.read_text("utf-8"))["splits"]
            raise GantoolError(f"{path} has splits: give one of them, such as {path / names[0]}")
        try:
            found = datasets.load_from_disk(str(path))
        # Whatever is wrong with the files comes out as it likes.
        except Exception as error:
            raise GantoolError(f"cannot read {path}: {cause(error)}") from None
        columns = [name for name, feature in found.features.items() if isinstance(feature, datasets.Image)]
        if len(columns) != 1:
            raise GantoolError(f"{path} has {len(columns)} columns of images among {', '.join(found.features)}: keep one")
        self._column = columns[0]
        self._rows = found.cast_column(self._column, datasets.Image(decode=False))
        self.names: Sequence[str] = RowNames(self.name, len(self))
        labels = [name for name in found.features if name != self._column]
        self.labels: Mapping[str, np.ndarray] = LazyArrays([name for name in labels if self._fits(name)], self._read)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> np.ndarray:
        return read_bytes(self.encoded(index), self.names[index])

    def encoded(self, index: int) -> bytes:
        """Return the file of an image as it is stored. Raises `ImageReadError`."""
        value = self._rows[range(len(self))[index]][self._column]
        # `save_to_disk` puts the files of images into the table.
        if value is None or value["bytes"] is None:
            raise ImageReadError(self.names[index], "the table holds no image there")
        data: bytes = value["bytes"]
        return data

    def forms(self) -> Mapping[Form, int]:
        """See `images.Images.forms`."""
        return first_of_each(probe_bytes(self.encoded(index), self.names[index]) for index in range(len(self)))

    def _fits(self, name: str) -> bool:
        """Return whether a column is numbers or words, which become an array."""
        try:
            return bool(len(self)) and np.array(self._rows[0][name]).dtype.kind in "biufU"
        except ValueError:  # nested lists of different lengths
            return False

    def _read(self, name: str) -> np.ndarray:
        values: list[Any] = list(self._rows[name])
        try:
            return np.array(values)
        except ValueError:
            return np.array([str(value) for value in values])
