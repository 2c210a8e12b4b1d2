"""Hugging Face data sets as `Dataset.save_to_disk` writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import GantoolError, MissingExtra
from .arrays import IMAGE_NAMES, column_array
from .decoding import cause, probe_bytes, read_bytes
from .images import Form, ImageReadError, LazyArrays, RowNames, first_of_each
from .writing import write_file


def is_saved_dataset(folder: Path) -> bool:
    """Return whether `save_to_disk` wrote a folder."""
    return (folder / "dataset_dict.json").is_file() or all(
        (folder / file).is_file() for file in ("state.json", "dataset_info.json")
    )


def splits(folder: Path) -> list[Path]:
    """Return the folder of each split, or, where there are none, the folder itself. Raises `GantoolError`."""
    path = folder / "dataset_dict.json"
    try:
        return [folder / name for name in json.loads(path.read_text("utf-8"))["splits"]] if path.is_file() else [folder]
    except (OSError, ValueError, KeyError) as error:
        raise GantoolError(f"cannot read {path}: {cause(error)}") from None


def data_files(folder: Path) -> list[Path]:
    """Return the files of a split that hold its rows, in order. Raises `GantoolError`."""
    path = folder / "state.json"
    try:
        names = [found["filename"] for found in json.loads(path.read_text("utf-8"))["_data_files"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise GantoolError(f"cannot read {path}: {cause(error)}") from None
    if any(Path(name).name != name for name in names):
        raise GantoolError(f"{path} names files in other folders: gantool will not follow it")
    return [folder / name for name in names]


def write_state(folder: Path, files: Sequence[str], *, fingerprint: str, like: Mapping[str, Any] | None = None) -> None:
    """Write the file that makes a folder a saved data set; it comes last. `like`: the state of the set it was made from."""
    plain: dict[str, Any] = {
        "_format_columns": None,
        "_format_kwargs": {},
        "_format_type": None,
        "_output_all_columns": False,
        "_split": None,
    }
    state = {**plain, **(like or {}), "_data_files": [{"filename": file} for file in files], "_fingerprint": fingerprint}
    write_file(folder / "state.json", json.dumps(state, indent=2, sort_keys=True).encode())


def load_saved(path: Path) -> tuple[Any, str]:
    """Return a saved data set and its column of images. Raises `GantoolError`, and `MissingExtra` without `datasets`."""
    try:
        import datasets
    except ImportError:
        raise MissingExtra(f"reading {path}", "datasets", "datasets") from None
    try:
        found = datasets.load_from_disk(str(path))
    # Whatever is wrong with the files comes out as it likes.
    except Exception as error:
        raise GantoolError(f"cannot read {path}: {cause(error)}") from None
    columns = [name for name, feature in found.features.items() if isinstance(feature, datasets.Image)]
    named = [name for name in columns if name.lower() in IMAGE_NAMES]
    if 1 not in (len(named), len(columns)):
        raise GantoolError(f"{path} has {len(columns)} columns of images among {', '.join(found.features)}: name one `image`")
    return found, (named if len(named) == 1 else columns)[0]


class HubImages:
    """The images of a saved data set, which stays on the disk. See `images.Images`."""

    def __init__(self, path: Path) -> None:
        """Raises `GantoolError`: several splits, no column of images, damaged. And `MissingExtra` without `datasets`."""
        self.name = str(path)
        first, *_ = splits(path)
        if first != path:
            raise GantoolError(f"{path} has splits: give one of them, such as {first}")
        found, self._column = load_saved(path)
        import datasets

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
        return column_array(list(self._rows[name]))
