"""The NYU hands as two domains: rendered and real depth images, cropped alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gantool import GantoolError
from gantool.components import Pair
from gantool.datasets import Listed

from .draws import Floats
from .joints import EVALUATED
from .nyu_files import View, find_split, read_depth, read_views
from .options import NYUOptions
from .render import EMPTY, encode

Kind = Literal["synthdepth", "depth"]


@dataclass(frozen=True)
class Crop:
    """The part of a 640×480 image that is shown."""

    centre: Floats
    """(2,) x and y in px of the full image."""
    step: float
    """Pixels of the full image in one of the crop."""
    size: tuple[int, int]
    """(H, W) of the crop."""

    def points(self, uv: Floats) -> Floats:
        """(..., 2) px of the full image to px of the crop; pixel centres at integers in both."""
        middle = np.array((self.size[1] - 1, self.size[0] - 1), np.float32) / 2
        return ((uv - self.centre) / np.float32(self.step) + middle).astype(np.float32)

    def cut(self, image: Floats) -> Floats:
        """(H, W) full image to the crop, nearest pixels, 0 beyond its edges: depths on both sides of an outline must not mix."""
        places = []
        for axis, side in enumerate(self.size):
            at = np.rint((np.arange(side) - (side - 1) / 2) * self.step + self.centre[1 - axis]).astype(np.intp)
            places.append((np.clip(at, 0, image.shape[axis] - 1), (at >= 0) & (at < image.shape[axis])))
        (rows, row_inside), (columns, column_inside) = places
        cut: Floats = image[rows[:, None], columns] * (row_inside[:, None] & column_inside)
        return cut


def crop_around(joints: Floats, size: tuple[int, int], margin: float) -> Crop:
    """The square around all joints (K, 3), with a margin on each side in sides of the square, fills the shorter side."""
    low, high = joints[:, :2].min(axis=0), joints[:, :2].max(axis=0)
    side = max(float((high - low).max()), 1.0) * (1 + 2 * margin)
    return Crop((low + high) / 2, side / min(size), size)


def open_hands(views: list[View], kind: Kind, config: NYUOptions) -> Listed:
    """Open synthetic (`synthdepth`) or real (`depth`) images of some cameras, map-style: (H, W, 1) uint16, read when asked for.

    The hand is where the synthetic image has one; elsewhere, and where the camera saw nothing, is background. Labels, in the
    order of `joints.NAMES`: `joints_xy` (N, 14, 2) in px of the crop and `joints_depth_mm` (N, 14). Reading raises `GantoolError`
    for a file that cannot be read.
    """
    rows = [(view, row) for view in views for row in range(len(view.frames))]
    joints = np.concatenate([view.joints for view in views])
    crops = [crop_around(each, config.size, config.margin) for each in joints]
    chosen = joints[:, list(EVALUATED)]
    return Listed(
        f"NYU hands, {kind} in {views[0].folder}",
        [str(view.path(row, kind)) for view, row in rows],
        partial(_hand, rows, crops, kind, config),
        {
            "joints_xy": np.stack([crop.points(each[:, :2]) for crop, each in zip(crops, chosen, strict=True)]),
            "joints_depth_mm": chosen[..., 2],
        },
    )


def _hand(
    rows: Sequence[tuple[View, int]], crops: Sequence[Crop], kind: Kind, config: NYUOptions, index: int
) -> NDArray[np.uint16]:
    (view, row), crop = rows[index], crops[index]
    rendered = crop.cut(_read(view.path(row, "synthdepth")))
    shown = rendered if kind == "synthdepth" else crop.cut(_read(view.path(row, "depth")))
    hand = np.where((rendered > 0) & (shown > 0), shown, EMPTY)
    middle = float(view.joints[row][:, 2].mean())
    near, far = config.depth_mm or (middle - config.relief_mm, middle + config.relief_mm)
    return encode(hand, near, far, config.background)


def _read(path: Path) -> Floats:
    depth = read_depth(path)
    if depth.shape != (480, 640):
        raise GantoolError(f"{path} is {depth.shape[0]}x{depth.shape[1]}, not 480x640: joints are in px of the published images")
    return depth


def nyu(*, config: NYUOptions) -> Pair:
    """Open frames to train on and, of the published split, real ones of other people to test on.

    Raises `GantoolError` for files that are missing or not as published.
    """
    if not config.root:
        raise GantoolError("dataset.root is missing: give the folder of the NYU hand pose data set, with train/ and test/ in it")
    root = Path(config.root)
    folder = find_split(root, config.split)
    if folder is None:
        raise GantoolError(f"no folder {config.split} in {root}: dataset.root is the folder that holds train/ and test/")
    views = read_views(folder, config.views)
    held_out = find_split(root, "test") if config.split == "train" else None
    test = open_hands(read_views(held_out, config.views), "depth", config) if held_out else None
    return Pair(open_hands(views, "synthdepth", config), open_hands(views, "depth", config), test)
