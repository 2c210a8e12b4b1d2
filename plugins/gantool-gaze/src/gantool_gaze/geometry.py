"""Directions and angles in one convention, whatever a source has.

Camera axes: x right in the image, y down, z away from the camera; somebody who looks into the camera has (0, 0, -1). Angles as in
MPIIGaze (Zhang et al. 2015): pitch = asin(-y), positive upwards, and yaw = atan2(-x, -z), positive towards the image's left.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def pitch_yaw(vectors: ArrayLike) -> Floats:
    """(N, 3) directions of any length in camera axes to (N, 2) pitch and yaw in radians. Raises `ValueError` as `unit` does."""
    x, y, z = unit(vectors).T
    return np.stack((np.arcsin(np.clip(-y, -1, 1)), np.arctan2(-x, -z)), axis=1)


def unit(vectors: ArrayLike) -> Floats:
    """(N, 3) to the same of length 1. Raises `ValueError` for a row that is zero or not finite."""
    rows = np.asarray(vectors, np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    bad = np.flatnonzero(~np.isfinite(lengths) | (lengths < 1e-6))
    if len(bad):
        raise ValueError(f"row {bad[0]} is no direction: {rows[bad[0]].tolist()}")
    directions: Floats = rows / lengths
    return directions


def from_unity(vectors: ArrayLike) -> Floats:
    """(N, 3) in Unity's camera space (x right, y up, z away from the camera) to camera axes: y changes its sign."""
    return np.asarray(vectors, np.float64) * (1, -1, 1)


def facing_from_unity(euler: ArrayLike) -> Floats:
    """(N, 3) `head_pose` of UnityEyes to the directions in which faces look, in camera axes.

    It is the rotation of the camera, not of the head: Euler angles in degrees, applied about z, then x, then y. The head stands
    still and faces the world's +z, so its direction in the camera is the last row of the camera's rotation matrix.
    """
    x, y, z = np.radians(np.asarray(euler, np.float64)).T
    last_row = (
        -np.sin(y) * np.cos(z) + np.cos(y) * np.sin(x) * np.sin(z),
        np.sin(y) * np.sin(z) + np.cos(y) * np.sin(x) * np.cos(z),
        np.cos(y) * np.cos(x),
    )
    return from_unity(np.stack(last_row, axis=1))


def facing_from_rotation(vectors: ArrayLike) -> Floats:
    """(N, 3) rotation vectors of heads (MPIIGaze) to the directions in which faces look, in camera axes.

    The head's z points from the face to the back of the head, so it is the rotated z with the sign changed.
    """
    rows = np.asarray(vectors, np.float64)
    angle = np.linalg.norm(rows, axis=1, keepdims=True)
    axis = np.divide(rows, angle, out=np.zeros_like(rows), where=angle > 0)
    z = np.array([0.0, 0.0, 1.0])
    # Rodrigues' formula, for one vector.
    turned = z * np.cos(angle) + np.cross(axis, z) * np.sin(angle) + axis * axis[:, 2:] * (1 - np.cos(angle))
    facing: Floats = -turned
    return facing


def from_wall(vertical: ArrayLike, horizontal: ArrayLike) -> Floats:
    """(N,) and (N,) degrees of Columbia to (N, 3) directions in camera axes.

    Targets are marks on a wall that is at right angles to the camera's axis, so rows of one vertical angle are straight lines.
    Positive is up, and to the image's right.
    """
    up, right = (np.tan(np.radians(np.asarray(angles, np.float64))) for angles in (vertical, horizontal))
    return unit(np.stack((right, -up, -np.ones_like(up)), axis=1))


def mirrored(vectors: ArrayLike) -> Floats:
    """(N, 3) directions in camera axes as they look in the mirrored image."""
    return np.asarray(vectors, np.float64) * (-1, 1, 1)


def gaze_labels(gaze: ArrayLike, facing: ArrayLike | None = None) -> dict[str, NDArray[np.float32]]:
    """Directions of gaze, and of faces where they are known, (N, 3) in camera axes, to the labels that every source has.

    float32: `gaze_pitch_yaw_rad` (N, 2), `gaze_xyz` (N, 3) of length 1, `head_pitch_yaw_rad` (N, 2). Raises `ValueError` as
    `unit` does.
    """
    rows = {"gaze_pitch_yaw_rad": pitch_yaw(gaze), "gaze_xyz": unit(gaze)}
    if facing is not None:
        rows["head_pitch_yaw_rad"] = pitch_yaw(facing)
    return {name: values.astype(np.float32) for name, values in rows.items()}
