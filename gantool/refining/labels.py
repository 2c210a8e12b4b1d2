"""Files beside images: carried along untouched, but for what would no longer be true."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from ..data.annotations.finding import Folder
from ..data.annotations.model import Problem
from ..data.annotations.paths import rewrite_paths, rewrite_table_paths
from ..data.listing import Listing
from ..data.writing import temporary_for, write_file
from ..errors import GantoolError, cause
from .job import Job
from .pipeline import Failed
from .places import writing


class InvalidAnnotations(GantoolError):
    """Annotations that do not fit their images."""

    def __init__(self, place: Path, problems: list[Problem]) -> None:
        more = f" and {len(problems) - 1:,} more" if len(problems) > 1 else ""
        super().__init__(f"the annotations of {place} do not fit: {problems[0]}{more}; nothing was refined")
        self.problems = problems


class LabelFiles:
    """The files of a folder that are no images to refine."""

    def __init__(self, job: Job, listing: Listing) -> None:
        """Raises `GantoolError` where cropping would make annotations wrong."""
        self._source, self._output = job.source, job.output
        self._size = job.treatment.output_size
        self._folder = Folder(job.source, listing)
        self.form = self._folder.form
        following = [found for found in self._folder.annotations if found.follows_size]
        if self._size and job.treatment.preprocess.fit == "crop" and following:
            raise GantoolError(
                f"--size crops the images, and {following[0].files[0]} ({following[0].format}) would no longer fit: "
                "leave --size out, or refine the images alone"
            )
        true = {file for found in following for file in found.files}
        self.untrue_at_other_sizes = sum(file not in true for file in listing.others)
        """Files whose numbers, should they be pixels, are wrong for images of another size."""

    def check(self) -> None:
        """Raise `InvalidAnnotations` where one does not fit."""
        problems = list(self._folder.problems())
        if problems:
            raise InvalidAnnotations(self._source, problems)

    def carry(self, file: str) -> None:
        """Write a file into the output: byte for byte, but for absolute paths into the input and sizes that change.

        Raises `OSError` and `ValueError` for what is wrong with the file, `GantoolError` for the output.
        """
        source, target = self._source / file, self._output / file
        owner = self._folder.owner(file)
        if owner is None:
            copy_file(source, target)
            return
        data = source.read_bytes()
        try:
            new = owner.scaled(file, data, self._folder.size, self._size) if self._size else data
        except (KeyError, TypeError, IndexError) as error:
            raise ValueError(f"cannot be scaled, for it is damaged: {type(error).__name__} {error}") from None
        rewrite = rewrite_table_paths if file.lower().endswith(".parquet") else rewrite_paths
        new = rewrite(new, self._source, self._output)
        if new == data:
            copy_file(source, target)
            return
        with writing(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            write_file(target, new)


def copy_new(files: Sequence[str], output: Path, carry: Callable[[str], None]) -> tuple[int, list[Failed]]:
    """Let `carry` write what is not in `output` yet, by relative paths; return how many were, and what could not be read."""
    failed = []
    new = [file for file in files if not (output / file).exists()]
    for file in new:
        try:
            carry(file)
        except (OSError, ValueError) as error:
            failed.append(Failed(file, cause(error)))
    return len(new) - len(failed), failed


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
