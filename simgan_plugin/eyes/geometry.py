"""Where everything is: the parameters of each eye, and its labels.

Coordinates are image pixels, x to the right, y down, pixel centres at integers. The inner corner is at image left.

Gaze is a unit vector in camera coordinates (x right, y down, z away from the camera),
(-cos(pitch) sin(yaw), -sin(pitch), -cos(pitch) cos(yaw)), so pitch = asin(-y) and yaw = atan2(-x, -z): at (0, 0) the eye looks
into the camera, **positive pitch moves the pupil up and positive yaw moves it left** in the image. This is MPIIGaze's convention.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .hashing import Uniforms, keys

Floats = NDArray[np.floating[Any]]
"""float32 throughout; numpy's stubs say float64 for `1 - x`."""

MAX_PITCH_RAD, MAX_YAW_RAD = 0.35, 0.5
LID_POSITIONS = (-2 / 3, -1 / 3, 0.0, 1 / 3, 2 / 3)
"""Where along the eye the lid key points are: -1 at the inner corner, 1 at the outer one."""

_STREAM = 0
_ASPECT = 55 / 35
# Lengths below are in half widths of the eye opening. An adult's opening is about 30 mm wide, the iris 11.7 mm, and its plane
# lies 10.5 mm in front of the eyeball's centre.
_IRIS_TO_CENTRE = 0.72


@dataclass(frozen=True)
class Geometry:
    """N eyes. Every array is float32 with N rows; lengths are in pixels unless they say "relative"."""

    gaze: Floats
    """(N, 2) pitch and yaw in radians, uniform in ±0.35 and ±0.5."""
    centre: Floats
    """(N, 2) x and y of the middle between the eye corners."""
    eyeball: Floats
    """(N, 2) x and y of the eyeball's centre, near `centre`."""
    half_width: Floats
    """(N,) half the distance of the corners."""
    roll: Floats
    """(N,) radians by which the outer corner is turned down. Gaze is measured along the camera's axes and does not turn."""
    lid_heights: Floats
    """(N, 2) relative height of upper and lower lid over the line of the corners."""
    lid_skews: Floats
    """(N, 2) how far the highest point of each lid lies towards the inner corner."""
    iris_radius: Floats
    """(N,) of the disc, before foreshortening."""
    pupil_radius: Floats
    """(N,) of the disc, before foreshortening."""
    scale: float
    """Width in pixels of a picture of the paper's shape, 35:55, that fits into this one: the unit of blur and texture."""

    @property
    def direction(self) -> Floats:
        """(N, 3) unit gaze vector in camera coordinates."""
        pitch, yaw = self.gaze.T
        vector = (-np.cos(pitch) * np.sin(yaw), -np.sin(pitch), -np.cos(pitch) * np.cos(yaw))
        return np.stack(vector, axis=1)

    @property
    def pupil(self) -> Floats:
        """(N, 2) x and y of the pupil's centre, which is also the iris's."""
        return self.eyeball + np.float32(_IRIS_TO_CENTRE) * self.half_width[:, None] * self.direction[:, :2]


def draw(seed: int, indices: NDArray[np.int64], size: tuple[int, int]) -> Geometry:
    """Draw the eyes with these indices, (N,), for pictures of `size` (H, W): each a pure function of (seed, index, size)."""
    height, width = size
    scale = min(width, height * _ASPECT)
    between = Uniforms(keys(seed, _STREAM, indices)).between
    pitch, yaw = between(-MAX_PITCH_RAD, MAX_PITCH_RAD), between(-MAX_YAW_RAD, MAX_YAW_RAD)
    half_width = between(0.36, 0.41) * scale
    x, y = (width - 1) / 2 + scale * between(-0.035, 0.035), (height - 1) / 2 + scale * between(-0.02, 0.06)
    eyeball_x, eyeball_y = x + half_width * between(-0.04, 0.04), y + half_width * between(-0.07, 0.01)
    # Lids follow the pupil, the upper one more: without that, eyes that look down would be shut.
    opening = 1 - between(0, 0.4, power=2)
    drop = -_IRIS_TO_CENTRE * np.sin(pitch)
    upper = np.maximum(between(0.36, 0.52) * opening - 0.5 * drop, 0.08)
    lower = np.maximum(between(0.22, 0.34) * opening + 0.4 * drop, 0.08)
    return Geometry(
        gaze=_float32(pitch, yaw),
        centre=_float32(x, y),
        eyeball=_float32(eyeball_x, eyeball_y),
        half_width=half_width.astype(np.float32),
        roll=between(-0.1, 0.1).astype(np.float32),
        lid_heights=_float32(upper, lower),
        lid_skews=_float32(between(0.02, 0.2), between(-0.2, 0.02)),
        iris_radius=(half_width * between(0.37, 0.43)).astype(np.float32),
        pupil_radius=(half_width * 0.4 * between(0.32, 0.5)).astype(np.float32),
        scale=scale,
    )


def labels(eyes: Geometry) -> dict[str, Floats]:
    """The exact labels, without rendering. The key points of a lid run from the inner to the outer corner, upper lid first."""
    at = np.array(LID_POSITIONS, np.float32)[None]
    upper, lower = (lid(eyes, side, at) for side in (0, 1))
    return {
        "gaze_pitch_yaw_rad": eyes.gaze,
        "pupil_xy": eyes.pupil,
        "corners_xy": _to_image(eyes, np.array([[-1, 1]], np.float32), np.zeros((1, 2), np.float32)),
        "lids_xy": np.concatenate((_to_image(eyes, at, upper), _to_image(eyes, at, lower)), axis=1),
    }


def lid(eyes: Geometry, side: int, u: Floats) -> Floats:
    """Place v, positive down, of the upper (`side` 0) or lower (1) lid at `u`, (N or 1, ...): a parabola with a skewed argument.

    Both are in half widths of the opening; `u` is -1 at the inner corner and 1 at the outer one.
    """
    shape = (-1,) + (1,) * (u.ndim - 1)
    height, skew = eyes.lid_heights[:, side].reshape(shape), eyes.lid_skews[:, side].reshape(shape)
    skewed = u + skew * (1 - u * u)
    return (height if side else -height) * (1 - skewed * skewed)


def _to_image(eyes: Geometry, u: Floats, v: Floats) -> Floats:
    """Eye coordinates (N or 1, K), relative, u from corner to corner and v down across -> image x and y, (N, K, 2)."""
    cos, sin, half = np.cos(eyes.roll)[:, None], np.sin(eyes.roll)[:, None], eyes.half_width[:, None]
    return eyes.centre[:, None] + np.stack((half * (cos * u - sin * v), half * (sin * u + cos * v)), axis=-1)


def _float32(*columns: NDArray[np.float64]) -> Floats:
    return np.stack(columns, axis=1).astype(np.float32)
