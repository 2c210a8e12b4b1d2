"""Refining a folder of image files into another folder of the same names."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import zip_longest
from pathlib import Path

from ..data import IMAGE_SUFFIXES
from ..data.annotations.model import by
from ..data.conditions import Encoder
from ..data.decoding import reading
from ..data.formats.base import Item, Stored
from ..data.frames import Frame, Frames
from ..data.images import Form, ImageReadError
from ..data.layouts.choosing import arrange
from ..data.locations import Location
from ..data.parallel import apply_to_all
from ..data.picture_files import check_keeps_size, holds_pictures
from ..data.pictures import is_image_file, probe_picture
from ..data.stored import read_pass_of
from ..data.writing import Picture, picture_of, write_file
from ..errors import GantoolError
from ..files import remove_leftovers_of
from .items import refine_items
from .job import Job
from .labels import LabelFiles, copy_new
from .pictures import PictureFile, fits_of
from .pipeline import Failed, batch_limit, make_batches, pixels_of
from .places import MARKER, RECORD, Marker, record_of, writing
from .report import RefineReport, size_notices, without_conditions
from .workers.base import Outcome, Piece, total

_GROUP = 8
"""Batches that a worker gets at a time: enough to read, compute and write at once."""


class FolderRefiner:
    """Refines the images of a folder and its subfolders and carries every other file along (see `labels`)."""

    def __init__(self, job: Job, place: Location) -> None:
        """Raises `GantoolError` where there is no picture, or where it is in doubt what is one."""
        self._job, self._listing = job, arrange(place)
        self._frames = self._listing.frames and self._listing.frames.settled(place)
        self._source, self._output = job.source, job.output
        self._failed: list[Failed] = []
        frames = self._frames.frames if self._frames else ()
        self._pictures = Counter(frame.picture.file for frame in frames)
        """How many are in each file, where that is not one."""

    def run(self) -> RefineReport:
        """Refine what is not there yet. Raises `GantoolError`."""
        images, others = self._list()
        told = [] if self._frames is None else [self._frames.summary(), *self._frames.notes]
        for text in told:
            self._job.watcher.notice(text)
        self._check_size()
        labels = LabelFiles(self._source, self._output, self._listing, fits_of(self._job.treatment))
        if self._job.settings.validate:
            labels.check()
        targets = (self._output / file for file in images + others)
        Marker(self._output / MARKER, self._job.marker).claim(targets, overwrite=self._job.settings.overwrite)
        remove_leftovers_of(self._output / file for file in images + others)
        copied, self._failed = copy_new(others, self._output, labels.carry)
        left = [file for file in images if not (self._output / file).exists()]
        forms = self._forms(left, labels)
        notices = [
            *size_notices(self._job.treatment, Counter(forms.values()), labels=0),
            *labels.notices(forms.values(), self._written()),
        ]
        notices += self._unconditioned(forms)
        for text in notices:
            self._job.watcher.notice(text)
        total, there = (sum(self._pictures.get(file, 1) for file in files) for files in (images, set(images) - set(forms)))
        self._job.watcher.start(total, there)
        outcome = self._refine(forms)
        self._record(images)
        return RefineReport(
            output=self._output,
            refined=outcome.refined,
            skipped=sum(self._pictures.get(file, 1) for file in set(images) - set(left)),
            copied=copied,
            failed=tuple(sorted([*self._failed, *outcome.failed], key=lambda failed: failed.name)),
            notices=(*told, *notices),
            backend=outcome.backend or self._job.network.backend,
        )

    def _check_size(self) -> None:
        """Raise `GantoolError` where a header would no longer be true."""
        size = self._job.treatment.output_size
        for frame in self._frames.frames if self._frames and size else ():
            if holds_pictures(frame.picture):
                check_keeps_size(frame.picture.file, probe_picture(self._source, frame.picture), size)

    def _list(self) -> tuple[list[str], list[str]]:
        images, others = list(self._listing.images), list(self._listing.others)
        if not images:
            raise GantoolError(f"no images in {self._source}: read are {', '.join(IMAGE_SUFFIXES)}")
        folders = {os.path.dirname(file) for file in images + others}  # noqa: PTH120 - pathlib takes ten times as long
        read_from = {os.path.realpath(self._source / folder) for folder in folders}
        for folder in (self._output / folder for folder in sorted(folders)):
            # Unlike `resolve`, it survives a link to itself.
            if (real := os.path.realpath(folder)) in read_from:
                raise GantoolError(f"--output {folder} leads to {real}, which is read: gantool never writes there")
        return images, others

    def _forms(self, files: Sequence[str], labels: LabelFiles) -> dict[str, Form]:
        """Return the forms of those files that can be read."""

        def form(file: str) -> Form | Failed:
            try:
                return labels.form(file)
            except ImageReadError as error:
                return Failed(file, error.cause)

        found = dict(zip(files, apply_to_all(form, files, workers=self._job.threads), strict=True))
        self._failed += [form for form in found.values() if isinstance(form, Failed)]
        return {file: form for file, form in found.items() if isinstance(form, Form)}

    def _refine(self, forms: dict[str, Form]) -> Outcome:
        self._job.network.expect(pixels_of(forms.values(), self._job.treatment))
        batches = list(make_batches(forms.items(), self._job.treatment, self._job.settings.batch_size))
        size = _GROUP if self._job.workers.parallel else max(1, len(batches))
        groups = [batches[first : first + size] for first in range(0, len(batches), size)]
        pieces = [
            Piece(
                f"{self._source / group[0][0]} and what follows",
                partial(refine_files, batches=group, frames=self._frames and _of(self._frames, group)),
            )
            for group in groups
        ]
        return total(self._job.workers.run(self._job, pieces, next(iter(forms.values()), None)))

    def _written(self) -> str:
        size = self._job.treatment.output_size
        return f"images are written at {by(size)}" if size else ""

    def _unconditioned(self, files: Collection[str]) -> list[str]:
        """Say how many pictures lack what the network could see beside them."""
        conditions = self._job.treatment.conditions
        frames = self._frames.frames if self._frames else ()
        encode = Encoder(conditions, self._frames.passes if self._frames else {}, self._job.treatment.preprocess)
        own = [frame for frame in frames if frame.picture.file in files]
        return without_conditions(conditions, sum(encode.has(frame.passes.get) for frame in own), len(own) or len(files))

    def _record(self, images: Sequence[str]) -> None:
        """Say of each image that is there which refiner made it; the marker has seen to it that there is only one."""
        path = self._output / RECORD
        with writing(path):
            write_file(path, record_of((image for image in images if (self._output / image).exists()), self._job.marker))


def refine_files(job: Job, batches: Sequence[Sequence[str]], frames: Frames | None = None) -> Outcome:
    """Refine files of a folder, by their relative paths; each appears when it is whole. Raises `GantoolError`.

    `frames`: the pictures that lie in them; None where each is an image file.
    """

    if frames and frames.picture.values:
        job = replace(job, treatment=replace(job.treatment, values=frames.picture.values))

    own: dict[str, list[Frame]] = {}
    for frame in frames.frames if frames else ():
        own.setdefault(frame.picture.file, []).append(frame)

    def items(batch: Sequence[str]) -> Iterator[Item]:
        reads = ((file, *found) for file in batch for found in zip_longest(_reads(job, file, frames, own), own.get(file, ())))
        for number, (file, read, frame) in enumerate(reads):
            seen = (frames.passes, partial(read_pass_of, job.source, frame, frames.passes)) if frames and frame else ()
            yield Item(number, file, None, read, "", *seen)

    def store(item: Item, data: bytes | None) -> None:
        if data is None:  # other pictures of the file are on their way
            return
        target = job.output / item.name
        with writing(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            write_file(target, data)

    failed: dict[str, Failed] = {}
    pictures = Counter[str]()
    parts = (part for batch in batches for part in _divided(job, list(items(batch)), len(batch), own))
    for item, result in refine_items(job, parts, store=store):
        pictures[item.name] += 1
        if result:
            failed.setdefault(item.name, result)
        job.watcher.advance()
    done = sum(count for file, count in pictures.items() if file not in failed)
    return Outcome(refined=done, failed=tuple(failed.values()))


def _reads(job: Job, file: str, frames: Frames | None, own: Mapping[str, Sequence[Frame]]) -> Iterator[Callable[[], Stored]]:
    """Yield what reads each picture of a file, in the order of its frames, which are among `own`."""
    if frames is None or is_image_file(own[file][0].picture):
        yield partial(_read, job.source / file, file)
    else:
        whole = PictureFile(job, replace(frames, frames=tuple(own[file])), file)
        yield from (partial(whole.read, number) for number in range(len(whole.places)))


def _divided(job: Job, items: Sequence[Item], files: int, own: Mapping[str, Sequence[Frame]]) -> Iterator[Sequence[Item]]:
    """Yield the pictures of so many files in batches. A volume has many: as many at a time as if each had a file of its own."""
    size = len(items)
    if size > files:
        form = probe_picture(job.source, own[items[0].name][0].picture)
        size = batch_limit(form, job.treatment, job.settings.batch_size)
    for first in range(0, len(items), size):
        yield items[first : first + size]


def _of(frames: Frames, batches: Sequence[Sequence[str]]) -> Frames:
    """Return what a worker needs to know of the files of some batches."""
    files = {file for batch in batches for file in batch}
    return replace(frames, frames=tuple(frame for frame in frames.frames if frame.picture.file in files), copied=())


def _read(path: Path, name: str) -> Picture:
    with reading(name):
        return picture_of(path.read_bytes(), name)
