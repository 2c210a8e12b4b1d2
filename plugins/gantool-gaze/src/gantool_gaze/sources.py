"""One source by itself, whatever its layout, and the way into an .npz file, which every command of gantool reads."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from gantool import GantoolError
from gantool.datasets import Listed

from .columbia import find_columbia, is_columbia, open_columbia
from .datasets import choose_subjects
from .h5 import SUFFIXES, open_h5
from .mpiigaze import Choice, find_mpiigaze, is_mpiigaze
from .unityeyes import is_unityeyes, open_unityeyes

FORMATS = ("unityeyes", "mpiigaze", "columbia", "h5")


def open_source(place: str | Path, *, size: tuple[int, int], subjects: str = "", evaluation: bool = False) -> Listed:
    """Open a source by its layout. `size` does not apply to .h5 files, `subjects` and `evaluation` only to those that have them.

    Raises `GantoolError` for a place that is of no known layout, and as the readers do.
    """
    path = Path(place)
    kind = layout_of(path)
    if (subjects and kind not in ("mpiigaze", "columbia")) or (evaluation and kind != "mpiigaze"):
        raise GantoolError(f"{path} is of the layout {kind}, which has no {'subjects' if subjects else 'evaluation lists'}")
    if kind == "unityeyes":
        return open_unityeyes(path, size=size)
    if kind == "h5":
        return open_h5(path)
    if kind == "mpiigaze":
        copy = find_mpiigaze(path)
        chosen, _ = choose_subjects(copy.subjects(), subjects, "", str(copy.normalized))
        return copy.open(chosen, Choice(evaluation=evaluation), size=size)
    found = find_columbia(path)
    chosen, _ = choose_subjects(list(found), subjects, "", str(path))
    return open_columbia([image for subject in chosen for image in found[subject]], name=str(path), size=size)


def layout_of(path: Path) -> str:
    """Return one of `FORMATS`. Raises `GantoolError`."""
    if path.suffix.lower() in SUFFIXES:
        return "h5"
    for name, fits in (("mpiigaze", is_mpiigaze), ("unityeyes", is_unityeyes), ("columbia", is_columbia)):
        if fits(path):
            return name
    if not path.exists():
        raise GantoolError(f"{path} does not exist")
    raise GantoolError(f"{path} is of no known layout: {', '.join(FORMATS)}; see the README of gantool-gaze")


def write_npz(domain: Listed, target: Path) -> tuple[int, list[str]]:
    """Write `image` (N, H, W) and all labels; return how many images, and the names of the labels. Whole or not at all.

    Raises `GantoolError` where the file cannot be written, and for images that cannot be read.
    """
    if target.suffix.lower() != ".npz":
        raise GantoolError(f"{target} must be called .npz")
    images = np.concatenate([domain[index][None, :, :, 0] for index in range(len(domain))])
    arrays: dict[str, Any] = {"image": images, **domain.labels}
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            np.savez_compressed(file, **arrays)
        temporary.replace(target)
    except OSError as error:
        raise GantoolError(f"cannot write {target}: {error.strerror or error}") from None
    finally:
        temporary.unlink(missing_ok=True)
    return len(domain), list(domain.labels)
