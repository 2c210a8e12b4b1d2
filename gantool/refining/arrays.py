"""Refining the images of an .npz or .h5 file into another one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..data.hdf5 import Hdf5Images
from ..data.npz import NpzImages
from ..data.opening import open_images
from ..data.writing import temporary_for
from ..errors import GantoolError
from .folder import MARKER
from .job import Job
from .notices import size_notices
from .pipeline import Failed, Pipeline, make_batches, pixels_of
from .places import Marker, writing
from .report import RefineReport
from .treatment import Frame


def refine_array_file(job: Job) -> RefineReport:
    """Refine the images of a file; all its other arrays are copied untouched. The output appears when it is whole.

    Raises `GantoolError`, also for an image that cannot be refined: an array has no room for a missing one.
    """
    if job.validate:
        job.watcher.notice("--validate: images and labels are rows of one file, so there is nothing to check")
    images = open_images(job.place)
    assert isinstance(images, NpzImages | Hdf5Images)  # it is no folder
    marker = job.output.with_name(f".{job.output.name}{MARKER}")
    Marker(marker, job.marker).claim([job.output], overwrite=job.overwrite)
    if job.output.exists():
        job.watcher.start(len(images), len(images))
        return RefineReport(output=job.output, refined=0, skipped=len(images))
    notices = size_notices(job.treatment, images.all_forms(), labels=len(images.labels))
    for text in notices:
        job.watcher.notice(text)
    job.watcher.start(len(images), 0)
    temporary = temporary_for(job.output)
    try:
        with writing(job.output):
            copied = images.write_like(temporary, job.treatment.output_size, _refined(job, images))
            temporary.replace(job.output)
    finally:
        temporary.unlink(missing_ok=True)
    return RefineReport(
        output=job.output, refined=len(images), copied=copied, notices=tuple(notices), backend=job.network.backend
    )


def _refined(job: Job, images: NpzImages | Hdf5Images) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (index, image); images of one size come in order."""

    def read(index: int) -> Frame:
        return job.treatment.split(images[index], images.names[index])

    def finish(_: int, frame: Frame, refined: np.ndarray) -> np.ndarray:
        return job.treatment.merge(frame, refined)

    forms = dict(enumerate(images.all_forms()))
    job.network.expect(pixels_of(forms.values(), job.treatment))
    batches = make_batches(forms, job.treatment, job.batch_size)
    for index, image in Pipeline(read, job.network, finish, job.threads).run(batches):
        if isinstance(image, Failed):
            raise GantoolError(f"{image.name}: {image.cause}")
        job.watcher.advance()
        yield index, image
