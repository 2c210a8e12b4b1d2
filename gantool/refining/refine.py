"""Refining a data set with a trained run: images in, the same images as the target domain has them out, labels along."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from ..compute.memory import kept_memory
from ..data.opening import kind_of
from ..errors import GantoolError
from ..plan.settings import RefineSettings, read_settings, takes
from .arrays import refine_array_file
from .folder import refine_folder
from .hub import refine_hub
from .parquet import refine_parquet
from .places import output_path
from .report import RefineReport, Silent, Watcher
from .request import Request
from .shards import refine_shards
from .video import refine_videos
from .workers.choice import open_workers

__all__ = ["RefineReport", "refine"]

_REFINERS = {
    "array": refine_array_file,
    "shards": refine_shards,
    "parquet": refine_parquet,
    "video": refine_videos,
    "hub": refine_hub,
}


@kept_memory()
@takes(RefineSettings)
def refine(
    run: str | Path, *, input: str | Path, output: str | Path, watcher: Watcher | None = None, **settings: Any
) -> RefineReport:
    """Refine every image of a folder, an .npz or .h5 file, Parquet files, tar shards or videos, and write them under the same
    names.

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
    asked = read_settings(RefineSettings, settings, of="refine")
    place, kind = str(input), kind_of(str(input))
    if asked.copy and kind != "folder":
        raise GantoolError("--copy is for folders; in a file, all but the images is copied anyway")
    request = Request(run=str(run), input=place, output=output_path(place, Path(output)), **vars(asked))
    computing = open_workers(request)
    if computing.parallel and kind == "array":
        raise GantoolError(f"{place}: arrays take one process: leave --workers and --engine out, or convert to shards")
    # Where workers compute, this process only plans, and must not take a device's memory.
    here = replace(request, device="cpu") if computing.parallel else request
    job = here.open(watcher or Silent(), computing)
    return refine_folder(job, asked.copy) if kind == "folder" else _REFINERS[kind](job)
