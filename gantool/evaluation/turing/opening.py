"""Beginning a study, or going on with one. Imports torch only where images are to be made."""

from __future__ import annotations

from pathlib import Path

from ...errors import GantoolError
from ...plan.settings import StudySettings
from ...runs.folder import read_choices
from .study import REAL, Study


def open_study(run: Path, path: Path, asked: StudySettings) -> Study:
    """Begin the study `path`, or go on with it: its images stay those that it began with. Raises `GantoolError`."""
    if asked.trials < 2 or asked.trials % 2:
        raise GantoolError(f"--trials {asked.trials}: an even number, at least 2, as half of the images are real")
    if asked.images < asked.trials // 2:
        raise GantoolError(f"--images {asked.images}: --trials {asked.trials} needs {asked.trials // 2} of each kind")
    read_choices(run)  # a mistyped folder leaves no file behind
    fresh = not path.exists()
    study = Study(path)
    try:
        _check_new(study, asked)
        if fresh and asked.seed is not None:
            study.note(seed=str(asked.seed))
        kinds = (REAL, asked.against)
        if not set(kinds) <= set(study.counts()):
            from .filling import fill  # torch: a study that only goes on is there at once

            fill(study, run, kinds, asked)
    except BaseException:
        study.close()
        if fresh:
            path.unlink(missing_ok=True)
        raise
    return study


def _check_new(study: Study, asked: StudySettings) -> None:
    held = study.counts()
    settled = {"--seed": asked.seed if held else None, "--real": asked.real if REAL in held else None}
    settled["--checkpoint"] = asked.checkpoint if asked.against in held else None
    for flag, value in settled.items():
        if value is not None:
            raise GantoolError(f"{flag}: {study.path} has its images already; pass --study FILE to begin another study")
