"""Files that hold the picture of a frame, or several, among other things: read once, written when all of them are refined."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..data.frames import Frames, PassForm, PassKind, Place
from ..data.geometry import Fit, cropped, resized
from ..data.picture_files import holds_pictures
from ..data.pictures import Passes, fitted, read_picture, rewritten, transform, unshown, with_alpha, with_copies
from ..data.stored import read_pass
from .job import Job
from .treatment import Treatment

_AS_STORED = PassForm(PassKind.OTHER)


@dataclass(frozen=True)
class Picture:
    """A picture of a file. See `data.formats.base.Stored`."""

    file: PictureFile
    number: int
    pixels: np.ndarray

    @property
    def format(self) -> str:
        """What the file is, such as "EXR"."""
        return self.file.name.rpartition(".")[2].upper()

    def encode(self, pixels: np.ndarray) -> bytes | None:
        """Return the file with the last of its pictures, None before that."""
        return self.file.put(self, pixels)


class PictureFile:
    """One file on its way. Its methods are called in any thread."""

    def __init__(self, job: Job, frames: Frames, name: str) -> None:
        """`frames`: all that lie in the file; others are passed over."""
        self.name = name
        self._job, self._frames = job, frames
        self.places: Sequence[Place] = [frame.picture for frame in frames.frames if frame.picture.file == name]
        self._done: dict[int, tuple[Place, np.ndarray]] = {}
        self._lock = threading.Lock()

    def read(self, number: int) -> Picture:
        """Read one of its pictures. Raises `ImageReadError`, `GantoolError`."""
        job, frames = self._job, self._frames
        return Picture(self, number, read_picture(job.source, self.places[number], frames.picture, job.settings.view))

    def put(self, picture: Picture, pixels: np.ndarray) -> bytes | None:
        """Take what one of the pictures has become, as `Treatment.merge` gives it; return the file when all are there."""
        source, before = self._job.source, picture.pixels
        place = with_alpha(source, self.places[picture.number])
        fit = fit_of(self._job.treatment, before.shape[:2])
        stored = before if holds_pictures(place) else read_pass(source, place, _AS_STORED)
        if self._frames.picture.is_linear(place):
            before, linear = (fitted(image, fit) if fit else image for image in (before, stored.astype(np.float32)))
            pixels = unshown(pixels, before, linear, transform(self._job.settings.view))
        elif self._frames.picture.kind is not None:
            place = with_copies(source, place)
            pixels = np.repeat(pixels, max(1, len(place.channels)), axis=2) if pixels.shape[2] == 1 else pixels
        with self._lock:
            self._done[picture.number] = place, pixels.astype(stored.dtype)
            if len(self._done) < len(self.places):
                return None
        passes = passes_in(self._frames, self.name)
        return rewritten(source / self.name, pictures=list(self._done.values()), passes=passes, fit=fit)


def passes_in(frames: Frames, file: str) -> Passes:
    """Return the passes of all frames that lie in a file, each once."""
    found = {place: frames.passes[name] for frame in frames.frames for name, place in frame.passes.items() if place.file == file}
    return list(found.items())


def fit_of(treatment: Treatment, size: tuple[int, int]) -> Fit | None:
    """Return what happens to pictures of a (height, width), None where they keep it. Raises `ValueError` as `cropped`."""
    fits = fits_of(treatment)
    return fits(size) if fits and treatment.output_size != size else None


def fits_of(treatment: Treatment) -> Callable[[tuple[int, int]], Fit] | None:
    """Return what happens to pictures, by their (height, width); None where all keep theirs."""
    if treatment.output_size is None:
        return None
    return partial(cropped if treatment.preprocess.fit == "crop" else resized, size=treatment.output_size)
