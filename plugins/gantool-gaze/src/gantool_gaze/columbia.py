"""Columbia Gaze (Smith et al. 2013): labels in file names, `0001_2m_-15P_10V_-10H.jpg`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gantool import GantoolError
from gantool.datasets import Labels, Listed

from .geometry import from_wall, gaze_labels, mirrored
from .pictures import Grey, read_grey, resized

_NAME = re.compile(
    r"(?P<subject>\d+)_(?P<distance>\d+(\.\d+)?)m_(?P<head>[+-]?\d+)P_(?P<vertical>[+-]?\d+)V_(?P<horizontal>[+-]?\d+)H(_(?P<eye>[LR]))?",
    re.IGNORECASE,
)
_SUFFIXES = (".jpg", ".jpeg", ".png")


def find_columbia(folder: str | Path) -> dict[str, list[Path]]:
    """List the images of each subject, subfolders included. Raises `GantoolError` for a name of another form, and for none."""
    root = Path(folder)
    if not root.is_dir():
        raise GantoolError(f"{root} is no folder: give one with images such as 0001_2m_0P_0V_0H.jpg")
    found: dict[str, list[Path]] = {}
    for path in sorted(root.rglob("*")):
        if path.suffix.lower() not in _SUFFIXES or path.name.startswith("."):
            continue
        match = _NAME.fullmatch(path.stem)
        if match is None:
            raise GantoolError(f"{path}: the name is not of the form 0001_2m_0P_0V_0H.jpg (or with _L, _R): take the file out")
        found.setdefault(match["subject"], []).append(path)
    if not found:
        raise GantoolError(f"no images in {root}: give a folder with names such as 0001_2m_0P_0V_0H.jpg")
    return found


def is_columbia(folder: Path) -> bool:
    """Return whether a folder holds an image with such a name."""
    images = (path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
    return folder.is_dir() and any(_NAME.fullmatch(path.stem) for path in images)


def open_columbia(images: Sequence[Path], *, name: str, size: tuple[int, int], mirror: bool = True) -> Listed:
    """Open images by their names, each resized to (h, w) = `size`: they should be crops of one eye.

    `mirror`: flip those named `_R`. Labels: those of `gaze_labels`, and `subject`, text. Raises `GantoolError` for an image that
    cannot be read.
    """
    flips = [mirror and path.stem[-2:].upper() == "_R" for path in images]

    def read(index: int) -> Grey:
        picture = resized(read_grey(images[index]), size)
        return picture[:, ::-1] if flips[index] else picture

    return Listed(name, [str(path) for path in images], read, _labels(images, np.array(flips)))


def _labels(images: Sequence[Path], flips: np.ndarray) -> Labels:
    matches = [_NAME.fullmatch(path.stem) for path in images]
    fields = {name: np.array([float(match[name]) for match in matches if match]) for name in ("vertical", "horizontal", "head")}
    gaze = from_wall(fields["vertical"], fields["horizontal"])
    facing = from_wall(np.zeros(len(images)), fields["head"])
    turned = [np.where(flips[:, None], mirrored(each), each) for each in (gaze, facing)]
    return {**gaze_labels(*turned), "subject": np.array([match["subject"] for match in matches if match])}
