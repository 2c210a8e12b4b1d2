"""CSV and Parquet tables with a column of image names."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ...errors import MissingExtra
from .model import Fits, ImageIndex, Problem, Size, Sizes, Tally, by, outside
from .objects import AnnotatedObject

SUFFIXES = (".csv", ".parquet")
_COLUMNS = ("file_name", "filename", "image", "image_path", "image_name", "file", "path", "name")
"""Columns that may hold image names, in the order they are tried (in any case)."""
_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_PROBE_ROWS = 100


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table. Raises `ValueError` for a damaged one, `MissingExtra`."""
    if path.suffix.lower() == ".csv":
        try:
            text = path.read_bytes().decode("utf-8-sig")
            yield from csv.DictReader(io.StringIO(text, newline=""))
        except (UnicodeDecodeError, csv.Error) as error:
            raise ValueError(f"cannot be read as CSV: {error}") from None
        return
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise MissingExtra(f"reading {path}", "pyarrow", "data") from None
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches():
                yield from batch.to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"cannot be read as Parquet: {error}") from None


def image_column(rows: Iterable[dict[str, Any]], index: ImageIndex, file: str) -> str | None:
    """Return the column whose first values name images, or None."""
    first = [row for _, row in zip(range(_PROBE_ROWS), rows, strict=False)]
    if not first:
        return None
    columns = {str(column).lower(): column for column in first[0]}
    for wanted in _COLUMNS:
        column = columns.get(wanted)
        if column is not None and any(index.find(row.get(column), file) for row in first):
            return str(column)
    return None


class Tables:
    """The tables of a folder. See `model.Annotations`."""

    format = "table"
    follows_size = False

    def __init__(self, root: Path, files: dict[str, str], index: ImageIndex) -> None:
        self.files: Sequence[str] = tuple(files)
        self._root, self._columns, self._index = root, files, index

    def tally(self) -> Tally:
        tally = Tally()
        for file in self.files:
            for _, image in self._rows(file):
                tally.objects += 1
                tally.images |= {image} if image else set()
        return tally

    def objects(self, sizes: Sizes) -> dict[str, list[AnnotatedObject]]:  # noqa: ARG002 - it knows of none
        return {}

    def check(self, sizes: Sizes) -> Iterator[Problem]:
        for file in self.files:
            try:
                for number, (row, image) in enumerate(self._rows(file), 1):
                    if image is None:
                        yield Problem(file, f"row {number}: image {row.get(self._columns[file])} is not there")
                    elif wrong := _check_box(row, sizes(image)):
                        yield Problem(file, f"row {number}: {wrong}")
            except ValueError as error:
                yield Problem(file, str(error))

    def scaled(self, file: str, data: bytes, sizes: Sizes, fits: Fits) -> bytes:  # noqa: ARG002
        """Which columns are pixels is not known."""
        return data

    def unknown(self, file: str, data: bytes) -> Sequence[str]:  # noqa: ARG002
        first = next(read_rows(self._root / file), {})
        return [str(column) for column, value in first.items() if column != self._columns[file] and _is_number(value)]

    def _rows(self, file: str) -> Iterator[tuple[dict[str, Any], str | None]]:
        for row in read_rows(self._root / file):
            yield row, self._index.find(row.get(self._columns[file]), file)


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _check_box(row: dict[str, Any], size: Size | None) -> str:
    columns = {str(column).lower(): value for column, value in row.items()}
    if size is None or not all(columns.get(corner) not in (None, "") for corner in _CORNERS):
        return ""
    try:
        left, top, right, bottom = (float(columns[corner]) for corner in _CORNERS)
    except (ValueError, TypeError):
        return "its box is not four numbers"
    return f"its box reaches out of the image of {by(size)}" if outside([(left, top), (right, bottom)], size) else ""
