"""One map of all renders that brings what they show to where real pictures show it: scale and shift, found by mean edges alone.

Where crops differ by a constant, what learns from them is wrong by one, and no refiner can help: it must not move shapes. Mean
edges of crops of one kind of thing (eyes, hands, faces) say where its parts lie, whatever their looks; no label is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np

from ..components import Domain
from ..errors import GantoolError
from .geometry import Fit, Size
from .parallel import apply_to_all
from .preprocess import full_scale

_PICTURES = 1000
"""Of each domain, at most."""
_BLUR = 1.0
_STARTS = 0.85, 1.0, 1.15, 1.3
"""Scales, of y and of x, from which the search goes out."""
_REACH, _PLACES = 0.15, 7
"""Shifts likewise: how far, as a share of the side, and how many."""
_LIMITS = 0.6, 1.7
_SHOWN = 0.5
"""Share of the picture that the map must leave in view."""
_MISSED = 0.5
"""Correlation that a map must gain to leave all of the picture empty: a border that goes on is seen by a discriminator."""
_FINEST = 0.004
_BEST = 5
_DOUBT = 0.04
"""Share of the side by which maps found on halves of the domains may differ at the corners, where there is something to align."""


@dataclass(frozen=True)
class Alignment:
    """A scale around the middle of a picture, and a shift after it."""

    scale: tuple[float, float] = (1.0, 1.0)
    """Of y and x."""
    shift: tuple[float, float] = (0.0, 0.0)
    """Down and right, as shares of height and width."""

    def fit(self, before: Size) -> Fit:
        """Return what happens to a picture of this (height, width), which stays that large; its border goes on where it ends."""
        scaled = [round(side * scale) for side, scale in zip(before, self.scale, strict=True)]
        corner = [(own - side) / 2 - shift * side for own, side, shift in zip(scaled, before, self.shift, strict=True)]
        scale = scaled[0] / before[0], scaled[1] / before[1]
        return Fit(before, before, scale, (corner[0], corner[1]))

    def described(self, size: Size) -> str:
        """In words, in pixels of pictures of this (height, width)."""
        down, right = (share * side for share, side in zip(self.shift, size, strict=True))
        height, width = self.scale
        up, left = "up" if down < 0 else "down", "left" if right < 0 else "right"
        return f"{abs(down):.1f} px {up}, {abs(right):.1f} px {left}, {height:.2f} times as high, {width:.2f} times as wide"

    def difference(self, other: Alignment) -> float:
        """How far apart both put a corner at most, as a share of the side."""
        return max(
            abs(sign * (scale - their_scale) / 2 + shift - their_shift)
            for sign in (-1, 1)
            for scale, shift, their_scale, their_shift in zip(self.scale, self.shift, other.scale, other.shift, strict=True)
        )


@dataclass(frozen=True)
class Found:
    """What was estimated."""

    alignment: Alignment
    before: float
    """Correlation of mean edges, synthetic and real, -1 to 1."""
    after: float
    edges: tuple[np.ndarray, np.ndarray]
    """(2, H, W) mean edges down and across, synthetic ones as they are, and real ones."""
    size: Size
    """Of the real pictures."""


def estimate(source: Domain, target: Domain) -> Found:
    """Find the map of synthetic pictures by which their mean edges lie as those of real ones do. All pictures have one size.

    Raises `GantoolError` where halves of the sets give different maps, so that there is nothing that lies in one place.
    """
    edges = [_edges(domain) for domain in (source, target)]
    whole, *halves = (_search(*(_mean(rows[start::step]) for rows in edges)) for start, step in ((0, 1), (0, 2), (1, 2)))
    apart = halves[0][0].difference(halves[1][0])
    if apart > _DOUBT:
        raise GantoolError(
            f"there is nothing to align {getattr(source, 'name', 'the pictures')} by: halves of the sets give maps that "
            f"differ by {apart:.0%} of the side. Crops can be aligned that show one kind of thing at one place, such as eyes"
        )
    means = _mean(edges[0]), _mean(edges[1])
    before = _likeness(means[0], means[1], Alignment())
    return Found(whole[0], before, whole[1], means, (means[1].shape[1], means[1].shape[2]))


def _edges(domain: Domain) -> np.ndarray:
    """(N, 2, H, W): absolute slopes down and across of each picture, of mean 1."""
    count = min(len(domain), _PICTURES)

    def see(number: int) -> np.ndarray:
        image = domain[number]
        light = cv2.GaussianBlur((image.astype(np.float32) / full_scale(image.dtype)).mean(axis=2), (0, 0), _BLUR)
        slopes = np.abs(np.gradient(light))
        return np.asarray(slopes / (slopes.mean() + 1e-6), np.float32)

    return np.stack(apply_to_all(see, (np.arange(count) * len(domain) // count).tolist()))


def _mean(rows: np.ndarray) -> np.ndarray:
    mean: np.ndarray = rows.mean(axis=0)
    return mean


def _search(source: np.ndarray, target: np.ndarray) -> tuple[Alignment, float]:
    """The best of a coarse grid, each made finer, coordinate by coordinate."""

    def likeness(at: np.ndarray) -> float:
        return _likeness(source, target, _alignment(at))

    shifts = np.linspace(-_REACH, _REACH, _PLACES)
    grid = [np.array(at) for at in product(_STARTS, _STARTS, shifts, shifts)]
    starts = sorted(((likeness(at), number) for number, at in enumerate(grid)), reverse=True)[:_BEST]
    value, at = max((_climb(likeness, grid[number], value) for value, number in starts), key=lambda found: found[0])
    return _alignment(at), value


def _climb(likeness: Callable[[np.ndarray], float], at: np.ndarray, value: float) -> tuple[float, np.ndarray]:
    step = np.array([0.05, 0.05, 0.025, 0.025])
    while step[0] > _FINEST:
        moved = False
        for move in (*np.diag(step), *-np.diag(step)):
            if (new := likeness(at + move)) > value + 1e-6:
                value, at, moved = new, at + move, True
        step = step if moved else step / 2
    return value, at


def _alignment(at: np.ndarray) -> Alignment:
    height, width, down, right = at.tolist()
    return Alignment((height, width), (down, right))


def _likeness(source: np.ndarray, target: np.ndarray, alignment: Alignment) -> float:
    """Mean correlation of the two maps where the moved one has pixels, less what it lacks; -1 where that is most of them."""
    low, high = _LIMITS
    if not all(low <= scale <= high for scale in alignment.scale):
        return -1.0
    size = target.shape[1:]
    move = np.array(
        [
            [alignment.scale[1], 0, _offset(size[1], alignment.scale[1], alignment.shift[1])],
            [0, alignment.scale[0], _offset(size[0], alignment.scale[0], alignment.shift[0])],
        ]
    )
    moved = cv2.warpAffine(np.ascontiguousarray(source.transpose(1, 2, 0)), move, size[::-1])
    seen = cv2.warpAffine(np.ones(size, np.float32), move, size[::-1]) > 0.99
    if seen.mean() < _SHOWN:
        return -1.0
    alike = np.mean([np.corrcoef(moved[..., axis][seen], target[axis][seen])[0, 1] for axis in (0, 1)])
    return float(alike - _MISSED * (1 - seen.mean()))


def _offset(side: int, scale: float, shift: float) -> float:
    # Of the middles of pixels: the first one lies at 0.5.
    return (side - 1) / 2 * (1 - scale) + shift * side
