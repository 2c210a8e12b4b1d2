"""Refining a set that is stored in several files of many images each: file by file, each whole or not at all."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath

from ..data.folder import list_files
from ..data.images import Form
from ..data.locations import is_remote
from ..data.writing import temporary_for
from ..errors import GantoolError, cause
from ..runs.files import fsync
from .folder import MARKER
from .job import Job
from .labels import copy_file
from .pipeline import Failed, pixels_of
from .places import Marker, writing
from .report import RefineReport
from .workers.base import Outcome, Piece, total


@dataclass
class PartReport:
    """What was done with one file."""

    names: list[str] = field(default_factory=list)
    """Of the images that were refined."""
    copied: int = 0
    failed: list[Failed] = field(default_factory=list)


def part_targets(place: str, parts: Sequence[str], output: Path) -> dict[str, Path]:
    """Return where each file goes: into the folder `output`, or, for a single one, to the file `output`.

    Raises `GantoolError` where two have one name, or one would be written into the folder that it is read from.
    """
    suffix = PurePosixPath(parts[0]).suffix
    if len(parts) == 1 and output.suffix == suffix and not output.is_dir():
        targets = {parts[0]: output}
    else:
        if output.is_file() or output.suffix == suffix:
            raise GantoolError(f"--input {place} is {len(parts)} files, so --output {output} must be a folder")
        targets = {part: output / PurePosixPath(part).name for part in parts}
    if len(set(targets.values())) < len(parts):
        raise GantoolError(f"--input {place}: two files have the same name, so one output folder cannot hold both")
    read_from = {Path(part).resolve().parent for part in parts if not is_remote(part)}
    clash = next((target for target in targets.values() if target.parent.resolve() in read_from), None)
    if clash is not None:
        raise GantoolError(
            f"--output {clash.parent} holds files that are read: gantool never writes there; name another folder, "
            f"or a file in one: {clash.parent / 'refined' / clash.name}"
        )
    return targets


RefinePart = Callable[[Job, str, Path], PartReport]
"""Refines one file into a temporary one."""


@dataclass(frozen=True)
class Kind:
    """How sets of one kind are read and refined."""

    count: Callable[[str], int]
    """Images of a file. Raises `GantoolError`."""
    first: Callable[[str], Form | None]
    """Form of the first image of a file; None where it has none that can be read."""
    refine: RefinePart
    hint: str = ""
    """What a person should know who finds that there are no images."""


def refine_parts(job: Job, targets: Mapping[str, Path], kind: Kind) -> RefineReport:
    """Refine file by file; those that are there are skipped. Raises `GantoolError`."""
    folder = next(iter(targets.values())).parent
    counts = _counts(job, list(targets), kind)
    if not sum(counts.values()):
        raise GantoolError(f"no images in {job.place}" + kind.hint)
    Marker(folder / MARKER, job.marker).claim(targets.values(), overwrite=job.overwrite)
    copied = _copy_beside(job, folder, {PurePosixPath(part).suffix for part in targets})
    left = {part: target for part, target in targets.items() if not target.exists()}
    notices = _notices(job)
    for text in notices:
        job.watcher.notice(text)
    done = sum(counts.values()) - sum(counts[part] for part in left)
    job.watcher.start(sum(counts.values()), done, estimated=job.workers.parallel)
    form = kind.first(next(iter(left))) if left else None
    if form is not None:
        job.network.expect(sum(counts[part] for part in left) * pixels_of([form], job.treatment))
    remove_attempts(left.values())
    try:
        pieces = [
            Piece(part, partial(refine_part, part=part, target=target, refine=kind.refine)) for part, target in left.items()
        ]
        outcome = total(job.workers.run(job, pieces, form))
    finally:
        remove_attempts(left.values())
    return RefineReport(
        output=job.output,
        refined=outcome.refined,
        skipped=0 if job.workers.parallel else done,
        skipped_parts=len(targets) - len(left) if job.workers.parallel else 0,
        copied=copied + outcome.copied,
        failed=outcome.failed,
        notices=tuple(notices),
        backend=outcome.backend or job.network.backend,
    )


def _counts(job: Job, parts: Sequence[str], kind: Kind) -> dict[str, int]:
    """Return the images of each file. With several workers, which are for large sets, all count as the first that has any.

    Counting reads every header of every shard: for 10^9 images, longer than many workers take to refine them.
    """
    if not job.workers.parallel:
        return {part: kind.count(part) for part in parts}
    return dict.fromkeys(parts, next(filter(None, map(kind.count, parts)), 0))


def refine_part(job: Job, part: str, target: Path, refine: RefinePart) -> Outcome:
    """Refine one file into `target`, which appears, with a record of its images, when it is whole. Raises `GantoolError`.

    This is what all workers call, and it may be called for one file twice at a time: both write the same.
    """
    temporary, record = (_attempt(path) for path in (target, record_path(target)))
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    try:
        # What is wrong with the input is a GantoolError by then; any other OSError is the output's.
        with writing(target):
            report = refine(job, part, temporary)
            fsync(temporary)
            record.write_bytes(_record(report.names, job.marker))
            record.replace(record_path(target))
            temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
        record.unlink(missing_ok=True)
    return Outcome(refined=len(report.names), copied=report.copied, failed=tuple(report.failed))


def _attempt(path: Path) -> Path:
    """Return a hidden name beside `path` that no other process writes under, not even one that is about to be ended."""
    temporary = temporary_for(path)
    return temporary.with_name(f"{temporary.stem}.{uuid.uuid4().hex[:8]}{temporary.suffix}")


def remove_attempts(targets: Iterable[Path]) -> None:
    """Remove what workers that were killed left of these files, and of no others: another job may write beside."""
    ours: dict[Path, set[str]] = {}
    for target in targets:
        stems = {temporary_for(path).stem for path in (target, record_path(target))}
        ours.setdefault(target.parent, set()).update(stems)
    for folder, stems in ours.items():
        # The suffix is that of any name; `folder` itself has none where it is the one that the program runs in.
        for path in folder.glob(f".*{temporary_for(folder / 'any').suffix}"):
            if path.name.split(".")[1] in {stem.removeprefix(".") for stem in stems}:
                path.unlink(missing_ok=True)


def record_path(part: Path) -> Path:
    """Return the file beside a refined one that says, a line of JSON per image, which refiner made it."""
    return part.with_name(f".{part.name}.gantool-refined.jsonl")


def _record(names: Iterable[str], marker: Mapping[str, str]) -> bytes:
    lines = (json.dumps({"image": name, **marker}, ensure_ascii=False) + "\n" for name in names)
    return "".join(lines).encode(errors="surrogateescape")


def _copy_beside(job: Job, folder: Path, suffixes: set[str]) -> int:
    """Copy what else lies in a folder of such files, such as a list of classes; return how many files."""
    if is_remote(job.place) or not Path(job.place).is_dir():
        return 0
    others = [file for file in list_files(job.source).others if PurePosixPath(file).suffix not in suffixes]
    files = [file for file in others if not (folder / file).exists()]
    for file in files:
        try:
            copy_file(job.source / file, folder / file)
        except OSError as error:
            raise GantoolError(f"cannot read {job.source / file}: {cause(error)}") from None
    return len(files)


def _notices(job: Job) -> list[str]:
    if job.treatment.output_size is None:
        return []
    size = "x".join(map(str, job.treatment.output_size))
    return [
        f"images are written at {size}; labels in pixels no longer fit where that is another size, and are copied as they are"
    ]
