"""The NYU hands as two domains: rendered and real depth images, cropped alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gantool import GantoolError

from .depth_map import encode
from .draws import Floats
from .joints import EVALUATED
from .nyu_files import View, find_split, read_depth, read_views
from .options import NYUOptions
from .render import EMPTY

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


class NYUDomain:
    """Synthetic (`synthdepth`) or real (`depth`) images of some cameras, map-style: read when asked for."""

    def __init__(self, views: list[View], kind: Kind, config: NYUOptions) -> None:
        self._views, self._kind, self._config = views, kind, config
        self._rows = [(view, row) for view in views for row in range(len(view.frames))]
        self.name = f"NYU hands, {kind} in {views[0].folder}"
        self.names: Sequence[str] = [str(view.path(row, kind)) for view, row in self._rows]
        crops = [self._crop(view, row) for view, row in self._rows]
        chosen = [view.joints[row][list(EVALUATED)] for view, row in self._rows]
        self.labels: dict[str, Floats] = {
            "joints_xy": np.stack([crop.points(joints[:, :2]) for crop, joints in zip(crops, chosen, strict=True)]),
            "joints_depth_mm": np.stack([joints[:, 2] for joints in chosen]),
        }
        """`joints_xy` (N, 14, 2) in px of the crop and `joints_depth_mm` (N, 14), in the order of `joints.NAMES`."""

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> NDArray[np.uint16]:
        """(H, W, 1) uint16. The hand is where the synthetic image has one; elsewhere, and where the camera saw nothing, is
        background. Raises `GantoolError` for files that cannot be read."""
        view, row = self._rows[index]
        crop = self._crop(view, row)
        rendered = crop.cut(self._read(view, row, "synthdepth"))
        shown = rendered if self._kind == "synthdepth" else crop.cut(self._read(view, row, "depth"))
        hand = np.where((rendered > 0) & (shown > 0), shown, EMPTY)
        near, far = self._config.depth_mm or self._around(view.joints[row])
        return encode(hand, near, far, self._config.background)[..., None]

    def _around(self, joints: Floats) -> tuple[float, float]:
        middle = float(joints[:, 2].mean())
        return middle - self._config.relief_mm, middle + self._config.relief_mm

    def _crop(self, view: View, row: int) -> Crop:
        return crop_around(view.joints[row], self._config.size, self._config.margin)

    def _read(self, view: View, row: int, kind: Kind) -> Floats:
        path = view.path(row, kind)
        depth = read_depth(path)
        if depth.shape != (480, 640):
            raise GantoolError(
                f"{path} is {depth.shape[0]}x{depth.shape[1]}, not 480x640: joints are in px of the published images"
            )
        return depth


@dataclass(frozen=True)
class NYUDomains:
    """Frames to train on."""

    source: NYUDomain
    target: NYUDomain


@dataclass(frozen=True)
class TestedNYUDomains(NYUDomains):
    """Frames to train on, and real ones of other people to test on."""

    test: NYUDomain


def nyu(*, config: NYUOptions) -> NYUDomains:
    """Open the data set.

    Raises `GantoolError` for files that are missing or not as published.
    """
    if not config.root:
        raise GantoolError("dataset.root is missing: give the folder of the NYU hand pose data set, with train/ and test/ in it")
    root = Path(config.root)
    folder = find_split(root, config.split)
    if folder is None:
        raise GantoolError(f"no folder {config.split} in {root}: dataset.root is the folder that holds train/ and test/")
    views = read_views(folder, config.views)
    source, target = NYUDomain(views, "synthdepth", config), NYUDomain(views, "depth", config)
    held_out = find_split(root, "test") if config.split == "train" else None
    if held_out is None:
        return NYUDomains(source, target)
    return TestedNYUDomains(source, target, NYUDomain(read_views(held_out, config.views), "depth", config))
