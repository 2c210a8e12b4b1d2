"""Labels that lie beside the images of a folder: a JSON file per image, or one CSV table."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ..errors import GantoolError, cause
from .formats.folder import FolderImages
from .images import LazyArrays
from .layouts.patterns import split_suffix

D = TypeVar("D")

_NAME_COLUMNS = ("image", "file", "filename", "name", "path")
"""Columns of a table that say which image a row is about; the first column does where there is none of these."""

_MISSING = ("", "-", "?", "na", "n/a", "null", "none")
"""What stands in a cell, in any case, of which the value is not known."""


def with_labels(images: D) -> D:
    """Fill the labels of a folder from `NAME.json` beside each image, else from its only CSV file; or leave them empty.

    Images in any other format bring their labels along. Raises `GantoolError`, one line: an image without a label, a file that
    cannot be read, more than one table.
    """
    if not isinstance(images, FolderImages) or images.labels:
        return images
    others = images.listing.others
    tables = [name for name in others if name.lower().endswith(".csv")]
    if set(others) & {_json_of(file) for file in images.files}:
        images.labels = _from_json(images.root, images.files)
    elif len(tables) > 1:
        raise GantoolError(f"{images.root} has {len(tables)} tables ({', '.join(tables[:3])}): leave the one with the labels")
    elif tables:
        images.labels = _from_table(images.root / tables[0], images.files)
    return images


def _json_of(image: str) -> str:
    return f"{split_suffix(image)[0]}.json"


def _from_json(root: Path, images: Sequence[str]) -> Mapping[str, np.ndarray]:
    rows = [_read_json(root / _json_of(image)) for image in images]
    names = [name for name in rows[0] if all(name in row for row in rows)]

    def read(name: str) -> np.ndarray:
        return _as_array([row[name] for row in rows], f"{root}: {name}")

    return LazyArrays(names, read)


def _read_json(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise GantoolError(f"{file} is missing: other images of the folder have such a file with their labels") from None
    except (OSError, ValueError, RecursionError) as error:
        raise GantoolError(f"cannot read labels {file}: {cause(error)}") from None
    if not isinstance(found, dict):
        raise GantoolError(f"{file} must hold a JSON object of labels")
    return found


def _from_table(table: Path, images: Sequence[str]) -> Mapping[str, np.ndarray]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            rows, columns = list(reader), list(reader.fieldnames or ())
    except (OSError, ValueError, csv.Error) as error:
        raise GantoolError(f"cannot read table {table}: {cause(error)}") from None
    if len(columns) < 2 or len(set(columns)) < len(columns) or any(None in row for row in rows):
        raise GantoolError(
            f"table {table} needs a header with a column of file names and one of labels, each with a name of its own, "
            "and no row that is longer"
        )
    key = next((name for name in columns if name.lower() in _NAME_COLUMNS), columns[0])
    by_name = {row[key]: row for row in rows}
    counts = Counter(row[key] for row in rows)
    missing = [image for image in images if image not in by_name]
    if missing:
        raise GantoolError(f"table {table} has no row for {len(missing)} of {len(images)} images, such as {missing[0]}")
    twice = next((image for image in images if counts[image] > 1), None)
    if twice is not None:
        raise GantoolError(f"table {table} has {counts[twice]} rows for {twice}: leave one")

    def read(name: str) -> np.ndarray:
        values = {image: by_name[image][name] for image in images}
        there = [value for value in values.values() if value.strip().lower() not in _MISSING]
        if there and len(there) < len(values) and _as_array(there, name).dtype.kind != "U":
            blank = next(image for image, value in values.items() if value.strip().lower() in _MISSING)
            raise GantoolError(f"{table}: {name} of {blank} is missing, the others are numbers: fill it in, or remove the image")
        return _as_array(list(values.values()), f"{table}: {name}")

    return LazyArrays([name for name in columns if name != key], read)


def _as_array(values: Sequence[Any], name: str) -> np.ndarray:
    """Numbers where all are numbers, else text. Raises `GantoolError` for rows of different shapes."""
    try:
        array = np.array(values)
        if array.dtype.kind == "U":
            array = array.astype(np.int64 if all(value.lstrip("+-").isdigit() for value in array.flat) else np.float64)
    except ValueError:
        if all(isinstance(value, str) for value in values):
            return np.array(values, dtype=str)
        raise GantoolError(f"{name}: rows differ in shape or are no numbers") from None
    if array.dtype.kind not in "biufU":
        raise GantoolError(f"{name}: values must be numbers or text")
    return array
