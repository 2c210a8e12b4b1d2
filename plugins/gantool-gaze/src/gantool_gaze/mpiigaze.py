"""MPIIGaze (Zhang et al. 2015): Data/Normalized/pNN/dayNN.mat, and the lists in `Evaluation Subset`."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gantool import GantoolError
from gantool.datasets import Listed
from gantool.errors import cause

from .geometry import Floats, facing_from_rotation, gaze_labels, mirrored
from .pictures import resized, whole_numbers

SIDES = ("left", "right")
LISTS = Path("Evaluation Subset") / "sample list for eye image"


@dataclass(frozen=True)
class Eyes:
    """Eyes of one side."""

    images: NDArray[np.uint8]
    """(N, H, W)."""
    gaze: Floats
    """(N, 3) directions in camera axes."""
    facing: Floats
    """(N, 3) directions in which the faces look, likewise."""

    def taken(self, rows: list[int], *, mirror: bool) -> Eyes:
        """Some of them, mirrored with their labels if `mirror`."""
        images, gaze, facing = self.images[rows], self.gaze[rows], self.facing[rows]
        return Eyes(images[:, :, ::-1], mirrored(gaze), mirrored(facing)) if mirror else Eyes(images, gaze, facing)


@dataclass(frozen=True)
class Day:
    """One .mat file."""

    path: Path
    names: list[str]
    """(N,) file names of the frames, `0203.jpg`."""
    sides: dict[str, Eyes]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which of the images are wanted, and how."""

    evaluation: bool = False
    """Only those of the lists in `Evaluation Subset`."""
    sides: tuple[str, ...] = SIDES
    mirror: bool = True
    """Mirror right eyes."""


@dataclass(frozen=True)
class MPIIGaze:
    """A copy of the data set: `root` holds Data and Evaluation Subset, `normalized` the subjects."""

    root: Path
    normalized: Path

    def subjects(self) -> list[str]:
        """Return the subjects that are there. Raises `GantoolError` where there is none."""
        found = sorted(path.name for path in self.normalized.iterdir() if path.is_dir() and re.fullmatch(r"p\d+", path.name))
        if not found:
            raise GantoolError(f"{self.normalized} has no folders p00, p01, …: give MPIIGaze or its folder Data/Normalized")
        return found

    def open(self, subjects: Sequence[str], choice: Choice, *, size: tuple[int, int]) -> Listed:
        """Read images and labels of some subjects, file by file; they are held in memory, 2 kB each.

        Beside the labels of `gaze_labels`: `subject` and `eye`, text. Images that are not (h, w) = `size` are resized. Raises
        `GantoolError` for a subject without files or a list, and for files that are damaged or of another layout.
        """
        names: list[str] = []
        found: list[tuple[str, str, Eyes]] = []
        for subject in subjects:
            for day, side, rows in self._wanted(subject, choice):
                names += [f"{day.path}:{day.names[row]} {side}" for row in rows]
                found.append((subject, side, day.sides[side].taken(rows, mirror=choice.mirror and side == "right")))
        if not names:
            raise GantoolError(f"no {' or '.join(choice.sides)} eyes of {', '.join(subjects)} in {self.normalized}")
        whose, which, eyes = zip(*found, strict=True)
        images = [image for each in eyes for image in each.images]
        counts = [len(each.images) for each in eyes]
        return Listed(
            f"{self.normalized} ({', '.join(subjects)})",
            names,
            lambda index: resized(images[index], size),
            {
                **gaze_labels(*(np.concatenate([getattr(each, name) for each in eyes]) for name in ("gaze", "facing"))),
                "subject": np.repeat(whose, counts),
                "eye": np.repeat(which, counts),
            },
        )

    def _wanted(self, subject: str, choice: Choice) -> Iterator[tuple[Day, str, list[int]]]:
        listed = self._list(subject) if choice.evaluation else None
        files = sorted((self.normalized / subject).glob("*.mat"))
        if not files:
            raise GantoolError(f"{self.normalized / subject} has no .mat files: leave {subject} out, or unpack it again")
        days = {day for day, _ in listed or ()}
        if absent := sorted(days - {path.stem for path in files}):
            raise GantoolError(f"{self.normalized / subject / absent[0]}.mat is missing, which {LISTS / subject}.txt names")
        for day in (read_day(path) for path in files if listed is None or path.stem in days):
            for side in choice.sides:
                wanted = day.names if listed is None else listed.get((day.path.stem, side), [])
                if absent := [name for name in wanted if name not in day.names]:
                    raise GantoolError(f"{day.path} has no {absent[0]}, which the evaluation list names")
                at = {name: row for row, name in enumerate(day.names)}
                if wanted:
                    yield day, side, list(range(len(day.names))) if listed is None else [at[name] for name in wanted]

    def _list(self, subject: str) -> dict[tuple[str, str], list[str]]:
        """File names of the images in the subject's list, by day and side."""
        path = self.root / LISTS / f"{subject}.txt"
        try:
            lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "it is no text"
            raise GantoolError(f"cannot read {path}: {why}; images (or test_images) = all needs no list") from None
        found: dict[tuple[str, str], list[str]] = {}
        for number, words in enumerate(lines, 1):
            if len(words) != 2 or words[0].count("/") != 1 or words[1] not in SIDES:
                raise GantoolError(f"{path}, line {number}: {' '.join(words)!r} is not of the form day01/0203.jpg left")
            day, _, name = words[0].partition("/")
            found.setdefault((day, words[1]), []).append(name)
        return found


def find_mpiigaze(folder: str | Path) -> MPIIGaze:
    """Find a copy of MPIIGaze: `folder` is its root, or Data/Normalized. Raises `GantoolError` where it is neither."""
    path = Path(folder)
    inner = path / "Data" / "Normalized"
    if inner.is_dir():
        return MPIIGaze(path, inner)
    if not path.is_dir():
        raise GantoolError(f"{path} is no folder: give MPIIGaze or its folder Data/Normalized")
    return MPIIGaze(path.absolute().parents[1], path)


def is_mpiigaze(folder: Path) -> bool:
    """Return whether a folder is a copy of MPIIGaze."""
    return (folder / "Data" / "Normalized").is_dir() or (folder.is_dir() and any(folder.glob("p[0-9]*/*.mat")))


def read_day(path: Path) -> Day:
    """Read one .mat file (MATLAB 5). Raises `GantoolError`, one line, for a file that is damaged or of another layout."""
    try:
        from scipy.io import loadmat
        from scipy.io.matlab import MatReadError
    except ImportError:
        raise GantoolError(f"reading {path} needs scipy: pip install 'gantool-gaze[mpiigaze]'") from None
    try:
        found = loadmat(path, variable_names=("data", "filenames"), struct_as_record=True)
    except NotImplementedError:
        raise GantoolError(f"{path} is a MATLAB 7.3 file: save it as -v7, as MPIIGaze is published") from None
    # What is damaged shows in as many ways as there are things to parse.
    except (MatReadError, OSError, ValueError, TypeError, KeyError, IndexError, EOFError, MemoryError, zlib.error) as error:
        raise GantoolError(f"cannot read {path}: {cause(error)}") from None
    try:
        names = [str(np.squeeze(name)) for name in np.ravel(found["filenames"])]
        sides = {side: found["data"][0, 0][side][0, 0] for side in SIDES}
        fields = {side: {name: stored[name] for name in ("image", "gaze", "pose")} for side, stored in sides.items()}
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise GantoolError(
            f"{path} lacks {cause(error)}: MPIIGaze has data.left and .right with image, gaze, pose; and filenames"
        ) from None
    return Day(path, names, {side: _eyes(f"{path}: data.{side}", stored, len(names)) for side, stored in fields.items()})


def _eyes(where: str, stored: Mapping[str, Any], count: int) -> Eyes:
    image = stored["image"]
    if image.ndim != 3 or len(image) != count:
        raise GantoolError(f"{where}.image is {_shape(image)}, not {count}xHxW, an image for each file name")
    for name in ("gaze", "pose"):
        rows = stored[name]
        if rows.shape != (count, 3) or rows.dtype.kind != "f" or not np.isfinite(rows).all():
            raise GantoolError(f"{where}.{name} is {_shape(rows)}, not {count}x3 finite numbers")
    if (np.linalg.norm(stored["gaze"], axis=1) < 1e-6).any():
        raise GantoolError(f"{where}.gaze has a row of zeros, which is no direction")
    gaze = stored["gaze"].astype(np.float64)
    return Eyes(whole_numbers(image, f"{where}.image"), gaze, facing_from_rotation(stored["pose"]))


def _shape(values: Any) -> str:
    return f"{'x'.join(map(str, values.shape))} {values.dtype}"
