"""`gaze.h5` and `real_gaze.h5`, the pair of public SimGAN implementations (Kaggle, 4quant/eye-gaze).

Both have a group `image` with a data set (H, W) per image, by name; gaze.h5 has also `look_vec` (N, 3 or more) and `path` (N,),
which says which image a row is about. The group lists its images by name ("1", "10", "2"): rows taken in that order would be
those of other images.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from gantool import GantoolError
from gantool.datasets import Labels, Listed
from gantool.errors import cause

from .geometry import from_unity, gaze_labels
from .pictures import Grey, whole_numbers

SUFFIXES = (".h5", ".hdf5")


def open_h5(path: str | Path, *, look_vec: str = "unityeyes") -> Listed:
    """Read such a file; all images are held in memory. Labels: those of `gaze_labels` where there is `look_vec`.

    `look_vec`: axes of the vectors, "unityeyes" (y up) or "camera" (y down). Raises `GantoolError`.
    """
    path = Path(path)
    if not path.is_file():
        raise GantoolError(f"{path} is no file: give gaze.h5, or real_gaze.h5 for the real images")
    try:
        import h5py
    except ImportError:
        raise GantoolError(f"reading {path} needs h5py: pip install 'gantool-gaze[h5]'") from None
    try:
        with h5py.File(path, "r") as file:
            names, images = _images(file, path)
            labels = _labels(file, path, look_vec) if "look_vec" in file else {}
    except OSError as error:
        raise GantoolError(f"cannot read {path}, is it damaged? {cause(error)}") from None
    return Listed(str(path), [f"{path}:image/{name}" for name in names], images.__getitem__, labels)


def _images(file: Any, path: Path) -> tuple[list[str], list[Grey]]:
    group = file.get("image")
    if group is None or not hasattr(group, "items") or not len(group):
        raise GantoolError(f"{path} has no group 'image' with a data set per image")
    names = list(group)
    if "look_vec" in file:
        names = _order(file, names, path)
    images = [_as_grey(group[name][()], f"{path}:image/{name}") for name in names]
    shapes = {image.shape for image in images}
    if len(shapes) > 1:
        raise GantoolError(f"{path} has images of several sizes: {', '.join(f'{h}x{w}' for h, w in sorted(shapes)[:3])}")
    return names, images


def _order(file: Any, names: list[str], path: Path) -> list[str]:
    """Return the image of each row of look_vec."""
    if "path" not in file or file["path"].shape != file["look_vec"].shape[:1]:
        raise GantoolError(f"{path} has look_vec but no 'path' that says which image each row is about")
    paths = [word.decode() if isinstance(word, bytes) else str(word) for word in file["path"][()]]
    known = set(names)
    order = []
    for word in paths:
        last = PurePosixPath(word.replace("\\", "/"))
        name = next((each for each in (word, last.name, last.stem) if each in known), None)
        if name is None:
            raise GantoolError(f"{path}: no image for the path {word!r}")
        order.append(name)
    if len(set(order)) < len(order):
        raise GantoolError(f"{path}: {len(order) - len(set(order))} rows of 'path' name an image that another row names")
    return order


def _as_grey(image: Any, name: str) -> Grey:
    if not isinstance(image, np.ndarray) or image.ndim != 2:
        raise GantoolError(f"{name} is no grey image (H, W)")
    return whole_numbers(image, name)


def _labels(file: Any, path: Path, axes: str) -> Labels:
    rows = file["look_vec"][()]
    if rows.ndim != 2 or rows.shape[1] < 3 or rows.dtype.kind != "f":
        raise GantoolError(f"{path}: look_vec is {'x'.join(map(str, rows.shape))} {rows.dtype}, not N x 3 (or 4) floats")
    try:
        return gaze_labels(from_unity(rows[:, :3]) if axes == "unityeyes" else rows[:, :3])
    except ValueError as error:
        raise GantoolError(f"{path}: look_vec, {error}") from None
