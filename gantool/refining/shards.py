"""Refining tar shards into shards of the same names: images refined, every other member copied byte for byte, in order."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..data.decoding import probe_bytes
from ..data.images import Form, ImageReadError
from ..data.shards.pairing import check_shards
from ..data.shards.places import expand
from ..data.shards.reading import is_image, members, open_shard, read_index, read_member
from .encoded import FileFrame, encode_refined, read_frame
from .job import Job
from .labels import InvalidAnnotations
from .parts import Kind, PartReport, part_targets, refine_parts
from .pipeline import Failed, Pipeline, make_batches
from .report import RefineReport

_WINDOW = 4
"""Batches of members that are in memory at a time, while images of different sizes are sorted into batches."""


def refine_shards(job: Job) -> RefineReport:
    """Refine shard by shard; each appears when it is whole, and those that are there are skipped. Raises `GantoolError`."""
    targets = part_targets(job.place, expand(job.place), job.output)
    if job.validate:
        problems = list(check_shards(list(targets)))
        if problems:
            raise InvalidAnnotations(Path(job.place), problems)
    hint = ": a sample's image is a member named KEY.png, without another dot"
    return refine_parts(job, targets, Kind(lambda shard: len(read_index(shard)), _first_form, refine_shard, hint))


def refine_shard(job: Job, shard: str, target: Path) -> PartReport:
    """Refine one shard into `target`. An image that cannot be refined is left out, its labels are kept.

    Raises `GantoolError` for a damaged shard, OSError where `target` cannot be written.
    """
    with (
        open_shard(shard) as tar,
        target.open("wb") as file,
        tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as new,
    ):
        return _Run(job, shard, tar, new).run()


def _first_form(shard: str) -> Form | None:
    with open_shard(shard) as tar:
        for info in members(tar, shard):
            if is_image(info.name):
                try:
                    return probe_bytes(read_member(tar, info, shard), info.name)
                except ImageReadError:
                    continue
    return None


class _Run:
    """One shard on its way. Members wait in memory until all before them are written, a few batches of them at most."""

    def __init__(self, job: Job, shard: str, tar: tarfile.TarFile, new: tarfile.TarFile) -> None:
        self._job, self._shard, self._tar, self._new = job, shard, tar, new
        self._waiting: dict[int, tarfile.TarInfo] = {}
        self._content: dict[int, bytes | Failed] = {}
        """What will be written, by position; a missing one is not known yet."""
        self._encoded: dict[int, bytes] = {}
        self._next = 0
        self.report = PartReport()

    def run(self) -> PartReport:
        """Read, refine and write all members. Raises `GantoolError`."""
        pipeline: Pipeline[int, Any, bytes] = Pipeline(self._read, self._job.network, self._finish, self._job.threads)
        for position, result in pipeline.run(self._batches()):
            self._content[position] = result
            self._job.watcher.advance()
            self._write()
        self._write()
        return self.report

    def _batches(self) -> Iterator[list[int]]:
        forms: dict[int, Form] = {}
        for position, info in enumerate(members(self._tar, self._shard)):
            data = read_member(self._tar, info, self._shard)
            self._waiting[position] = info
            if not is_image(info.name):
                self._content[position] = data
            else:
                try:
                    forms[position] = probe_bytes(data, info.name)
                    self._encoded[position] = data
                except ImageReadError as error:
                    self._content[position] = Failed(f"{self._shard}/{info.name}", error.cause)
                    self._job.watcher.advance()
            if len(forms) >= _WINDOW * self._job.batch_size:
                yield from make_batches(forms, self._job.treatment, self._job.batch_size)
                forms = {}
        yield from make_batches(forms, self._job.treatment, self._job.batch_size)

    def _read(self, position: int) -> FileFrame | Failed:
        return read_frame(self._encoded.pop(position), self._job.treatment, self._name(position))

    def _finish(self, position: int, frame: FileFrame, refined: np.ndarray) -> bytes | Failed:
        return encode_refined(frame, refined, self._job.treatment, self._name(position))

    def _name(self, position: int) -> str:
        return f"{self._shard}/{self._waiting[position].name}"

    def _write(self) -> None:
        while self._next in self._content:
            info, content = self._waiting.pop(self._next), self._content.pop(self._next)
            self._next += 1
            if isinstance(content, Failed):
                self.report.failed.append(content)
                continue
            if is_image(info.name):
                self.report.names.append(info.name)
            else:
                self.report.copied += 1
            info.size = len(content)
            # Extended headers of the old archive may hold the old size.
            info.pax_headers = {key: value for key, value in info.pax_headers.items() if key != "size"}
            self._new.addfile(info, io.BytesIO(content))
            self._new.members = []  # type: ignore[attr-defined]  # tarfile would keep them all
