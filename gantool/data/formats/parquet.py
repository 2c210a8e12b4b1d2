"""Parquet files with a column of encoded images, as Hugging Face data sets have them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import GantoolError, MissingExtra
from ..chunks import Chunk
from ..decoding import read_bytes
from ..images import Form, ImageReadError, Joined, LazyArrays, row_names
from ..locations import Location, open_binary
from ..samples import Sample, Source
from .base import Container, EncodedImages, Rewriter, StorageFormat, Target, first_form
from .tables import TableRewriter, column_array, damage, encoded_images, files_in, image_column, table_samples, tables_of

if TYPE_CHECKING:
    import pyarrow as pa

_GROUPS = 4
"""Row groups that are kept in memory: reading one row means reading its group."""


@contextmanager
def open_parquet(place: str) -> Iterator[Any]:
    """Open a pyarrow.parquet.ParquetFile. Raises `GantoolError` for a damaged one, `MissingExtra` without pyarrow."""
    try:
        from pyarrow import parquet
    except ImportError:
        raise MissingExtra(f"reading {place}", "pyarrow", "data") from None
    with open_binary(place) as file:
        with damage(place):
            opened = parquet.ParquetFile(file)
        with opened:
            yield opened


class ParquetImages(EncodedImages):
    """The images of Parquet files, in order.

    Each row that is read costs its row group, unless that was read lately: to train on more than memory holds, stream.
    """

    def __init__(self, place: str, files: Sequence[str]) -> None:
        """Raises `GantoolError`, and `MissingExtra`."""
        self.name, self.files = place, files
        self._groups: list[tuple[str, int, str]] = []
        rows: list[int] = []
        labels: list[list[str]] = []
        for file in files:
            with open_parquet(file) as opened:
                column = image_column(opened.schema_arrow, file)
                labels.append([found.name for found in opened.schema_arrow if found.name != column and _is_label(found.type)])
                for group in range(opened.num_row_groups):
                    self._groups.append((file, group, column))
                    rows.append(opened.metadata.row_group(group).num_rows)
        self._joined = Joined(rows)
        self.names: Sequence[str] = row_names(place, len(self))
        shared = [name for name in labels[0] if all(name in others for others in labels)]
        self.labels: Mapping[str, np.ndarray] = LazyArrays(shared, self._read_column)
        self._cached, self._lock = lru_cache(_GROUPS)(read_group), threading.Lock()

    def __len__(self) -> int:
        return len(self._joined)

    def block(self, start: int, stop: int) -> list[np.ndarray]:
        """Images `start` to `stop`. Raises as `images.Images`."""
        return [self[index] for index in range(start, stop)]

    def encoded(self, index: int) -> bytes:
        group, row = self._joined.locate(index)
        with self._lock:  # whoever waits for a group must not read it, too
            data = self._cached(*self._groups[group])[row]
        if data is None:
            raise ImageReadError(self.names[index], "the table holds no image there")
        return data

    def __reduce__(self) -> tuple[type[ParquetImages], tuple[str, Sequence[str]]]:
        return type(self), (self.name, self.files)

    def beside(self) -> Iterator[Mapping[str, Any]]:
        """Yield the other files of each row (see `tables.TableImages`)."""
        for file in self.files:
            with open_parquet(file) as opened:
                names = files_in(opened.schema_arrow, image_column(opened.schema_arrow, file))
                for group in range(opened.num_row_groups):
                    with damage(file):
                        table = opened.read_row_group(group, columns=names)
                    yield from table.to_pylist() if names else [{}] * opened.metadata.row_group(group).num_rows

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
    """The images of a row group, encoded in memory."""

    def __init__(self, file: str, group: int, column: str) -> None:
        self._name = f"{file}, row group {group}"
        # Places without an image are no images of the stream.
        self._images = [data for data in read_group(file, group, column) if data is not None]

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> np.ndarray:
        return read_bytes(self._images[index], f"{self._name}[{index}]")


class ParquetContainer(Container):
    """A Parquet file that is refined."""

    def count(self) -> int:
        with open_parquet(self.place) as opened:
            return int(opened.metadata.num_rows)

    def forms(self) -> list[Form]:
        with open_parquet(self.place) as opened, damage(self.place):
            column = image_column(opened.schema_arrow, self.place)
            batches = opened.iter_batches(batch_size=1, columns=[column])
            return first_form((data for batch in batches for data in encoded_images(batch.column(0))), self.place)

    @contextmanager
    def rewrite(self, target: Target) -> Iterator[Rewriter]:
        """Keep schema, row groups and compression."""
        from pyarrow import parquet

        with open_parquet(self.place) as original:
            schema, groups = original.schema_arrow, original.num_row_groups
            codec = original.metadata.row_group(0).column(0).compression.lower() if groups else "snappy"

            def tables() -> Iterator[pa.Table]:
                for group in range(groups):
                    with damage(self.place):
                        table = original.read_row_group(group)
                    yield table

            compression = "none" if codec == "uncompressed" else codec
            with parquet.ParquetWriter(target.temporary, schema, compression=compression) as writer:

                def write(table: pa.Table) -> None:
                    writer.write_table(table.replace_schema_metadata(schema.metadata), row_group_size=max(1, len(table)))

                yield TableRewriter(self.place, schema, image_column(schema, self.place), tables(), write)


class Parquet(StorageFormat):
    """A table of encoded images and labels, as one file or several of a folder."""

    gathered = True

    def open(self, place: Location) -> ParquetImages:
        return ParquetImages(place.text, self._files(place))

    def chunks(self, place: Location) -> Sequence[Callable[[], Chunk]]:
        """One for each row group."""
        chunks: list[Callable[[], Chunk]] = []
        for file in self._files(place):
            with open_parquet(file) as opened:
                column = image_column(opened.schema_arrow, file)
                chunks += [partial(RowGroup, file, group, column) for group in range(opened.num_row_groups)]
        return chunks

    def samples(self, images: ParquetImages) -> Source:
        return Source(table_samples(images))

    def write(self, target: Path, samples: Iterable[Sample], _per_part: int, /) -> int:
        """Write one file with the columns of `tables_of`."""
        count, writer = 0, None
        try:
            for table in tables_of(samples, target):
                from pyarrow import parquet

                writer = writer or parquet.ParquetWriter(target, table.schema)
                writer.write_table(table)
                count += len(table)
        finally:
            if writer is not None:
                writer.close()
        return count

    def containers(self, place: Location) -> Sequence[ParquetContainer]:
        return [ParquetContainer(file, file.rpartition("/")[2]) for file in self._files(place)]

    def _files(self, place: Location) -> list[str]:
        found = place.ending(self.record.suffixes)
        if not found:
            raise GantoolError(f"no Parquet files in {place}")
        return found


def _is_label(kind: pa.DataType) -> bool:
    """Return whether a column is numbers or words, or lists of them, which become an array."""
    import pyarrow as pa

    if pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
        return _is_label(kind.value_type)
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind) or pa.types.is_string(kind))
