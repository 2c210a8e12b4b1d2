"""Sets of every format as a sequence of samples: an image and its labels."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import cv2
import numpy as np

from ..errors import GantoolError
from .decoding import read_bytes, swap_red_and_blue
from .images import Images


@dataclass(frozen=True, kw_only=True)
class Sample:
    """An image and what belongs to it."""

    key: str
    """Relative path without suffix."""
    name: str
    """For messages."""
    suffix: str = ""
    """Of the image's file, such as ".png"; "" where it is stored as pixels."""
    encoded: bytes = b""
    array: np.ndarray | None = None
    """(H, W, C), where there is no file."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Label files by suffix, such as "json"."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """Label values by name."""

    def pixels(self) -> np.ndarray:
        """(H, W, C). Raises `ImageReadError`."""
        return read_bytes(self.encoded, self.name) if self.array is None else self.array

    def image_file(self) -> tuple[str, bytes]:
        """Return suffix and bytes of the image as a file; pixels become PNG, floats TIFF. Raises `GantoolError`."""
        if self.array is None:
            return self.suffix, self.encoded
        suffix = ".tiff" if self.array.dtype.kind == "f" else ".png"
        channels = self.array.shape[2]
        if channels not in (1, 3, 4):
            raise GantoolError(f"{self.name} has {channels} channels, which no image file takes: convert to .npz or .h5")
        _, data = cv2.imencode(suffix, swap_red_and_blue(self.array))
        return suffix, bytes(data)

    def all_files(self) -> dict[str, bytes]:
        """Return the image and its labels as files, by suffix without the dot; values become a JSON file.

        Raises `GantoolError`, also for a key that would lead out of the folder that the files are written into.
        """
        path = PurePosixPath(self.key)
        if path.is_absolute() or ".." in path.parts or not path.name or "\0" in self.key:
            raise GantoolError(f"{self.name}: {self.key!r} is no name that a file can have inside a folder")
        suffix, data = self.image_file()
        files = {suffix[1:]: data, **self.files}
        if self.values:
            kind = "json" if "json" not in files else "values.json"
            files[kind] = json.dumps(self.values, ensure_ascii=False, default=_text).encode()
        return files

    def numbers(self) -> dict[str, Any]:
        """Return label values, those in the JSON file among them. Raises `GantoolError` for a damaged one."""
        try:
            found = json.loads(self.files.get("json", b"{}"))
        except ValueError as error:
            raise GantoolError(f"the JSON file of {self.name} is damaged: {error}") from None
        return {**(found if isinstance(found, dict) else {}), **self.values}


@dataclass(frozen=True)
class Source:
    """A set that is read sample by sample."""

    samples: Iterator[Sample]
    beside: tuple[str, ...] = ()
    """Relative paths of files that belong to no single image."""
    made: Mapping[str, bytes] = field(default_factory=dict)
    """Further such files, by relative path."""


def samples_of(images: Images, key: Callable[[int], str] = "{:08}".format) -> Iterator[Sample]:
    """Yield the images of an open set as pixels, each with its rows of the label arrays; `key` names them by their number."""
    labels = {name: _words(images.labels[name]) for name in images.labels}
    for row in range(len(images)):
        image = images[row]
        rows = {name: column[row] for name, column in labels.items()}
        passes = {name for name, value in rows.items() if value.ndim in (2, 3) and value.shape[:2] == image.shape[:2]}
        files = dict(_pass_file(name, rows[name]) for name in passes)
        values = {name: value.tolist() for name, value in rows.items() if name not in passes}
        yield Sample(key=key(row), name=images.names[row], array=image, values=values, files=files)


def _pass_file(name: str, values: np.ndarray) -> tuple[str, bytes]:
    """Return an array of the picture's size as a file: PNG where that takes it, else .npy."""
    plain = name.replace("/", "_")
    if values.dtype in (np.uint8, np.uint16) and (values.ndim == 2 or values.shape[2] in (1, 3, 4)):
        image = values if values.ndim == 3 else values[..., None]
        return f"{plain}.png", bytes(cv2.imencode(".png", swap_red_and_blue(image))[1])
    file = io.BytesIO()
    np.save(file, values)
    return f"{plain}.npy", file.getvalue()


def _words(column: np.ndarray) -> np.ndarray:
    """HDF5 stores words as bytes."""
    return np.char.decode(column, "utf-8", "replace") if column.dtype.kind == "S" else column


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
