"""What each pixel shows: its place in the eye, and how much of it lids, iris and pupil cover. Shared by both domains.

Arrays are (N, 1, H, W) float32; the axis of length 1 is where colour goes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .geometry import Floats, Geometry, lid


@dataclass(frozen=True)
class Layers:
    """N eyes as maps over their pixels. Coverages are in [0, 1] and one pixel wide at an edge, which is what smooths it."""

    u: Floats
    """Place along the eye: -1 at the inner corner, 1 at the outer one."""
    v: Floats
    """Place across the eye, positive below the line of the corners, in half widths of the opening."""
    below_upper: Floats
    """Distance to the upper lid's edge, in half widths, positive below it."""
    above_lower: Floats
    """Distance to the lower lid's edge, in half widths, positive above it."""
    opening: Floats
    """Coverage by the eyeball, between the lids."""
    iris: Floats
    """Coverage by iris and pupil, were there no lids."""
    pupil: Floats
    """Coverage by the pupil, were there no lids."""
    radius: Floats
    """Distance to the pupil's centre on the foreshortened iris disc: 1 at its rim."""
    iris_x: Floats
    iris_y: Floats
    """Place in the image relative to the pupil's centre, in radii of the iris."""
    eyeball: Floats
    """Squared distance to the eyeball's centre, in half widths of the opening."""

    @property
    def beside(self) -> Floats:
        """1 along the opening, 0 beyond the corners: the lids' curves go on there, and nothing is to be drawn along them."""
        beside: Floats = np.clip(3 * (1.12 - self.u * self.u), 0, 1)
        return beside


def rasterise(eyes: Geometry, size: tuple[int, int]) -> Layers:
    """Evaluate the geometry at every pixel of a picture of `size` (H, W)."""
    x = np.arange(size[1], dtype=np.float32)
    y = np.arange(size[0], dtype=np.float32)[:, None]
    half = per_eye(eyes.half_width)
    dx, dy = (x - per_eye(eyes.centre[:, 0])) / half, (y - per_eye(eyes.centre[:, 1])) / half
    cos, sin = per_eye(np.cos(eyes.roll)), per_eye(np.sin(eyes.roll))
    u, v = cos * dx + sin * dy, cos * dy - sin * dx
    below_upper, above_lower = _lid_distance(eyes, 0, u, v), -_lid_distance(eyes, 1, u, v)

    px, py = x - per_eye(eyes.pupil[:, 0]), y - per_eye(eyes.pupil[:, 1])
    iris = per_eye(eyes.iris_radius)
    gx, gy, gz = (per_eye(part) for part in eyes.direction.T)
    # A disc that faces along the gaze is seen shortened by |gz| in the direction (gx, gy): undo that before measuring radii.
    along = (px * gx + py * gy) / gz
    radius: Floats = np.sqrt(px * px + py * py + along * along)
    ex, ey = x - per_eye(eyes.eyeball[:, 0]), y - per_eye(eyes.eyeball[:, 1])
    return Layers(
        u=u,
        v=v,
        below_upper=below_upper,
        above_lower=above_lower,
        opening=coverage(np.minimum(below_upper, above_lower) * half),
        iris=coverage(iris - radius),
        pupil=coverage(per_eye(eyes.pupil_radius) - radius),
        radius=radius / iris,
        iris_x=px / iris,
        iris_y=py / iris,
        eyeball=(ex * ex + ey * ey) / (half * half),
    )


def coverage(inside: Floats) -> Floats:
    """Part of a pixel covered by a region whose edge is `inside` pixels away (positive inside), for a straight edge."""
    covered: Floats = np.clip(inside + np.float32(0.5), 0, 1)
    return covered


def per_eye(values: Floats) -> Floats:
    """(N,) -> (N, 1, 1, 1), to combine with maps."""
    return values.reshape(-1, 1, 1, 1)


def bump(distance: Floats, width: float) -> Floats:
    """1 at `distance` 0, a quarter at `width`, falling off to 0: a soft line or spot, without the cost of `exp`."""
    ratio = distance / width
    falloff: Floats = np.reciprocal(1 + ratio * ratio)
    return falloff * falloff


def _lid_distance(eyes: Geometry, side: int, u: Floats, v: Floats) -> Floats:
    """Distance to a lid's edge in half widths, positive below: the height difference over the length of the gradient."""
    height, skew = per_eye(eyes.lid_heights[:, side]), per_eye(eyes.lid_skews[:, side])
    skewed = u + skew * (1 - u * u)
    slope = 2 * height * skewed * (1 - 2 * skew * u)
    distance: Floats = (v - lid(eyes, side, u)) / np.sqrt(1 + slope * slope)
    return distance
