"""Refining a folder of image files into another folder of the same names."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import numpy as np

from ...data.decoding import EXTENSIONS, cause, probe
from ...data.folder import list_files
from ...data.images import Form, ImageReadError
from ...data.writing import Picture, load_picture, temporary_for, write_file
from ...errors import GantoolError
from .job import Job
from .notices import size_notices
from .pipeline import Failed, Pipeline, make_batches
from .places import Marker, writing
from .report import RefineReport
from .treatment import Frame

MARKER = ".gantool-refine.json"


@dataclass(frozen=True)
class _FileFrame(Frame):
    """A frame that remembers its file."""

    picture: Picture


def refine_folder(job: Job, copy: Sequence[str] = ()) -> RefineReport:
    """Refine the images of a folder and its subfolders and copy every other file.

    `copy`: patterns of relative paths that are copied although they are images. Raises `GantoolError`.
    """
    return _FolderRefiner(job, copy).run()


class _FolderRefiner:
    def __init__(self, job: Job, copy: Sequence[str]) -> None:
        self._job, self._copy = job, copy
        self._source, self._output = job.source, job.output
        self._failed: list[Failed] = []

    def run(self) -> RefineReport:
        images, others = self._list()
        targets = (self._output / file for file in images + others)
        Marker(self._output / MARKER, self._job.marker).claim(targets, overwrite=self._job.overwrite)
        copied = self._copy_all(others)
        left = [file for file in images if not (self._output / file).exists()]
        forms = self._probe(left)
        notices = size_notices(self._job.treatment, forms.values(), labels=len(others))
        for text in notices:
            self._job.watcher.notice(text)
        self._job.watcher.start(len(images), len(images) - len(forms))
        refined = self._refine(forms)
        return RefineReport(
            output=self._output,
            refined=refined,
            skipped=len(images) - len(left),
            copied=copied,
            failed=tuple(sorted(self._failed, key=lambda failed: failed.name)),
            notices=tuple(notices),
        )

    def _list(self) -> tuple[list[str], list[str]]:
        listing = list_files(self._source)
        labels = {file for file in listing.images if any(fnmatch(file, pattern) for pattern in self._copy)}
        images = [file for file in listing.images if file not in labels]
        if not images:
            raise GantoolError(f"no images in {self._source}: read are {', '.join(EXTENSIONS)}")
        others = [*listing.others, *sorted(labels)]
        folders = {os.path.dirname(file) for file in images + others}  # noqa: PTH120 - pathlib takes ten times as long
        read_from = {(self._source / folder).resolve() for folder in folders}
        for folder in (self._output / folder for folder in sorted(folders)):
            if folder.resolve() in read_from:
                raise GantoolError(f"--output {folder} leads to {folder.resolve()}, which is read: gantool never writes there")
        return images, others

    def _copy_all(self, others: Sequence[str]) -> int:
        """Copy files that are not there yet, and return how many were."""
        copied = 0
        for file in others:
            target = self._output / file
            if target.exists():
                continue
            try:
                copy_file(self._source / file, target)
                copied += 1
            except OSError as error:
                self._failed.append(Failed(file, cause(error)))
        return copied

    def _probe(self, files: Sequence[str]) -> dict[str, Form]:
        """Return the forms of those files that can be read."""

        def form(file: str) -> Form | Failed:
            try:
                return probe(self._source / file)
            except ImageReadError as error:
                return Failed(file, error.cause)

        with ThreadPoolExecutor(self._job.workers) as pool:
            found = dict(zip(files, pool.map(form, files), strict=True))
        self._failed += [form for form in found.values() if isinstance(form, Failed)]
        return {file: form for file, form in found.items() if isinstance(form, Form)}

    def _refine(self, forms: dict[str, Form]) -> int:
        def read(file: str) -> _FileFrame | Failed:
            name = str(self._source / file)
            try:
                picture = load_picture(self._source / file)
                frame = self._job.treatment.split(picture.pixels, name)
            except ImageReadError as error:
                return Failed(file, error.cause)
            except GantoolError as error:
                return Failed(file, str(error).removeprefix(name).strip())
            return _FileFrame(frame.canvas, frame.alpha, frame.inputs, picture)

        def finish(file: str, frame: _FileFrame, refined: np.ndarray) -> Failed | None:
            try:
                data = frame.picture.encode(self._job.treatment.merge(frame, refined))
            # Encoders have limits of their own (16,383 pixels for WebP), and raise what they like.
            except Exception as error:
                return Failed(file, f"cannot be written as {frame.picture.header.format}: {cause(error)}")
            target = self._output / file
            with writing(target):
                target.parent.mkdir(parents=True, exist_ok=True)
                write_file(target, data)
            return None

        batches = make_batches(forms, self._job.treatment, self._job.batch_size)
        refined = 0
        for _, result in Pipeline(read, self._job.network, finish, self._job.workers).run(batches):
            if isinstance(result, Failed):
                self._failed.append(result)
            else:
                refined += 1
            self._job.watcher.advance()
        return refined


def copy_file(source: Path, target: Path) -> None:
    """Copy bytes and time of change, whole or not at all. Raises OSError for `source`, `GantoolError` for `target`."""
    temporary = temporary_for(target)
    with source.open("rb") as data, writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as copy:
                shutil.copyfileobj(data, copy)
            changed = os.fstat(data.fileno())
            os.utime(temporary, ns=(changed.st_atime_ns, changed.st_mtime_ns))
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
