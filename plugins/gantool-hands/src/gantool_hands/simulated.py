"""Simulated hands as a data set: clean renders, and what a structured-light camera would make of other hands."""

from __future__ import annotations

from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gantool.components import Pair
from gantool.datasets import Rendered

from .draws import Floats, Indices, normals, uniforms
from .options import SimulatedOptions
from .render import View, depth, encode, frame, project
from .sensor import sense
from .skeleton import Hands, pose

DomainName = Literal["synthetic", "camera"]

_FRAMING, _GRAIN = 1, 2
"""Streams of `draws`; 0 is the pose's."""
_TARGET_FIRST = 2**40
"""First index of the target domain, beyond every index of the source: the two share no pose."""
_TEST_FIRST, _TEST_COUNT = 2**41, 2000
"""Camera images of yet other hands, for `gantool evaluate`: no run trains on them."""
_CHUNK_PIXELS = 2**16
"""Pixels rendered at once, so that temporary maps stay in the processor's cache."""


def hands(domain: DomainName, count: int, look: SimulatedOptions, first: int = 0) -> Rendered:
    """Hands number `first` to `first + count - 1` of one domain, map-style: rendered when read, nothing held.

    Labels, float32, in the order of `joints.NAMES`: `joints_xy` (N, 14, 2), x and y in px, pixel centres at integers, visible or
    not, and `joints_depth_mm` (N, 14), distance from the camera.
    """
    numbers = range(first, first + count)
    return Rendered(f"simulated hands, {domain}", numbers, partial(render, domain=domain, look=look), partial(_labels, look))


def simulated(*, config: SimulatedOptions) -> Pair:
    """Make the data set: clean renders, camera images of other hands, and some with labels that no run trains on.

    It shows the mechanism offline; it is no substitute for real images.
    """
    return Pair(
        source=hands("synthetic", config.synthetic_count, config),
        target=hands("camera", config.real_count, config, _TARGET_FIRST),
        test=hands("camera", _TEST_COUNT, config, _TEST_FIRST),
    )


def _labels(look: SimulatedOptions, rows: Indices) -> dict[str, Floats]:
    hands, view = _scene(rows, look)
    return {"joints_xy": project(hands.joints, view), "joints_depth_mm": hands.joints[..., 2]}


def render(indices: Indices, domain: DomainName, look: SimulatedOptions) -> NDArray[np.uint16]:
    """(N,) indices -> (N, H, W, 1) uint16. An image is a pure function of (seed, domain, index, size), and the pose one of
    (seed, index): the images of one index in the two domains lie over each other."""
    height, width = look.size
    images = np.empty((len(indices), height, width, 1), np.uint16)
    step = max(1, _CHUNK_PIXELS // (height * width))
    for start in range(0, len(indices), step):
        rows = indices[start : start + step]
        hands, view = _scene(rows, look)
        # In float64: the last bits of a float32 mean may depend on how many hands there are.
        middle = hands.joints[..., 2].astype(np.float64).mean(axis=1).astype(np.float32)
        seen = depth(hands, view)
        if domain == "camera":
            seen = sense(seen, view.scale, middle, look.seed, rows)
        elif look.grain_mm:
            seen = seen + np.float32(look.grain_mm) * normals(look.seed, _GRAIN, rows, look.size)
        centre = middle[:, None, None]
        images[start : start + step, ..., 0] = encode(seen, centre - look.relief_mm, centre + look.relief_mm, look.background)
    return images


def _scene(rows: Indices, look: SimulatedOptions) -> tuple[Hands, View]:
    hands = pose(look.seed, rows)
    drawn = uniforms(look.seed, _FRAMING, rows, (3,))
    return hands, frame(hands.joints, look.size, 0.14 + 0.14 * drawn[:, 0], 0.08 * (drawn[:, 1:] - 0.5))
