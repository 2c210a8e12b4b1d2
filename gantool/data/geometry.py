"""Where things are after a picture is resized or cropped: points and boxes exactly, passes as their kind asks for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from .frames import DEPTHS, IDS, PassForm, PassKind, Place
from .passes import background, unit

Point = tuple[float, float]
"""(x, y) in pixels; the edges of the first pixel are 0 and 1."""
Size = tuple[int, int]
"""Height and width in pixels."""
Box = tuple[float, float, float, float]
"""Left, top, right, bottom: edges."""


@dataclass(frozen=True)
class Fit:
    """How a picture of one size becomes one of another: scaled, then cut out."""

    before: tuple[int, int]
    """(height, width), as of `size`."""
    size: tuple[int, int]
    scale: tuple[float, float] = (1.0, 1.0)
    """Of y and x."""
    corner: tuple[float, float] = (0, 0)
    """(top, left) of what is cut out, in pixels of the scaled picture; beyond it, its border goes on."""

    @property
    def scaled(self) -> tuple[int, int]:
        """(height, width) of the scaled picture."""
        return round(self.before[0] * self.scale[0]), round(self.before[1] * self.scale[1])

    @property
    def cuts(self) -> bool:
        """Whether something of the picture is gone."""
        return self.size != self.scaled or self.corner != (0, 0)

    def of(self, size: tuple[int, int]) -> Fit:
        """Return what happens to a pass of another (height, width) than its picture: how many of its pixels there are to one of
        the picture's stays, as near as whole pixels allow."""
        ratios = size[0] / self.before[0], size[1] / self.before[1]
        new, corner = ((round(pair[0] * ratios[0]), round(pair[1] * ratios[1])) for pair in (self.size, self.corner))
        new = max(new[0], 1), max(new[1], 1)
        scale = self.scale if self.cuts else (new[0] / size[0], new[1] / size[1])
        return Fit(size, new, scale, corner)

    def point(self, x: float, y: float) -> Point:
        """Return where a point is, be it inside or not."""
        return x * self.scale[1] - self.corner[1], y * self.scale[0] - self.corner[0]

    def inside(self, x: float, y: float) -> bool:
        """Return whether a point, of the picture after, lies in it."""
        return 0 <= x <= self.size[1] and 0 <= y <= self.size[0]

    def box(self, left: float, top: float, right: float, bottom: float) -> Box | None:
        """Return a box, cut off at the border of the crop; None where nothing of it is left.

        Where nothing is cut out, what lies outside stays so: some boxes go beyond the picture on purpose.
        """
        (x0, y0), (x1, y1) = self.point(left, top), self.point(right, bottom)
        if self.cuts:
            x0, x1 = (min(max(x, 0), self.size[1]) for x in (x0, x1))
            y0, y1 = (min(max(y, 0), self.size[0]) for y in (y0, y1))
            if x0 >= x1 or y0 >= y1:
                return None
        return x0, y0, x1, y1

    def polygon(self, points: Iterable[Point]) -> list[Point]:
        """Return a polygon, cut off at the border of the crop (Sutherland and Hodgman); [] where nothing of it is left."""
        moved = [self.point(x, y) for x, y in points]
        if not self.cuts:
            return moved
        height, width = self.size
        for axis, border, sign in ((0, 0, 1), (0, width, -1), (1, 0, 1), (1, height, -1)):
            moved = _clip(moved, axis, border, sign)
        return moved

    def ids(self, stored: np.ndarray) -> np.ndarray:
        """(H, W, ...) of any type: the value of the nearest pixel, never a mixture."""
        chosen: np.ndarray = stored[np.ix_(*(self._nearest(axis) for axis in (0, 1)))]
        return chosen

    def _nearest(self, axis: int) -> np.ndarray:
        places = (np.arange(self.size[axis]) + self.corner[axis] + 0.5) / self.scale[axis]
        return np.clip(places.astype(np.int64), 0, self.before[axis] - 1)


def resized(before: tuple[int, int], size: tuple[int, int]) -> Fit:
    """Return the fit of a picture that is resized; the aspect ratio may change."""
    return Fit(before, size, (size[0] / before[0], size[1] / before[1]))


def cropped(before: tuple[int, int], size: tuple[int, int], corner: tuple[int, int] | None = None) -> Fit:
    """Return the fit of a crop at `corner` (top, left); in the middle without one, as `--fit crop` takes it.

    Raises `ValueError` for a crop that reaches beyond the picture.
    """
    top, left = corner if corner is not None else ((before[0] - size[0]) // 2, (before[1] - size[1]) // 2)
    if top < 0 or left < 0 or top + size[0] > before[0] or left + size[1] > before[1]:
        raise ValueError(f"a crop of {size[0]}x{size[1]} at {top},{left} reaches beyond {before[0]}x{before[1]}")
    return Fit(before, size, corner=(top, left))


def fit_pass(stored: np.ndarray, form: PassForm, fit: Fit, place: Place | None = None) -> np.ndarray:
    """Return a stored pass for a picture that was resized or cropped, stored in the same way.

    Ids, what is packed into several channels, and what nobody knows take the nearest pixel. Normals are averaged and brought
    back to length 1; depth and albedo are averaged over what is not background, and background stays where it is most of a
    pixel; motion gets as much longer or shorter as the picture.

    Args:
        stored: (H, W, C) of any type.
        form: What its numbers mean.
        fit: What happened to the picture, of (H, W).
        place: Brings the frame's own scale.

    Returns (height, width, C) of the same type; a pass of another size than the picture keeps the ratio of the two. Raises
    `ValueError` for motion that its type cannot hold.
    """
    if stored.shape[:2] != fit.before:
        fit = fit.of((stored.shape[0], stored.shape[1]))
    averaged = form.kind in {*DEPTHS, PassKind.NORMALS, PassKind.ALBEDO, PassKind.MOTION} and not form.weights
    if fit.scale == (1.0, 1.0) or not averaged or form.kind in IDS:
        return fit.ids(stored)
    mean, empty, nothing = average_apart(stored, background(stored, form), fit)
    scale = form.scale if place is None or place.scale is None else place.scale
    offset = form.offset if place is None or place.offset is None else place.offset
    if form.kind == PassKind.NORMALS:
        mean[..., :3] = (unit(mean[..., :3] * scale + offset) - offset) / scale
    elif form.kind == PassKind.MOTION:
        factors = np.ones(mean.shape[2])
        channels = form.take or range(2)
        factors[channels[0]], factors[channels[1]] = fit.scale[1], fit.scale[0]
        mean = ((mean * scale + offset) * factors - offset) / scale
    if stored.dtype.kind in "ui":
        mean = np.rint(mean)
        limits = np.iinfo(stored.dtype)
        if form.kind == PassKind.MOTION and ((mean < limits.min) | (mean > limits.max)).any():
            raise ValueError("its motion, as long as it is for the new size, is more than its file can hold")
        mean = mean.clip(limits.min, limits.max)
    result: np.ndarray = np.where(empty, nothing, mean.astype(stored.dtype))
    return result


def average_apart(stored: np.ndarray, empty: np.ndarray, fit: Fit) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Average what is not empty; where most of a pixel is, it stays so.

    Args:
        stored: (H, W, C) of any type.
        empty: (H, W) bool, where it holds nothing.
        fit: What happens to the picture, of (H, W).

    Returns the mean (height, width, C) float64, where it is empty (height, width, 1) bool, and what is stored there, of the type
    of `stored`: the value of the nearest pixel, be it one that says "nothing here".
    """
    share = _average((~empty).astype(np.float64)[..., None], fit)
    numbers = np.where(empty[..., None], 0, np.nan_to_num(stored.astype(np.float64), posinf=0, neginf=0))
    first = stored[empty][0] if empty.any() else np.zeros(stored.shape[2], stored.dtype)
    nothing = np.where(fit.ids(empty)[..., None], fit.ids(stored), first)
    return _average(numbers, fit) / np.maximum(share, 1e-9), share < 0.5, nothing


def _average(numbers: np.ndarray, fit: Fit) -> np.ndarray:
    """(H, W, C) float64 to the fit's size: area means where it shrinks, linear where it grows."""
    scaled = fit.scaled
    shrunk = (min(scaled[0], fit.before[0]), min(scaled[1], fit.before[1]))
    planes = [
        cv2.resize(cv2.resize(np.ascontiguousarray(numbers[..., c]), shrunk[::-1], interpolation=cv2.INTER_AREA), scaled[::-1])
        for c in range(numbers.shape[2])
    ]
    return window(np.stack(planes, axis=-1), fit)


def window(scaled: np.ndarray, fit: Fit) -> np.ndarray:
    """(H, W, C) of the scaled picture to what the fit cuts out of it; between pixels by linear interpolation."""
    (top, left), (height, width) = fit.corner, fit.size
    inside = min(top, left) >= 0 and top + height <= scaled.shape[0] and left + width <= scaled.shape[1]
    if inside and top == int(top) and left == int(left):
        return scaled[int(top) : int(top) + height, int(left) : int(left) + width]
    move = np.array([[1, 0, -left], [0, 1, -top]], np.float64)
    planes = [
        cv2.warpAffine(np.ascontiguousarray(scaled[..., c]), move, (width, height), borderMode=cv2.BORDER_REPLICATE)
        for c in range(scaled.shape[2])
    ]
    return np.stack(planes, axis=-1)


def area(polygon: Sequence[Point]) -> float:
    """Return the area of a polygon in pixels."""
    pairs = zip(polygon, [*polygon[1:], *polygon[:1]], strict=True)
    return abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairs)) / 2


def _clip(points: Sequence[Point], axis: int, border: float, sign: int) -> list[Point]:
    kept: list[Point] = []
    for start, end in zip([*points[-1:], *points[:-1]], points, strict=True):
        before, after = sign * (start[axis] - border), sign * (end[axis] - border)
        if (before < 0) != (after < 0):
            share = before / (before - after)
            kept.append((start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])))
        if after >= 0:
            kept.append(end)
    return kept
