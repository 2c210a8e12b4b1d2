"""Refining the images of Parquet files into files of the same schema; all other columns are copied."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from ..data.decoding import probe_bytes
from ..data.images import Form, ImageReadError
from ..data.parquet.layout import damage, encoded_images, image_column, open_parquet, parquet_files
from .columns import ImageColumn
from .job import Job
from .parts import Kind, PartReport, part_targets, refine_parts
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
                refined = ImageColumn(job, table.column(place), partial(_name, source, first), report).refine()
                table = table.set_column(place, schema.field(place), refined)
                writer.write_table(table.replace_schema_metadata(schema.metadata), row_group_size=max(1, len(table)))
                first += len(table)
        report.copied = len(schema) - 1
    return report


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
