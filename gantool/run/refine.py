"""Refining a data set with a trained run: images in, the same images as the target domain has them out, labels along."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from .._version import __version__
from ..choices import parse_size
from ..data.folder import threads
from ..data.opening import kind_of
from ..errors import GantoolError
from .bundle import Bundle, open_bundle
from .refining.arrays import refine_array_file
from .refining.folder import refine_folder
from .refining.job import Job
from .refining.network import Network
from .refining.parquet import refine_parquet
from .refining.places import output_path
from .refining.report import RefineReport, Silent, Watcher
from .refining.shards import refine_shards
from .refining.tiling import Tiling
from .refining.treatment import Treatment

__all__ = ["RefineReport", "refine"]

_REFINERS = {"array": refine_array_file, "shards": refine_shards, "parquet": refine_parquet}


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
    workers: int | None = None,
    validate: bool = False,
    backend: str = "auto",
    tile: int | None = None,
    tile_overlap: int | None = None,
    watcher: Watcher | None = None,
) -> RefineReport:
    """Refine every image of a folder, an .npz or .h5 file, Parquet files or tar shards, and write them under the same names.

    Format, bit depth and channels of each image stay (see `gantool.data.encoding`); files that are no images, and arrays
    beside the images, are copied untouched. What an earlier call has written is skipped. Nothing is written into `input`.

    `run`: a run folder, or one that `gantool.save` wrote. `output`: a folder for a folder, a file (or the folder for it)
    for a file. `batch_size`: images at most in a batch; fewer where they are large. `size`: `"keep"`, each image its own;
    `"run"`, the size that the run was trained at; or (height, width) in pixels. `checkpoint`: as `gantool.load`. `copy`:
    patterns such as `"masks/*"` of images that are labels: they are copied too. `validate`: check annotations
    against the images first; what does not fit raises `gantool.run.refining.labels.InvalidAnnotations`, with `problems`.
    `workers`: threads that read and write.

    `backend`: what computes: `"torch"`, `"compile"`, `"onnxruntime"`, `"openvino"`, or `"auto"`, which begins with torch and,
    where much is left to do, goes on with the fastest on the first batch. They agree within 1e-5 of [-1, 1], so that one pixel in
    some thousands is rounded to the neighbouring 8-bit value. `tile`: side in pixels of the tiles in which larger images
    are computed; None: 1024, for images above 2**20 pixels; 0: never. `tile_overlap`: see `refining.tiling.Tiling`.

    Where the run resized its training images, the network works at that size and its change is scaled to each image. The last
    bit of a pixel may depend on which images share a batch, as sums are rounded differently.

    Raises `GantoolError` for input that cannot be used. A single image that cannot be read stops nothing: see
    `RefineReport.failed`.
    """
    if batch_size < 1:
        raise GantoolError(f"--batch-size {batch_size}: at least 1")
    if workers is not None and workers < 1:
        raise GantoolError(f"--workers {workers}: at least 1")
    tiling = Tiling(side=tile, overlap=tile_overlap)
    watcher = watcher or Silent()
    source = Path(input)
    if copy and kind_of(str(input)) != "folder":
        raise GantoolError("--copy is for folders; in a file, all but the images is copied anyway")
    target = output_path(str(input), Path(output))
    bundle = open_bundle(run, checkpoint)
    treatment = _treatment(bundle, size)
    network = Network(bundle, device, backend=backend, tiling=tiling, notice=watcher.notice)
    job = Job(
        source=source,
        place=str(input),
        output=target,
        treatment=treatment,
        network=network,
        batch_size=batch_size,
        workers=workers or threads(),
        marker=_marker(bundle, treatment),
        overwrite=overwrite,
        validate=validate,
        watcher=watcher,
    )
    kind = kind_of(job.place)
    return refine_folder(job, copy) if kind == "folder" else _REFINERS[kind](job)


def _treatment(bundle: Bundle, size: str | tuple[int, int]) -> Treatment:
    preprocess = replace(bundle.preprocess, channels=bundle.in_channels)
    resized = preprocess.size is not None and preprocess.fit == "resize"
    if size == "run" and bundle.trained_size is None:
        raise GantoolError(f"--size run: {bundle.name} does not say at which size it was trained; give --size HxW")
    output_size = None if size == "keep" else bundle.trained_size if size == "run" else parse_size(size)
    return Treatment(preprocess=preprocess, compute_size=preprocess.size if resized else None, output_size=output_size)


def _marker(bundle: Bundle, treatment: Treatment) -> dict[str, str]:
    size = "x".join(map(str, treatment.output_size)) if treatment.output_size else "keep"
    return {"gantool": __version__, "run": bundle.name, "digest": bundle.digest, "size": size}
