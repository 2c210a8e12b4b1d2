"""What a structured-light camera makes of a depth map: ragged edges, shadows, holes, steps.

After the noise of the first Kinect (Khoshelham and Elberink, Sensors 2012; Nguyen et al., 3DIMPVT 2012), exaggerated: its pixels
are about a millimetre wide at these distances, and pictures of the default size would show little of it. Nothing is moved on
average, so that labels stay true.
"""

from __future__ import annotations

import numpy as np

from .draws import Floats, Indices, Mask, normals, uniforms
from .render import EMPTY

# Streams of `draws`; 0 to 2 are the simulator's.
_LOOK, _WOBBLE, _CLUMPS, _GRAIN, _SPECKLE = 3, 4, 5, 6, 7
_BASELINE_MM = 75.0
"""From the projector to the camera."""
_CELLS = 32
"""Blobs of wobble and clumps along the shorter side, about 8 mm each: the camera matches its pattern in windows."""
_DEEPEST_MM = 100.0
_LEAST_MM = 10.0
"""Highest steps whose shadows are looked for, and steps that cast none."""


def sense(depth: Floats, scale: Floats, middle: Floats, seed: int, indices: Indices) -> Floats:
    """(N, H, W) mm, `EMPTY` beside the hand, as `render.depth` gives it -> the same, as the camera sees it.

    `scale`: (N,) focal lengths in px; `middle`: (N,) distances of the hands in mm. A picture is a pure function of
    (seed, index, size).
    """
    size = depth.shape[1:]
    mm = (middle / scale).astype(np.float32)  # of a pixel
    look = uniforms(seed, _LOOK, indices, (6,))
    cells = tuple(int(np.clip(np.ceil(_CELLS * side / min(size)), 2, 1024)) for side in size)
    clumps = _smooth(normals(seed, _CLUMPS, indices, cells), size)
    lost = _shadow(depth, mm, middle, look[:, 0] < 0.5) | _slanted(depth, mm, clumps, 3.1 + 1.3 * look[:, 1])
    lost |= uniforms(seed, _SPECKLE, indices, size) < (0.015 * look[:, 2] ** 2)[:, None, None]
    grain = normals(seed, _GRAIN, indices, size) * (0.5 + look[:, 3])[:, None, None]
    wobble = _smooth(normals(seed, _WOBBLE, indices, (2, *cells)), size)
    seen = _wobbled(depth, wobble * ((1.3 + 1.8 * look[:, 4]) / mm)[:, None, None, None])
    seen = _quantised(seen + grain + 1.5 * clumps, middle, 2 + 4 * look[:, 5])
    return np.where(lost, EMPTY, seen)


def _wobbled(depth: Floats, by: Floats) -> Floats:
    """Each pixel shows the place that lies `by` (N, 2, H, W) px beside its own, y first: outlines become ragged."""
    height, width = depth.shape[1:]
    y = np.clip(np.rint(np.arange(height)[:, None] + by[:, 0]), 0, height - 1).astype(np.intp)
    x = np.clip(np.rint(np.arange(width) + by[:, 1]), 0, width - 1).astype(np.intp)
    moved: Floats = depth[np.arange(len(depth))[:, None, None], y, x]
    return moved


def _shadow(depth: Floats, mm: Floats, middle: Floats, from_left: Mask) -> Mask:
    """(N, H, W) bool: what the projector does not reach, because something nearer stands beside it.

    A step of Δz hides Δz · baseline / Z of what lies behind it, on one side.
    """
    width = depth.shape[2]
    step = (middle * mm / _BASELINE_MM)[:, None, None]
    seen = np.where(from_left[:, None, None], depth, depth[:, :, ::-1])
    dark = np.zeros(depth.shape, bool)
    for pixels in range(1, min(width, int(_DEEPEST_MM / step.min()) + 1)):
        hidden = seen[:, :, :-pixels] + np.float32(_LEAST_MM) + pixels * step < seen[:, :, pixels:]
        # Whether a picture is looked at as far as this must not depend on what else is in the batch.
        dark[:, :, pixels:] |= hidden & (pixels * step <= _DEEPEST_MM)
    return np.where(from_left[:, None, None], dark, dark[:, :, ::-1]) & np.isfinite(depth)


def _slanted(depth: Floats, mm: Floats, clumps: Floats, limit: Floats) -> Mask:
    """(N, H, W) bool: surfaces that turn away from the camera, lost in clumps; mostly outlines."""
    near = np.where(np.isfinite(depth), depth, depth.dtype.type(1e5))
    slope = np.zeros_like(near)
    for axis in (1, 2):
        difference = np.abs(np.diff(near, axis=axis))
        ahead = [slice(None)] * 3
        behind = [slice(None)] * 3
        ahead[axis], behind[axis] = slice(1, None), slice(None, -1)
        slope[tuple(ahead)] = np.maximum(slope[tuple(ahead)], difference)
        slope[tuple(behind)] = np.maximum(slope[tuple(behind)], difference)
    # At an outline the slope has no end: cap it, so that the clumps decide there.
    slope = np.minimum(slope / mm[:, None, None], 4)
    lost: Mask = slope + clumps > (limit + 1)[:, None, None]
    return lost


def _quantised(depth: Floats, middle: Floats, step: Floats) -> Floats:
    """Depth follows from a disparity in whole steps: its steps, `step` mm at `middle`, grow with the square of the distance."""
    middle, step = middle[:, None, None], step[:, None, None]
    unit = middle * middle / step
    with np.errstate(divide="ignore", invalid="ignore"):
        stepped: Floats = unit / np.rint(unit / depth)
    return np.where(np.isfinite(depth), stepped, depth).astype(np.float32)


def _smooth(noise: Floats, size: tuple[int, ...]) -> Floats:
    """(..., h, w) to (..., H, W), linear in between; the spread stays near 1."""
    height, width = size
    rows, columns = _weights(noise.shape[-2], height), _weights(noise.shape[-1], width)
    # In between, a linear mixture of two normal values spreads less: by 1/√1.5 along each axis in the mean.
    smooth: Floats = np.matmul(np.matmul(rows, noise), columns.T) * np.float32(1.5)
    return smooth


def _weights(cells: int, pixels: int) -> Floats:
    """(pixels, cells): each pixel lies between two cells."""
    at = np.linspace(0, cells - 1, pixels, dtype=np.float32)[:, None]
    weights: Floats = np.maximum(0, 1 - np.abs(at - np.arange(cells, dtype=np.float32))).astype(np.float32)
    return weights
