"""MPIIGaze (Zhang et al. 2015): Data/Normalized/pNN/dayNN.mat, and the lists in `Evaluation Subset`."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gantool import GantoolError
from gantool.datasets import Listed
from gantool.errors import cause

from .geometry import facing_from_rotation, gaze_labels, mirrored
from .pictures import Grey, resized, whole_numbers

SIDES = ("left", "right")
LISTS = Path("Evaluation Subset") / "sample list for eye image"


@dataclass(frozen=True)
class Day:
    """One .mat file."""

    path: Path
    names: list[str]
    """(N,) file names of the frames, `0203.jpg`."""
    images: dict[str, NDArray[np.uint8]]
    """(N, H, W) by side."""
    gaze: dict[str, NDArray[np.float64]]
    """(N, 3) directions by side, in camera axes."""
    pose: dict[str, NDArray[np.float64]]
    """(N, 3) rotation vectors of the head by side."""


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
        images: list[Grey] = []
        names: list[str] = []
        columns: dict[str, list[Any]] = {"gaze": [], "facing": [], "subject": [], "eye": []}
        for subject in subjects:
            for day, side, rows in self._wanted(subject, choice):
                flip = choice.mirror and side == "right"
                pixels, gaze, facing = day.images[side][rows], day.gaze[side][rows], facing_from_rotation(day.pose[side][rows])
                images += list(pixels[:, :, ::-1] if flip else pixels)
                names += [f"{day.path}:{day.names[row]} {side}" for row in rows]
                columns["gaze"].append(mirrored(gaze) if flip else gaze)
                columns["facing"].append(mirrored(facing) if flip else facing)
                columns["subject"] += [subject] * len(rows)
                columns["eye"] += [side] * len(rows)
        if not names:
            raise GantoolError(f"no {' or '.join(choice.sides)} eyes of {', '.join(subjects)} in {self.normalized}")
        labels = gaze_labels(np.concatenate(columns["gaze"]), np.concatenate(columns["facing"]))
        return Listed(
            f"{self.normalized} ({', '.join(subjects)})",
            names,
            lambda index: resized(images[index], size),
            {**labels, "subject": np.array(columns["subject"]), "eye": np.array(columns["eye"])},
        )

    def _wanted(self, subject: str, choice: Choice) -> Iterator[tuple[Day, str, list[int]]]:
        listed = self._list(subject) if choice.evaluation else None
        files = sorted((self.normalized / subject).glob("*.mat"))
        if not files:
            raise GantoolError(f"{self.normalized / subject} has no .mat files: leave {subject} out, or unpack it again")
        absent = sorted({day for day, _, _ in listed or ()} - {path.stem for path in files})
        if absent:
            raise GantoolError(f"{self.normalized / subject / absent[0]}.mat is missing, which {LISTS / subject}.txt names")
        for path in files:
            if listed is not None and path.stem not in {day for day, _, _ in listed}:
                continue
            day = read_day(path)
            for side in choice.sides:
                rows = _rows(day, side, listed) if listed is not None else list(range(len(day.names)))
                if rows:
                    yield day, side, rows

    def _list(self, subject: str) -> list[tuple[str, str, str]]:
        """Return (day, file name, side) of each image of the subject's list."""
        path = self.root / LISTS / f"{subject}.txt"
        try:
            lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        except (OSError, ValueError) as error:
            cause = getattr(error, "strerror", None) or "it is no text"
            raise GantoolError(f"cannot read {path}: {cause}; images (or test_images) = all needs no list") from None
        found = []
        for number, words in enumerate(lines, 1):
            if len(words) != 2 or words[0].count("/") != 1 or words[1] not in SIDES:
                raise GantoolError(f"{path}, line {number}: {' '.join(words)!r} is not of the form day01/0203.jpg left")
            day, _, name = words[0].partition("/")
            found.append((day, name, words[1]))
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
        fields = {name: {side: sides[side][name] for side in SIDES} for name in ("image", "gaze", "pose")}
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise GantoolError(
            f"{path} lacks {cause(error)}: MPIIGaze has data.left and .right with image, gaze, pose; and filenames"
        ) from None
    for side in SIDES:
        _check(path, side, fields, len(names))
        fields["image"][side] = whole_numbers(fields["image"][side], f"{path}: data.{side}.image")
    numbers = {name: {side: rows.astype(np.float64) for side, rows in fields[name].items()} for name in ("gaze", "pose")}
    return Day(path, names, fields["image"], numbers["gaze"], numbers["pose"])


def _check(path: Path, side: str, fields: dict[str, dict[str, Any]], count: int) -> None:
    image = fields["image"][side]
    if image.ndim != 3 or len(image) != count:
        raise GantoolError(f"{path}: data.{side}.image is {_shape(image)}, not {count}xHxW, an image for each file name")
    for name in ("gaze", "pose"):
        rows = fields[name][side]
        if rows.shape != (count, 3) or rows.dtype.kind != "f" or not np.isfinite(rows).all():
            raise GantoolError(f"{path}: data.{side}.{name} is {_shape(rows)}, not {count}x3 finite numbers")
    if (np.linalg.norm(fields["gaze"][side], axis=1) < 1e-6).any():
        raise GantoolError(f"{path}: data.{side}.gaze has a row of zeros, which is no direction")


def _shape(values: Any) -> str:
    return f"{'x'.join(map(str, values.shape))} {values.dtype}"


def _rows(day: Day, side: str, listed: Iterable[tuple[str, str, str]]) -> list[int]:
    at = {name: row for row, name in enumerate(day.names)}
    wanted = [name for stem, name, eye in listed if (stem, eye) == (day.path.stem, side)]
    absent = [name for name in wanted if name not in at]
    if absent:
        raise GantoolError(f"{day.path} has no {absent[0]}, which the evaluation list names")
    return [at[name] for name in wanted]
