"""Refining saved Hugging Face data sets into others of the same features; all other columns are copied."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ..data.decoding import probe_bytes
from ..data.folder import list_files
from ..data.hub import data_files, load_saved, splits, write_state
from ..data.images import Form, ImageReadError
from ..data.parquet.layout import damage, encoded_images
from .columns import ImageColumn
from .job import Job
from .labels import copy_file
from .parts import Kind, PartReport, refine_parts
from .places import writing
from .report import RefineReport

_LAST = ("dataset_dict.json", "state.json")
"""Without these nobody takes a folder for a data set, so they are written when all else is there."""


def refine_hub(job: Job) -> RefineReport:
    """Refine file by file, in all splits; those that are there are skipped. Raises `GantoolError`, `MissingExtra`."""
    if job.validate:
        job.watcher.notice("--validate: images and labels are rows of one table, so there is nothing to check")
    reports = [_refine_split(job, split) for split in splits(job.source)]
    copied = _copy_others(job)
    return RefineReport(
        output=job.output,
        refined=sum(report.refined for report in reports),
        skipped=sum(report.skipped for report in reports),
        skipped_parts=sum(report.skipped_parts for report in reports),
        copied=copied + sum(report.copied for report in reports),
        failed=tuple(failed for report in reports for failed in report.failed),
        notices=tuple(dict.fromkeys(notice for report in reports for notice in report.notices)),
        backend=reports[-1].backend,
    )


def _refine_split(job: Job, split: Path) -> RefineReport:
    _, column = load_saved(split)
    output = job.output / split.relative_to(job.source)
    targets = {str(file): output / file.name for file in data_files(split)}
    kind = Kind(_count, partial(_first_form, column=column), partial(_refine_file, column=column))
    if job.overwrite:
        (output / "state.json").unlink(missing_ok=True)
    report = refine_parts(replace(job, source=split, place=f"{split}/*.arrow", output=output), targets, kind)
    with writing(output):
        state = json.loads((split / "state.json").read_text("utf-8"))
        made = f"{state['_fingerprint']}{job.marker['digest']}{job.marker['size']}".encode()
        copy_file(split / "dataset_info.json", output / "dataset_info.json")
        names = [target.name for target in targets.values()]
        write_state(output, names, fingerprint=hashlib.sha256(made).hexdigest()[:16], like=state)
    return report


def _copy_others(job: Job) -> int:
    """Copy what else lies in the folder, such as a card, and return how many files; the list of splits comes last."""
    others = [file for file in list_files(job.source).others if not file.endswith((".arrow", "dataset_info.json", *_LAST))]
    new = [file for file in others if not (job.output / file).exists()]
    splits_file = [file for file in _LAST[:1] if (job.source / file).is_file()]
    for file in [*new, *splits_file]:
        with writing(job.output / file):
            copy_file(job.source / file, job.output / file)
    return len(new)


def _refine_file(job: Job, source: str, target: Path, *, column: str) -> PartReport:
    """Refine one file into `target`, batch by batch. The place of an image that cannot be refined stays empty (null).

    Raises `GantoolError` for a damaged file, OSError where `target` cannot be written.
    """
    import pyarrow as pa

    report = PartReport()
    with _open(source) as reader, pa.ipc.new_stream(str(target), reader.schema) as writer:
        place = reader.schema.get_field_index(column)
        first = 0
        for batch in _batches(reader, source):
            table = pa.Table.from_batches([batch])
            name = partial(_name, source, first)
            refined = ImageColumn(job, table.column(place), name, report).refine()
            writer.write_table(table.set_column(place, reader.schema.field(place), refined), max_chunksize=len(table))
            first += len(table)
        report.copied = len(reader.schema) - 1
    return report


def _name(file: str, first: int, row: int) -> str:
    return f"{file}[{first + row}]"


def _count(file: str) -> int:
    with _open(file) as reader:
        return sum(batch.num_rows for batch in _batches(reader, file))


def _first_form(file: str, *, column: str) -> Form | None:
    with _open(file) as reader:
        for batch in _batches(reader, file):
            for data in encoded_images(batch.column(column)):
                try:
                    return probe_bytes(data or b"", file)
                except ImageReadError:
                    continue
    return None


@contextmanager
def _open(file: str) -> Iterator[Any]:
    import pyarrow as pa

    with damage(file):
        mapped = pa.memory_map(file)
    with mapped:
        with damage(file):
            reader = pa.ipc.open_stream(mapped)
        with reader:
            yield reader


def _batches(reader: Any, file: str) -> Iterator[Any]:
    while True:
        with damage(file):
            try:
                batch = reader.read_next_batch()
            except StopIteration:
                return
        yield batch
