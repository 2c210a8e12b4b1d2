"""What tables with a column of encoded images have in common: bytes, or Hugging Face's struct of `bytes` and `path`."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ...errors import GantoolError, MissingExtra, cause
from ..images import Images
from ..samples import Sample
from .arrays import IMAGE_NAMES
from .base import Item, Rewriter, encoded_item

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS = 256
"""Rows that are written at a time."""
_KEY = "key"
_TEXTS = ("json", "txt", "xml", "csv", "cls")
_SUFFIXES = {b"\xff\xd8": ".jpg", b"BM": ".bmp", b"II": ".tiff", b"MM": ".tiff", b"RI": ".webp"}
"""By the first two bytes of an image file; others are PNG."""


@contextmanager
def damage(place: str) -> Iterator[None]:
    """Turn what pyarrow raises for a damaged file into `GantoolError`."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise GantoolError(f"cannot read {place}: {cause(error)}") from None


def image_column(schema: pa.Schema, place: str) -> str:
    """Return the column of images. Raises `GantoolError` where there is none, or more than one."""
    fitting: list[str] = [found.name for found in schema if _is_bytes(found.type) or _is_struct(found.type)]
    named = [name for name in fitting if name.lower() in IMAGE_NAMES]
    structs: list[str] = [found.name for found in schema if found.name in fitting and _is_struct(found.type)]
    for candidates in (named, structs, fitting):
        if len(candidates) == 1:
            return candidates[0]
    have = ", ".join(f"{found.name} ({found.type})" for found in schema)
    what = f"{len(fitting)} columns that could be the images" if fitting else "no column of image bytes"
    raise GantoolError(f"{place} has {what} ({have}): name one `image`")


def encoded_images(column: Any) -> list[bytes | None]:
    """Return the bytes in a column (or a part of one)."""
    if _is_struct(column.type):
        return [None if value is None else value["bytes"] for value in column.to_pylist()]
    values: list[bytes | None] = column.to_pylist()
    return values


def column_array(values: list[Any]) -> np.ndarray:
    """Return the values of a column, of which some may be missing: as NaN or ""; what is no array becomes words."""
    try:
        array = np.array(values)
    except ValueError:  # lists of different lengths
        return np.array([str(value) for value in values])
    if array.dtype.kind != "O":
        return array
    present = next((value for value in values if value is not None), "")
    if isinstance(present, str):
        return np.array(["" if value is None else value for value in values])
    empty = np.full(np.shape(present), np.nan)
    try:
        return np.array([empty if value is None else value for value in values], dtype=float)
    except (ValueError, TypeError):  # structs, or lists of different lengths
        return np.array([str(value) for value in values])


class TableImages(Images, Protocol):
    """Images in a column of a table."""

    def encoded(self, index: int) -> bytes:
        """Return the file of an image."""

    def beside(self) -> Iterator[Mapping[str, Any]]:
        """Yield the other columns of bytes, and those of text files, row by row."""


def files_in(schema: pa.Schema, images: str) -> list[str]:
    """Return the columns, other than that of the images, that hold files: bytes, structs of an image, or a text file."""
    names: list[str] = [
        found.name
        for found in schema
        if _is_bytes(found.type) or _is_struct(found.type) or found.name.rpartition(".")[2] in _TEXTS
    ]
    return [name for name in names if name != images]


def table_samples(images: TableImages) -> Iterator[Sample]:
    """Yield the rows of a table, under their names in a column `key`, where it has one."""
    labels: dict[str, np.ndarray] = {name: images.labels[name] for name in images.labels}
    keys = labels.get(_KEY)
    named = keys is not None and keys.dtype.kind == "U" and len(set(keys.tolist())) == len(keys) and all(keys.tolist())
    for row, columns in enumerate(images.beside()):
        data = images.encoded(row)
        files = dict(_file(name, value) for name, value in columns.items() if value is not None)
        values = {name: column[row].tolist() for name, column in labels.items() if name not in columns}
        key = str(values.pop(_KEY)) if named else f"{row:08}"
        suffix = _SUFFIXES.get(data[:2], ".png")
        yield Sample(key=key, name=images.names[row], suffix=suffix, encoded=data, values=values, files=files)


def _file(name: str, value: Any) -> tuple[str, bytes]:
    data = value.encode() if isinstance(value, str) else value["bytes"] if isinstance(value, dict) else value
    is_named = "." in name or name in _TEXTS
    return (name if is_named else f"{name}{_SUFFIXES.get(data[:2], '.png')}"), data or b""


def tables_of(samples: Iterable[Sample], target: Path) -> Iterator[pa.Table]:
    """Yield tables of one schema: a column `image` as Hugging Face has it, `key`, and one per value and kind of label file.

    Raises `GantoolError`, and `MissingExtra`: `target` needs pyarrow.
    """
    try:
        import pyarrow as pa
    except ImportError:
        raise MissingExtra(f"writing {target}", "pyarrow", "data") from None
    count, left, schema = 0, iter(samples), None
    while rows := [_row(sample) for sample in islice(left, _ROWS)]:
        try:
            table = pa.Table.from_pylist(rows, schema=schema)
        except (pa.ArrowException, TypeError) as error:
            raise GantoolError(f"labels change their type between samples {count} and {count + len(rows)}: {error}") from None
        if schema is None:
            features = {"info": {"features": {"image": {"_type": "Image"}}}}
            schema = table.schema.with_metadata({"huggingface": json.dumps(features)})
        yield table.replace_schema_metadata(schema.metadata)
        count += len(rows)


@dataclass
class _Waiting:
    """A table of which some images have yet to come."""

    table: pa.Table
    first: int
    """Number of its first row."""
    left: int
    images: dict[int, bytes] = field(default_factory=dict)


class TableRewriter(Rewriter):
    """Reads table after table and writes each when all of its images are there; the place of a missing one stays empty (null)."""

    def __init__(
        self, place: str, schema: pa.Schema, column: str, tables: Iterable[pa.Table], write: Callable[[pa.Table], None]
    ) -> None:
        self.copied = len(schema) - 1
        self._place, self._tables, self._write = place, tables, write
        self._at = schema.get_field_index(column)
        self._field = schema.field(self._at)
        self._waiting: deque[_Waiting] = deque()

    def items(self) -> Iterator[Item]:
        first = 0
        for table in self._tables:
            before = encoded_images(table.column(self._at))
            self._waiting.append(_Waiting(table, first, len(before) - before.count(None)))
            for number, data in enumerate(before, first):
                if data is not None:
                    yield encoded_item(number, f"{self._place}[{number}]", data)
            first += len(table)
            self._release()

    def put(self, item: Item, stored: bytes | None) -> None:
        owner = next(waiting for waiting in self._waiting if item.number < waiting.first + len(waiting.table))
        owner.left -= 1
        if stored is not None:
            owner.images[item.number - owner.first] = stored
        self._release()

    def _release(self) -> None:
        while self._waiting and not self._waiting[0].left:
            done = self._waiting.popleft()
            self._write(done.table.set_column(self._at, self._field, self._filled(done)))

    def _filled(self, done: _Waiting) -> pa.ChunkedArray:
        import pyarrow as pa

        values: list[Any] = [done.images.get(row) for row in range(len(done.table))]
        if _is_struct(self._field.type):
            others = done.table.column(self._at).to_pylist()
            values = [value and {**other, "bytes": value} for value, other in zip(values, others, strict=True)]
        return pa.chunked_array([pa.array(values, self._field.type)])


def _row(sample: Sample) -> dict[str, Any]:
    suffix, data = sample.image_file()
    files: dict[str, Any] = {}
    for kind, content in sample.files.items():
        try:
            files[kind] = content.decode()
        except UnicodeDecodeError:
            files[kind] = content
    if "image" in {*sample.values, *files}:
        raise GantoolError(f"{sample.name} has a label 'image', which is the name of the column of images: rename it")
    base = sample.key.rpartition("/")[2]
    return {"key": sample.key, "image": {"bytes": data, "path": f"{base}{suffix}"}, **sample.values, **files}


def _is_struct(kind: Any) -> bool:
    """Return whether a type is Hugging Face's struct of an image."""
    import pyarrow as pa

    return bool(pa.types.is_struct(kind)) and any(_is_bytes(found.type) and found.name == "bytes" for found in kind)


def _is_bytes(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))
