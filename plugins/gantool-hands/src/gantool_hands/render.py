"""Capsules to depth maps, a z-buffer in closed form, and depth maps to grey values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .draws import Floats
from .skeleton import Hands

EMPTY = np.float32(np.inf)
"""Depth where there is no hand."""
_WHITE = 65535


@dataclass(frozen=True)
class View:
    """Where N pictures look: x_px = scale · X / Z + offset."""

    scale: Floats
    """(N,) focal lengths in px."""
    offset: Floats
    """(N, 2) x and y in px."""
    size: tuple[int, int]
    """(H, W)."""


def frame(joints: Floats, size: tuple[int, int], margin: Floats, shift: Floats) -> View:
    """Look at key points (N, K, 3), so that their square box plus `margin` (N,), in sides of the box, fills the shorter side of
    `size`; `shift` (N, 2): how far the box lies beside the centre, in sides of the picture."""
    flat = joints[..., :2] / joints[..., 2:]
    low, high = flat.min(axis=1), flat.max(axis=1)
    height, width = size
    shorter = min(size)
    scale = shorter / ((high - low).max(axis=1) * (1 + 2 * margin))
    middle = np.array(((width - 1) / 2, (height - 1) / 2), np.float32)
    offset = middle + shift * shorter - scale[:, None] * (low + high) / 2
    return View(scale.astype(np.float32), offset.astype(np.float32), size)


def project(points: Floats, view: View) -> Floats:
    """(N, K, 3) mm -> (N, K, 2) px, pixel centres at integers."""
    flat = points[..., :2] / points[..., 2:]
    return (view.scale[:, None, None] * flat + view.offset[:, None]).astype(np.float32)


def depth(hands: Hands, view: View) -> Floats:
    """(N, H, W) float32, mm from the camera; `EMPTY` where there is no hand.

    Ends of a capsule are projected exactly, what lies between as if it were seen from infinitely far away: for a hand at 60 cm
    an error below a millimetre.
    """
    height, width = view.size
    x, y = np.arange(width, dtype=np.float32)[None, None], np.arange(height, dtype=np.float32)[None, :, None]
    nearest = np.full((len(view.scale), height, width), EMPTY)
    starts, ends = project(hands.starts, view), project(hands.ends, view)
    for part in range(hands.radii.shape[1]):
        near, far = hands.starts[:, part, 2], hands.ends[:, part, 2]
        mm = (near + far) / 2 / view.scale  # of a pixel, at this depth
        surface = _capsule(x, y, starts[:, part], ends[:, part], near / mm, far / mm, hands.radii[:, part] / mm)
        surface *= mm[:, None, None]
        np.fmin(nearest, surface, out=nearest)
    return nearest


def encode(depth: Floats, near: Floats | float, far: Floats | float, background: Literal["far", "near"]) -> NDArray[np.uint16]:
    """(..., H, W) mm to uint16: `near` is black, `far` white, what lies beyond is clipped. Where there is no hand (infinite),
    the picture is white or, for `background="near"`, black."""
    grey = (depth - near) / (np.asarray(far) - near) * np.float32(_WHITE)
    empty = ~np.isfinite(depth)
    grey = np.where(empty, _WHITE if background == "far" else 0, grey)
    return np.rint(np.clip(grey, 0, _WHITE)).astype(np.uint16)


def _capsule(x: Floats, y: Floats, a: Floats, b: Floats, near: Floats, far: Floats, radius: Floats) -> Floats:
    """(N, H, W) front of the capsules from `a` (N, 2) at depth `near` (N,) to `b` at `far`; NaN beside them. All in px.

    In the plane through the axis and the line of sight, the capsule is a stadium of half width w = √(r² - q²), q the distance
    from that plane's trace. A line of sight at s along the axis first meets the ball whose centre lies at
    t = (s - w·Δz / length) / Δxy of the axis, limited to its two ends.
    """
    along = b - a
    flat = np.maximum(np.linalg.norm(along, axis=1), np.float32(1e-3))
    rise = far - near
    slope = (rise / np.sqrt(flat * flat + rise * rise))[:, None, None]
    ux, uy = ((along[:, axis] / flat)[:, None, None] for axis in (0, 1))
    dx, dy = x - a[:, 0, None, None], y - a[:, 1, None, None]
    s = dx * ux + dy * uy
    q = dy * ux - dx * uy
    square = np.square(radius)[:, None, None] - q * q
    half = np.sqrt(np.maximum(square, 0))
    length = flat[:, None, None]
    t = np.clip((s - half * slope) / length, 0, 1)
    inside = square - np.square(s - t * length)
    with np.errstate(invalid="ignore"):
        front: Floats = near[:, None, None] + t * rise[:, None, None] - np.sqrt(inside)
    return front
