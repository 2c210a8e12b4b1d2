"""Pictures and labels as arrays, and the two domains as a data set."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from gantool.components import Pair
from gantool.datasets import Rendered
from gantool.errors import GantoolError

from ..options import MIN_SIDE, EyesOptions
from . import camera, geometry, synthetic
from .geometry import Floats
from .layers import rasterise

DomainName = Literal["synthetic", "camera"]
LABELS = ("gaze_pitch_yaw_rad", "pupil_xy", "corners_xy", "lids_xy")
"""Names of the labels, which `render` and `EyeDomain.labels` give."""

_TARGET_FIRST = 2**40
"""First index of the target domain, beyond every possible index of the source: the two share no geometry."""
_TEST_FIRST, _TEST_COUNT = 2**41, 2000
"""Camera pictures of yet other eyes, for `gantool evaluate`: no run trains on them, whatever its `real_count`."""
_CHUNK_PIXELS = 2**16
"""Pixels rendered at once. The temporary maps then stay in the processor's cache, whatever the number of pictures."""


def render(
    indices: NDArray[np.integer] | Sequence[int],
    *,
    domain: DomainName,
    size: tuple[int, int] = (35, 55),
    color: bool = False,
    seed: int = 0,
) -> tuple[NDArray[np.uint8], dict[str, Floats]]:
    """Render eyes, (N,) non-negative indices -> (N, H, W, C) uint8 with C = 1 or 3, and their labels.

    A picture is a pure function of (seed, domain, index, size, color), and its geometry of (seed, index, size): the pictures
    of one index in the two domains lie exactly over each other and have the same labels.

    Labels are float32: `gaze_pitch_yaw_rad` (N, 2), `pupil_xy` (N, 2), `corners_xy` (N, 2, 2) inner then outer corner,
    `lids_xy` (N, 10, 2) upper then lower lid, each from the inner to the outer corner. Positions are (x, y) in pixels, y down,
    pixel centres at integers; `simgan_plugin.eyes.geometry` says how gaze is measured. A pupil may lie under a lid.

    Raises `GantoolError` for an unknown domain and a size below 8x8, `ValueError` for a negative index.
    """
    rows = _check(indices, domain, size)
    return _pictures(rows, domain, size, color, seed), _labels(rows, size, seed)


class EyeDomain(Rendered):
    """Eyes number `first` to `first + count - 1` of one domain, map-style: rendered when read, nothing held.

    Labels are as of `render`. Raises `GantoolError` for an unknown domain and a size below 8x8.
    """

    def __init__(
        self, domain: DomainName, count: int, size: tuple[int, int], color: bool = False, seed: int = 0, first: int = 0
    ) -> None:
        _check(np.array([first]), domain, size)
        super().__init__(
            f"built-in eyes, {domain}",
            range(first, first + count),
            partial(_pictures, domain=domain, size=size, color=color, seed=seed),
            partial(_labels, size=size, seed=seed),
        )


def eyes(*, config: EyesOptions) -> Pair:
    """Make the built-in data set: clean renders, camera-like pictures of other eyes, and some with labels that no run trains on.

    It shows the mechanism offline; it is no substitute for real pictures.
    """
    return Pair(
        source=EyeDomain("synthetic", config.synthetic_count, config.size, config.color, config.seed),
        target=EyeDomain("camera", config.real_count, config.size, config.color, config.seed, _TARGET_FIRST),
        test=EyeDomain("camera", _TEST_COUNT, config.size, config.color, config.seed, _TEST_FIRST),
    )


def _pictures(indices: NDArray[np.int64], domain: DomainName, size: tuple[int, int], color: bool, seed: int) -> NDArray[np.uint8]:
    images = np.empty((len(indices), *size, 3 if color else 1), np.uint8)
    step = max(1, _CHUNK_PIXELS // (size[0] * size[1]))
    for start in range(0, len(indices), step):
        rows = indices[start : start + step]
        eyes = geometry.draw(seed, rows, size)
        layers = rasterise(eyes, size)
        if domain == "synthetic":
            scene = synthetic.shade(eyes, layers, seed, rows, color=color)
        else:
            scene = camera.shade(eyes, layers, seed, rows, color=color)
        images[start : start + step] = np.rint(np.clip(scene, 0, 1) * np.float32(255)).transpose(0, 2, 3, 1)
    return images


def _labels(indices: NDArray[np.int64], size: tuple[int, int], seed: int) -> dict[str, Floats]:
    return geometry.labels(geometry.draw(seed, indices, size))


def _check(indices: NDArray[np.integer] | Sequence[int], domain: str, size: tuple[int, int]) -> NDArray[np.int64]:
    if domain not in get_args(DomainName):
        raise GantoolError(f"no eye domain {domain!r}: give {' or '.join(get_args(DomainName))}")
    if min(size) < MIN_SIDE:
        raise GantoolError(f"size {size[0]}x{size[1]} is too small for an eye: give at least {MIN_SIDE}x{MIN_SIDE}")
    rows = np.asarray(indices, np.int64)
    if (rows < 0).any():
        raise ValueError(f"indices of eyes start at 0, got {rows.min()}")
    return rows
