"""The files of the NYU hand pose data set (Tompson et al. 2014): depth images with two 8-bit halves, joints in a .mat file."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gantool import GantoolError

from .draws import Floats
from .joints import ALL_JOINTS, EVALUATED, NAMES

_IMAGE = re.compile(r"(synthdepth|depth)_([123])_(\d{7})\.png")
_VIEWS = 3


@dataclass(frozen=True)
class View:
    """What one camera saw in one split: frame k is row k of both arrays."""

    folder: Path
    number: int
    """1 to 3."""
    frames: NDArray[np.int64]
    """(N,) numbers of the frames, ascending, from 1."""
    joints: Floats
    """(N, 36, 3) float32: u and v in px of the full image, and depth in mm."""

    def path(self, row: int, kind: str) -> Path:
        """File of a frame; `kind` is `depth` or `synthdepth`."""
        return self.folder / f"{kind}_{self.number}_{self.frames[row]:07d}.png"


def find_split(root: Path, split: str) -> Path | None:
    """Return the folder of a split, or None."""
    return next((place for place in (root / split, root / "dataset" / split) if place.is_dir()), None)


def read_views(folder: Path, numbers: tuple[int, ...]) -> list[View]:
    """List the frames of some cameras that a folder has images of; it may hold any part of the data set.

    Raises `GantoolError`: no joint_data.mat or one of another form, no images, a real image without its synthetic one or the
    other way round, an image without joints.
    """
    joints = _read_joints(folder / "joint_data.mat")
    found = _list(folder)
    views = []
    for number in numbers:
        real, synthetic = found["depth", number], found["synthdepth", number]
        if not real and not synthetic:
            raise GantoolError(f"{folder} has no images depth_{number}_NNNNNNN.png: choose other dataset.views")
        for one, other, missing in ((real, synthetic, "synthdepth"), (synthetic, real, "depth")):
            if lonely := one - other:
                name = f"{missing}_{number}_{min(lonely):07d}.png"
                raise GantoolError(f"{folder / name} is missing: each frame needs its depth and its synthdepth image")
        frames = np.array(sorted(real), np.int64)
        if frames[-1] > joints.shape[1] or frames[0] < 1:
            strange = frames[-1] if frames[0] >= 1 else frames[0]
            raise GantoolError(
                f"{folder / 'joint_data.mat'} has {joints.shape[1]} frames: none for depth_{number}_{strange:07d}.png"
            )
        views.append(View(folder, number, frames, joints[number - 1, frames - 1].astype(np.float32)))
    return views


def read_depth(path: Path) -> Floats:
    """(H, W) float32, mm; 0 where nothing was seen. The upper 8 bits are the green channel, the lower ones the blue.

    Raises `GantoolError`.
    """
    try:
        with Image.open(path, formats=("PNG",)) as image:
            mode = image.mode
            pixels = np.asarray(image)
    # Pillow raises whatever its decoders do for damaged files: OSError, SyntaxError, ValueError and more.
    except Exception as error:
        raise GantoolError(f"cannot read {path}: {getattr(error, 'strerror', None) or 'not a PNG image, or damaged'}") from None
    if mode != "RGB":
        raise GantoolError(f"{path} is a PNG of mode {mode}, not RGB with depth in green and blue: use the published files")
    depth: Floats = pixels[..., 1].astype(np.float32) * 256 + pixels[..., 2]
    return depth


def _read_joints(path: Path) -> Floats:
    """(3, N, 36, 3): joint_uvd."""
    from scipy.io import loadmat

    try:
        # The same joints in space, joint_xyz, are as large again and not needed.
        with path.open("rb") as file:
            held = loadmat(file, variable_names=["joint_uvd", "joint_names"])
    except OSError as error:
        raise GantoolError(f"cannot read {path}: {error.strerror or error}") from None
    except Exception:  # scipy raises many kinds for damaged files, and NotImplementedError for MATLAB 7.3 ones
        raise GantoolError(f"cannot read {path}: not a MATLAB file of the published form, or damaged") from None
    if "joint_uvd" not in held:
        raise GantoolError(f"{path} has no joint_uvd: use the published file")
    joints = np.asarray(held["joint_uvd"])
    if joints.ndim != 4 or joints.shape[0] != _VIEWS or joints.shape[2:] != (ALL_JOINTS, 3):
        shape = "x".join(map(str, joints.shape))
        raise GantoolError(f"joint_uvd in {path} is {shape}, not {_VIEWS} views x frames x {ALL_JOINTS} joints x 3")
    _check_names(held.get("joint_names"), path)
    if not np.isfinite(joints).all():
        raise GantoolError(f"joint_uvd in {path} has values that are not finite: use the published file")
    return joints


def _check_names(held: NDArray[np.object_] | None, path: Path) -> None:
    """Where the file says what its joints are called, the evaluated ones must be where the literature has them."""
    if held is None:
        return
    names = [str(np.asarray(name).ravel()[0]).strip() for name in held.ravel()]
    found = tuple(names[number] for number in EVALUATED) if len(names) == ALL_JOINTS else ()
    if found != NAMES:
        raise GantoolError(f"joint_names in {path} are in another order than the published ones")


def _list(folder: Path) -> dict[tuple[str, int], set[int]]:
    """Numbers of the frames by kind and camera."""
    found: dict[tuple[str, int], set[int]] = {
        (kind, view): set() for kind in ("depth", "synthdepth") for view in range(1, _VIEWS + 1)
    }
    with os.scandir(folder) as entries:
        for entry in entries:
            if match := _IMAGE.fullmatch(entry.name):
                found[match[1], int(match[2])].add(int(match[3]))
    return found
