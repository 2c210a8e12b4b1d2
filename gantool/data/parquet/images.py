"""Parquet files with random access, and their row groups as chunks of a stream."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..arrays import column_array
from ..decoding import probe_bytes, read_bytes
from ..images import Form, ImageReadError, LazyArrays, RowNames, first_of_each
from .layout import damage, encoded_images, image_column, open_parquet, parquet_files

_GROUPS = 4
"""Row groups that are kept in memory: reading one row means reading its group."""


class ParquetImages:
    """The images of Parquet files, in order. See `images.Images`.

    Each row that is read costs its row group, unless that was read lately: to train on more than memory holds, stream.
    """

    def __init__(self, place: str) -> None:
        """Raises `GantoolError`, also where files differ in columns, and `MissingExtra`."""
        self.name = place
        self.files = parquet_files(place)
        self._groups: list[tuple[str, int]] = []
        rows: list[int] = []
        for file in self.files:
            with open_parquet(file) as opened:
                self.column = image_column(opened.schema_arrow, file)
                self._schema = opened.schema_arrow
                for group in range(opened.num_row_groups):
                    self._groups.append((file, group))
                    rows.append(opened.metadata.row_group(group).num_rows)
        self._ends = np.cumsum(rows, dtype=np.int64)
        self.names: Sequence[str] = RowNames(place, len(self))
        self.labels: Mapping[str, np.ndarray] = LazyArrays(self._label_columns(), self._read_column)
        self._cache: OrderedDict[int, list[bytes | None]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def __getitem__(self, index: int) -> np.ndarray:
        return read_bytes(self.encoded(index), self.names[index])

    def block(self, start: int, stop: int) -> list[np.ndarray]:
        """Images `start` to `stop`. Raises as `images.Images`."""
        return [self[index] for index in range(start, stop)]

    def forms(self) -> Mapping[Form, int]:
        """See `images.Images.forms`."""
        return first_of_each(probe_bytes(self.encoded(index), self.names[index]) for index in range(len(self)))

    def encoded(self, index: int) -> bytes:
        """Return the file of an image as it is stored. Raises `ImageReadError` for an empty place, `GantoolError`."""
        index = range(len(self))[index]
        group = int(np.searchsorted(self._ends, index, side="right"))
        data = self._load(group)[index - (int(self._ends[group - 1]) if group else 0)]
        if data is None:
            raise ImageReadError(self.names[index], "the table holds no image there")
        return data

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_cache": OrderedDict(), "_lock": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()

    def _load(self, group: int) -> list[bytes | None]:
        with self._lock:
            if group in self._cache:
                self._cache.move_to_end(group)
            else:
                self._cache[group] = read_group(*self._groups[group], self.column)
                if len(self._cache) > _GROUPS:
                    self._cache.popitem(last=False)
            return self._cache[group]

    def _label_columns(self) -> list[str]:
        import pyarrow as pa

        def fits(kind: Any) -> bool:
            if pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
                return fits(kind.value_type)
            return bool(
                pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind) or pa.types.is_string(kind)
            )

        return [field.name for field in self._schema if field.name != self.column and fits(field.type)]

    def _read_column(self, name: str) -> np.ndarray:
        values: list[Any] = []
        for file in self.files:
            with open_parquet(file) as opened, damage(file):
                values += opened.read(columns=[name]).column(0).to_pylist()
        return column_array(values)


def read_group(file: str, group: int, column: str) -> list[bytes | None]:
    """Return the encoded images of a row group. Raises `GantoolError`."""
    with open_parquet(file) as opened, damage(file):
        return encoded_images(opened.read_row_group(group, columns=[column]).column(0))


class RowGroup:
    """The images of a row group, encoded in memory. See `chunks.Chunk`."""

    def __init__(self, file: str, group: int, column: str) -> None:
        self._name = f"{file}, row group {group}"
        # Places without an image are no images of the stream.
        self._images = [data for data in read_group(file, group, column) if data is not None]

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> np.ndarray:
        return read_bytes(self._images[index], f"{self._name}[{index}]")


def row_groups(place: str) -> Iterator[tuple[str, int, str]]:
    """Yield file, number and image column of each row group. Raises `GantoolError`."""
    for file in parquet_files(place):
        with open_parquet(file) as opened:
            column = image_column(opened.schema_arrow, file)
            yield from ((file, group, column) for group in range(opened.num_row_groups))
