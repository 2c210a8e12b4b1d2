"""Refining the images of Parquet files into files of the same schema; all other columns are copied."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ...data.decoding import probe_bytes
from ...data.images import Form, ImageReadError
from ...data.parquet.layout import damage, encoded_images, image_column, is_struct, open_parquet, parquet_files
from .encoded import FileFrame, encode_refined, read_frame
from .job import Job
from .parts import Kind, PartReport, part_targets, refine_parts
from .pipeline import Failed, Pipeline, make_batches
from .report import RefineReport


def refine_parquet(job: Job) -> RefineReport:
    """Refine file by file; each appears when it is whole, and those that are there are skipped. Raises `GantoolError`."""
    if job.validate:
        job.watcher.notice("--validate: images and labels are rows of one file, so there is nothing to check")
    targets = part_targets(job.place, parquet_files(job.place), job.output)
    return refine_parts(job, targets, Kind(_count, _first_form, refine_parquet_file))


def refine_parquet_file(job: Job, source: str, target: Path) -> PartReport:
    """Refine one file into `target`, row group by row group. The place of an image that cannot be refined stays empty (null).

    Raises `GantoolError` for a damaged file, OSError where `target` cannot be written.
    """
    from pyarrow import parquet

    report = PartReport()
    with open_parquet(source) as original:
        schema = original.schema_arrow
        column = image_column(schema, source)
        codec = original.metadata.row_group(0).column(0).compression.lower()
        with parquet.ParquetWriter(target, schema, compression="none" if codec == "uncompressed" else codec) as writer:
            first = 0
            for group in range(original.num_row_groups):
                with damage(source):
                    table = original.read_row_group(group)
                place = schema.get_field_index(column)
                refined = _Column(job, table.column(place), partial(_name, source, first), report).refine()
                table = table.set_column(place, schema.field(place), refined)
                writer.write_table(table.replace_schema_metadata(schema.metadata), row_group_size=max(1, len(table)))
                first += len(table)
        report.copied = len(schema) - 1
    return report


class _Column:
    """The images of a row group on their way."""

    def __init__(self, job: Job, column: Any, name: Callable[[int], str], report: PartReport) -> None:
        """`name` says what the image of a row is called."""
        self._job, self._column, self._name, self._report = job, column, name, report
        self._before = encoded_images(column)

    def refine(self) -> Any:
        """Return the column with refined images in it."""
        after: dict[int, bytes] = {}
        batches = make_batches(self._forms(), self._job.treatment, self._job.batch_size)
        pipeline: Pipeline[int, FileFrame, bytes] = Pipeline(self._read, self._job.network, self._finish, self._job.workers)
        for row, result in pipeline.run(batches):
            if isinstance(result, Failed):
                self._report.failed.append(result)
            else:
                after[row] = result
            self._job.watcher.advance()
        self._report.names += [self._name(row) for row in sorted(after)]
        return self._like(after)

    def _forms(self) -> dict[int, Form]:
        forms: dict[int, Form] = {}
        for row, data in enumerate(self._before):
            try:
                if data is not None:
                    forms[row] = probe_bytes(data, self._name(row))
            except ImageReadError as error:
                self._report.failed.append(Failed(error.name, error.cause))
                self._job.watcher.advance()
        return forms

    def _read(self, row: int) -> FileFrame | Failed:
        return read_frame(self._before[row] or b"", self._job.treatment, self._name(row))

    def _finish(self, row: int, frame: FileFrame, refined: np.ndarray) -> bytes | Failed:
        return encode_refined(frame, refined, self._job.treatment, self._name(row))

    def _like(self, images: dict[int, bytes]) -> Any:
        import pyarrow as pa

        values: list[Any] = [images.get(row) for row in range(len(self._before))]
        if is_struct(self._column.type):
            others = self._column.to_pylist()
            values = [value and {**other, "bytes": value} for value, other in zip(values, others, strict=True)]
        return pa.chunked_array([pa.array(values, self._column.type)])


def _name(file: str, first: int, row: int) -> str:
    return f"{file}[{first + row}]"


def _count(file: str) -> int:
    with open_parquet(file) as opened:
        return int(opened.metadata.num_rows)


def _first_form(file: str) -> Form | None:
    with open_parquet(file) as opened, damage(file):
        column = image_column(opened.schema_arrow, file)
        for batch in opened.iter_batches(batch_size=1, columns=[column]):
            data = encoded_images(batch.column(0))[0]
            try:
                return probe_bytes(data or b"", file)
            except ImageReadError:
                continue
    return None
