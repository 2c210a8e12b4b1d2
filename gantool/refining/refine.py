"""Refining a data set with a trained run: images in, the same images as the target domain has them out, labels along."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from ..ambient import guest
from ..compute.memory import kept_memory
from ..data.domains import Reading
from ..data.formats import find, named_by
from ..data.formats.base import Container, StorageFormat
from ..data.formats.folder import Folder
from ..data.formats.picture_format import PictureFormat
from ..data.locations import Location
from ..data.video.codec import VideoOptions
from ..errors import GantoolError
from ..files import LOCK, lock_for, owned
from ..model.bundle import run_folder
from ..plan.settings import RefineSettings, read_settings, takes
from ..runs.folder import RUN, read_choices
from .containers import ContainersRefiner
from .folder import FolderRefiner
from .job import Request
from .places import check_output, container_targets
from .report import RefineReport, Silent, Watcher
from .workers.choice import open_workers

__all__ = ["RefineReport", "refine"]


@guest()
@kept_memory()
@takes(RefineSettings)
def refine(
    run: str | Path, *, input: str | Path, output: str | Path, watcher: Watcher | None = None, **settings: Any
) -> RefineReport:
    """Refine every image of a folder, or of a set in any other format, and write them under the same names.

    Format, bit depth and channels of each image stay (see `gantool.data.encoding`); files that are no images, and arrays
    beside the images, are copied untouched. What an earlier call has written is skipped. Nothing is written into `input`.
    Where the run resized its training images, the network works at that size and its change is scaled to each image. The last
    bit of a pixel may depend on which images share a batch, as sums are rounded differently.

    A worker that dies is replaced, and what it was at tried again; the third time, that is given up and raises, after all else
    is done. With Ray, files and folders must be where every node finds them.

    Args:
        run: A run folder, or one that `gantool.save` wrote.
        input: What to refine.
        output: A folder for a folder, a file (or the folder for it) for a file.
        watcher: Is told of progress and notices.
        **settings: Fields of `gantool.plan.settings.RefineSettings`: `batch_size`, `size`, `workers` and the others.

    Returns:
        What was done. A single image that cannot be read stops nothing: see its `failed`.

    Raises:
        GantoolError: Input or settings that cannot be used.
        gantool.refining.labels.InvalidAnnotations: With `validate`, annotations that do not fit; it has `problems`.

    Example:
        >>> gantool.refine("runs/simgan-001", input="renders", output="refined", batch_size=16)
    """
    asked, output, folder = read_settings(RefineSettings, settings, of="refine"), Path(output), run_folder(run)
    if asked.draws == 1:
        return _refine(folder, input, output, watcher or Silent(), asked, 0)
    if named_by(output) is not None:
        raise GantoolError(f"--output {output}: --draws {asked.draws} takes a folder, in which each draw has its own")
    draws = range(asked.draws)
    reports = [_refine(folder, input, output / f"draw-{draw}", watcher or Silent(), asked, draw) for draw in draws]
    sums = {name: sum(getattr(report, name) for report in reports) for name in ("refined", "skipped", "skipped_parts", "copied")}
    failed = tuple(one for report in reports for one in report.failed)
    return replace(reports[0], output=output, failed=failed, **sums)


def _refine(folder: Path, input: str | Path, output: Path, watcher: Watcher, asked: RefineSettings, draw: int) -> RefineReport:
    """Refine all pictures once."""
    said = [field.name for field in fields(Reading) if getattr(asked, field.name) != field.default]
    # What a person does not say is as in the run, wherever it applies.
    own = {name: _read_by(folder, name) for name in ("view", "slices") if name not in said}
    asked = replace(asked, view=own.get("view", asked.view), slices=own.get("slices", asked.slices))
    place = Location(input, asked)
    storage = find(place, option="--input ", config=VideoOptions(codec=asked.video_codec, crf=asked.video_crf))
    if isinstance(storage, PictureFormat):
        said = [name for name in said if name not in ("array", "slices")]
    if said and not isinstance(storage, Folder):
        raise GantoolError(f"--{said[0]} is for folders; in a file, all but the images is copied anyway")
    if "refines" not in storage.record.provides:
        raise GantoolError(f"{place}: sets in the format {storage.record.name} are not refined: gantool data convert it first")
    check_output(storage, place, output)
    targets = {} if isinstance(storage, Folder) else container_targets(storage, place, output)
    if [container.place for container in targets] == [place.text]:
        output = next(iter(targets.values()))
    request = Request(run=str(folder), input=place.text, output=output, draw=draw, **vars(asked))
    computing = open_workers(request)
    if computing.parallel and not storage.divisible:
        raise GantoolError(f"{place}: arrays take one process: leave --workers and --engine out, or convert to shards")
    # Where workers compute, this process only plans, and must not take a device's memory.
    here = replace(request, device="cpu") if computing.parallel else request
    job = here.open(watcher, computing)
    refiner = ContainersRefiner(job, storage, place, targets) if targets else FolderRefiner(job, place)
    with owned(_lock(storage, targets, output), output):
        return refiner.run()


def _lock(storage: StorageFormat, targets: Mapping[Container, Path], output: Path) -> Path:
    """A folder of image files has one owner. Several commands may write other files each into one folder."""
    if isinstance(storage, Folder):
        return output / LOCK
    return lock_for(output if output in targets.values() else output / " ".join(path.name for path in targets.values()))


def _read_by(run: Path, name: str) -> str:
    """Return how a run's own pictures were read."""
    return str(read_choices(run).options.get(f"dataset.{name}", "auto")) if (run / RUN).is_file() else "auto"
