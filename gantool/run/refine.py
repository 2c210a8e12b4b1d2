"""Refining a data set with a trained run: images in, the same images as the target domain has them out, labels along."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from .._version import __version__
from ..choices import parse_size
from ..data.folder import threads
from ..errors import GantoolError
from .bundle import Bundle, open_bundle
from .refining.arrays import refine_array_file
from .refining.folder import refine_folder
from .refining.job import Job
from .refining.network import Network
from .refining.places import output_path
from .refining.report import RefineReport, Silent, Watcher
from .refining.treatment import Treatment

__all__ = ["RefineReport", "refine"]


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
    watcher: Watcher | None = None,
) -> RefineReport:
    """Refine every image of a folder, .npz or .h5 file, and write the results under the same names.

    Format, bit depth and channels of each image stay (see `gantool.data.encoding`); files that are no images, and arrays
    beside the images, are copied untouched. What an earlier call has written is skipped. Nothing is written into `input`.

    `run`: a run folder, or one that `gantool.save` wrote. `output`: a folder for a folder, a file (or the folder for it)
    for a file. `batch_size`: images at most in a batch; fewer where they are large. `size`: `"keep"`, each image its own;
    `"run"`, the size that the run was trained at; or (height, width) in pixels. `checkpoint`: as `gantool.load`. `copy`:
    patterns such as `"masks/*"` of images that are labels: they are copied too. `workers`: threads that read and write.

    Where the run resized its training images, the network works at that size and its change is scaled to each image. The last
    bit of a pixel may depend on which images share a batch, as sums are rounded differently.

    Raises `GantoolError` for input that cannot be used. A single image that cannot be read stops nothing: see
    `RefineReport.failed`.
    """
    if batch_size < 1:
        raise GantoolError(f"--batch-size {batch_size}: at least 1")
    if workers is not None and workers < 1:
        raise GantoolError(f"--workers {workers}: at least 1")
    source = Path(input)
    if copy and not source.is_dir():
        raise GantoolError("--copy is for folders; in a file, all arrays but the images are copied anyway")
    target = output_path(source, Path(output))
    bundle = open_bundle(run, checkpoint)
    treatment = _treatment(bundle, size)
    network = Network(bundle, device)
    job = Job(
        source=source,
        output=target,
        treatment=treatment,
        network=network,
        batch_size=batch_size,
        workers=workers or threads(),
        marker=_marker(bundle, treatment),
        overwrite=overwrite,
        watcher=watcher or Silent(),
    )
    return refine_folder(job, copy) if source.is_dir() else refine_array_file(job)


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
