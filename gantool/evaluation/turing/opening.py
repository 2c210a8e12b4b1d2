"""Beginning a study, or going on with one. Imports torch only where images are to be made."""

from __future__ import annotations

from pathlib import Path

from ...errors import GantoolError
from ...runs.folder import read_choices
from .study import REAL, Study


def open_study(
    run: Path,
    path: Path,
    *,
    against: str,
    trials: int,
    images: int,
    seed: int | None = None,
    checkpoint: str | None = None,
    real: str | None = None,
    device: str = "auto",
) -> Study:
    """Begin the study `path`, or go on with it: its images stay those that it began with.

    `against`: "refined" or "synthetic". `trials`: per participant, half of them real. `images`: of each kind. `real`: images in
    place of the run's own. Raises `GantoolError`.
    """
    if trials < 2 or trials % 2:
        raise GantoolError(f"--trials {trials}: an even number, at least 2, as half of the images are real")
    if images < trials // 2:
        raise GantoolError(f"--images {images}: --trials {trials} needs {trials // 2} of each kind")
    read_choices(run)  # a mistyped folder leaves no file behind
    fresh = not path.exists()
    study = Study(path)
    try:
        _check_new(study, seed=seed, checkpoint=checkpoint, real=real, against=against)
        if fresh and seed is not None:
            study.note(seed=str(seed))
        kinds = (REAL, against)
        if not set(kinds) <= set(study.counts()):
            from .filling import fill  # torch: a study that only goes on is there at once

            fill(study, run, kinds, count=images, least=trials // 2, checkpoint=checkpoint, real=real, device=device)
    except BaseException:
        study.close()
        if fresh:
            path.unlink(missing_ok=True)
        raise
    return study


def _check_new(study: Study, *, seed: int | None, checkpoint: str | None, real: str | None, against: str) -> None:
    held = study.counts()
    settled = {"--seed": seed if held else None, "--real": real if REAL in held else None}
    settled["--checkpoint"] = checkpoint if against in held else None
    for flag, value in settled.items():
        if value is not None:
            raise GantoolError(f"{flag}: {study.path} has its images already; pass --study FILE to begin another study")
