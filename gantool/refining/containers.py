"""Refining a set that is stored in files of many images each: file by file, each whole or not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path

from ..data.formats.base import Container, StorageFormat, Target
from ..data.images import ContainerError, Form
from ..data.locations import Location
from ..data.writing import write_file
from ..errors import GantoolError
from ..files import remove_leftovers_of, replacing
from .items import refine_items
from .job import Job
from .labels import InvalidAnnotations, copy_file, copy_new
from .pipeline import Failed, make_batches, pixels_of
from .places import MARKER, RECORD, Marker, record_of, writing
from .report import RefineReport, size_notices, without_conditions
from .workers.base import Outcome, Piece, total

_WINDOW = 4
"""Batches of images that are in memory at a time, while those of different sizes are sorted into batches."""


class ContainersRefiner:
    """Refines file by file. Of several files, one that is damaged as a whole stops no other."""

    def __init__(self, job: Job, storage: StorageFormat, place: Location, targets: Mapping[Container, Path]) -> None:
        """`targets`: as of `places.container_targets`."""
        self._job, self._storage, self._place, self._targets = job, storage, place, targets
        self._alone = [container.place for container in targets] == [place.text]
        """Whether the output is one file, not a folder of some."""
        self._failed: list[Failed] = []

    def run(self) -> RefineReport:
        """Refine what is not there yet. Raises `GantoolError`."""
        job, storage = self._job, self._storage
        self._validate()
        counts = self._counts()
        if not sum(counts.values()) and not self._failed:
            raise GantoolError(f"no images in {self._place}{storage.hint}")
        self._claim()
        # What else lies in a folder of such files, such as a list of classes.
        others = [file for file in self._place.files if not storage.owns(file)] if self._place.is_folder else []
        copied, lost = copy_new(others, job.output, lambda file: copy_file(self._place.path / file, job.output / file))
        left = {container: target for container, target in self._targets.items() if container in counts and not target.exists()}
        counted = all(container.counted for container in counts)
        forms = self._forms(list(left), counts, counted=counted)
        labels = copied + sum(container.labels for container in left)
        notices = size_notices(job.treatment, forms, labels=labels, counted=counted) if left else []
        if left and job.treatment.conditions:
            having = sum(counts.values()) if any(container.passes for container in left) else 0
            notices += without_conditions(job.treatment.conditions, having, sum(counts.values()))
        for text in notices:
            job.watcher.notice(text)
        done = sum(counts.values()) - sum(counts[container] for container in left)
        estimated = job.workers.parallel and not counted
        job.watcher.start(sum(counts.values()), done, estimated=estimated)
        if forms:
            job.network.expect(sum(count * pixels_of([form], job.treatment) for form, count in forms.items()))
        outcome = self._compute(left, next(iter(forms), None))
        if not self._alone:
            with writing(job.output):
                storage.complete(self._place, job.output, f"{job.marker['digest']}{job.marker['size']}")
        return RefineReport(
            output=job.output,
            refined=outcome.refined,
            skipped=0 if estimated else done,
            skipped_parts=len(counts) - len(left) if estimated else 0,
            copied=copied + outcome.copied,
            failed=(*self._failed, *lost, *outcome.failed),
            notices=tuple(notices),
            backend=outcome.backend or job.network.backend,
        )

    def _validate(self) -> None:
        if not self._job.settings.validate:
            return
        found = self._storage.problems(self._place)
        if found is None:
            self._job.watcher.notice(f"--validate: {self._storage.unchecked}, so there is nothing to check")
        elif problems := list(found):
            raise InvalidAnnotations(self._place.path, problems)

    def _counts(self) -> dict[Container, int]:
        """Return the images of each file. With several workers, which are for large sets, all count as the first that has any.

        Counting reads every header of every shard: for 10^9 images, longer than many workers take to refine them.
        """
        counts: dict[Container, int] = {}
        estimate = 0
        for container in self._targets:
            try:
                known = container.counted or not self._job.workers.parallel
                counts[container] = container.count() if known or not estimate else estimate
            except ContainerError as error:
                if self._alone:
                    raise
                self._failed.append(Failed(error.name, error.cause))
            else:
                estimate = estimate or counts[container]
        return counts

    def _claim(self) -> None:
        job, folder = self._job, self._job.output
        marker = folder.with_name(f".{folder.name}{MARKER}") if self._alone else folder / MARKER
        targets = [*self._targets.values(), *(folder / file for file in self._storage.last(self._place))]
        # What another run, or other settings, did not get to write is no reason to refuse.
        written = targets if self._alone else chain(targets, folder.rglob(f".*{RECORD}"))
        nothing = not any(path.exists() for path in written)
        Marker(marker, {**job.marker, **self._storage.settings()}).claim(targets, overwrite=job.settings.overwrite or nothing)

    def _forms(self, left: Sequence[Container], counts: Mapping[Container, int], *, counted: bool) -> Counter[Form]:
        """Return how many images of each form are left; where that is not known, all count as the first."""
        if counted:
            return Counter(chain.from_iterable(container.forms() for container in left))
        total = sum(counts[container] for container in left)
        return Counter({form: total for container in left[:1] for form in container.forms()})

    def _compute(self, left: Mapping[Container, Path], sample: Form | None) -> Outcome:
        pieces = [
            Piece(container.place, partial(_refine_one, container=container, target=target, alone=self._alone))
            for container, target in left.items()
        ]
        remove_leftovers_of(path for target in left.values() for path in (target, record_path(target)))
        try:
            return total(self._job.workers.run(self._job, pieces, sample))
        finally:
            remove_leftovers_of(path for target in left.values() for path in (target, record_path(target)))


def _refine_one(job: Job, *, container: Container, target: Path, alone: bool) -> Outcome:
    """Refine one file into `target`, which appears, with a record of its images, when it is whole. Raises `GantoolError`.

    This is what all workers call, and it may be called for one file twice at a time: both write the same.
    """
    try:
        # What is wrong with the input is a GantoolError by then; any other OSError is the output's.
        with writing(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            with replacing(target, flush=True) as temporary:
                names, outcome = _rewrite(job, container, temporary, target)
                # The record first: where a file is, there is its record.
                write_file(
                    record_path(target), record_of([Path(container.place).name] if container.gapless else names, job.marker)
                )
    except ContainerError as error:
        if alone:
            raise
        return Outcome(failed=(Failed(error.name, error.cause),))
    return outcome


def _rewrite(job: Job, container: Container, temporary: Path, target: Path) -> tuple[list[str], Outcome]:
    """Refine a file into `temporary`, which will be called `target`; return the names of refined images, in order, too."""
    refined: dict[int, str] = {}
    failed: dict[int, Failed] = {}
    into = Target(temporary=temporary, path=target, size=job.treatment.output_size, notice=job.watcher.notice)
    with container.rewrite(into) as rewriter:
        items = ((item, item.form) for item in rewriter.items())
        batches = make_batches(items, job.treatment, job.settings.batch_size, window=_WINDOW * job.settings.batch_size)
        for item, result in refine_items(job, batches, strict=container.gapless):
            job.watcher.advance()
            if not isinstance(result, Failed):
                refined[item.number] = item.key or item.name
                rewriter.put(item, result)
            else:
                failed[item.number] = result
                rewriter.put(item, None)
        rewriter.finish()
        copied = rewriter.copied
    lost = tuple(failed[number] for number in sorted(failed))
    return [refined[number] for number in sorted(refined)], Outcome(len(refined), copied, lost)


def record_path(target: Path) -> Path:
    """Return the file beside a refined one that says, a line of JSON per image, which refiner made it."""
    return target.with_name(f".{target.name}{RECORD}")
