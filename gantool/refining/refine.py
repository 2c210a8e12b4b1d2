"""Refining a data set with a trained run: images in, the same images as the target domain has them out, labels along."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..compute.memory import kept_memory
from ..data.opening import kind_of
from ..data.video.codec import VideoOptions
from ..errors import GantoolError
from .arrays import refine_array_file
from .folder import refine_folder
from .hub import refine_hub
from .parquet import refine_parquet
from .places import output_path
from .report import RefineReport, Silent, Watcher
from .request import Request
from .shards import refine_shards
from .tiling import Tiling
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
def refine(
    run: str | Path,
    *,
    input: str | Path,
    output: str | Path,
    batch_size: int = 64,
    device: str = "auto",
    size: str | tuple[int, int] = "keep",
    overwrite: bool = False,
    checkpoint: str | int | None = None,
    copy: Sequence[str] = (),
    threads: int | None = None,
    validate: bool = False,
    backend: str = "auto",
    tile: int | None = None,
    tile_overlap: int | None = None,
    video_codec: str = "auto",
    video_crf: int | None = None,
    engine: str = "local",
    workers: int = 1,
    num_actors: int | None = None,
    ray_address: str | None = None,
    watcher: Watcher | None = None,
) -> RefineReport:
    """Refine every image of a folder, an .npz or .h5 file, Parquet files, tar shards or videos, and write them under the same
    names.

    Format, bit depth and channels of each image stay (see `gantool.data.encoding`); files that are no images, and arrays
    beside the images, are copied untouched. What an earlier call has written is skipped. Nothing is written into `input`.

    `run`: a run folder, or one that `gantool.save` wrote. `output`: a folder for a folder, a file (or the folder for it)
    for a file. `batch_size`: images at most in a batch; fewer where they are large. `size`: `"keep"`, each image its own;
    `"run"`, the size that the run was trained at; or (height, width) in pixels. `checkpoint`: as `gantool.load`. `copy`:
    patterns such as `"masks/*"` of images that are labels: they are copied too. `validate`: check annotations
    against the images first; what does not fit raises `gantool.refining.labels.InvalidAnnotations`, with `problems`.
    `threads`: threads that read and write, of each worker; None: one per core, at most 8 in all.

    `backend`: what computes: `"torch"`, `"compile"`, `"onnxruntime"`, `"openvino"`, or `"auto"`, which begins with torch and,
    where much is left to do, goes on with the fastest on the first batch. They agree within 1e-5 of [-1, 1], so that one pixel in
    some thousands is rounded to the neighbouring 8-bit value. `tile`: side in pixels of the tiles in which larger images
    are computed; None: 1024, for images above 2**20 pixels; 0: never. `tile_overlap`: see `refining.tiling.Tiling`.
    `video_codec`, `video_crf`: see `gantool.data.video.codec.VideoOptions`.

    Where the run resized its training images, the network works at that size and its change is scaled to each image. The last
    bit of a pixel may depend on which images share a batch, as sums are rounded differently.

    `engine`: who computes. `"local"`: this process, or, with `workers` above 1, as many processes of this machine; then the
    program that calls this needs the usual `if __name__ == "__main__":`. `"ray"`: `num_actors` actors of Ray Data (None: one per
    GPU, or per CPU where there is none or it is not wanted), on the cluster at `ray_address` or the environment's RAY_ADDRESS, or
    on one that is started here and ended. Files and folders must then be where every node finds them. All write the same bytes
    under the same backend. A worker that dies is replaced, and what it was at tried again; the third time, that is given up and
    raises, after all else is done. Arrays take one process.

    Raises `GantoolError` for input that cannot be used. A single image that cannot be read stops nothing: see
    `RefineReport.failed`.
    """
    if batch_size < 1:
        raise GantoolError(f"--batch-size {batch_size}: at least 1")
    if threads is not None and threads < 1:
        raise GantoolError(f"--threads {threads}: at least 1")
    place, kind = str(input), kind_of(str(input))
    if copy and kind != "folder":
        raise GantoolError("--copy is for folders; in a file, all but the images is copied anyway")
    request = Request(
        run=str(run),
        input=place,
        output=output_path(place, Path(output)),
        batch_size=batch_size,
        device=device,
        size=size,
        overwrite=overwrite,
        checkpoint=checkpoint,
        threads=threads,
        validate=validate,
        backend=backend,
        tiling=Tiling(side=tile, overlap=tile_overlap),
        video=VideoOptions(codec=video_codec, crf=video_crf),
    )
    computing = open_workers(engine, request, workers=workers, num_actors=num_actors, ray_address=ray_address)
    if computing.parallel and kind == "array":
        raise GantoolError(f"{place}: arrays take one process: leave --workers and --engine out, or convert to shards")
    # Where workers compute, this process only plans, and must not take a device's memory.
    here = replace(request, device="cpu") if computing.parallel else request
    job = here.open(watcher or Silent(), computing)
    return refine_folder(job, copy) if kind == "folder" else _REFINERS[kind](job)
