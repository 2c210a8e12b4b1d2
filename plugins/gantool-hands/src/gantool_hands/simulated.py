"""Simulated hands as a data set: clean renders, and what a structured-light camera would make of other hands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .depth_map import Background, encode
from .draws import Floats, Indices, normals, uniforms
from .options import SimulatedOptions
from .render import View, depth, frame, project
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
_CHUNK_LABELS = 4096


@dataclass(frozen=True, kw_only=True)
class Look:
    """What all images of a domain have in common."""

    size: tuple[int, int]
    """(H, W) in px."""
    relief_mm: float
    background: Background
    grain_mm: float
    seed: int


class SimulatedDomain:
    """Hands number `first` to `first + count - 1` of one domain, map-style: rendered when read, nothing held."""

    def __init__(self, domain: DomainName, count: int, look: Look, first: int = 0) -> None:
        self.name = f"simulated hands, {domain}"
        self._domain, self._look = domain, look
        self._indices = range(first, first + count)

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index: int) -> NDArray[np.uint16]:
        """(H, W, 1) uint16. Raises `IndexError` outside the domain."""
        image: NDArray[np.uint16] = self.read([index])[0]
        return image

    def block(self, start: int, stop: int) -> NDArray[np.uint16]:
        """Positions `start` to `stop`, which the host asks for where it reads a whole domain."""
        return self.read(range(start, stop))

    def read(self, positions: Sequence[int]) -> NDArray[np.uint16]:
        """(n,) positions in the domain -> (n, H, W, 1) uint16: many times faster than as many single items."""
        rows = np.array([self._indices[int(position)] for position in positions], np.int64)
        return render(rows, self._domain, self._look)

    @cached_property
    def labels(self) -> dict[str, Floats]:
        """`joints_xy` (N, 14, 2): x and y in px, pixel centres at integers, visible or not. `joints_depth_mm` (N, 14): distance
        from the camera. Both in the order of `joints.NAMES`, float32. Nothing is rendered for them."""
        starts = range(self._indices.start, self._indices.stop, _CHUNK_LABELS)
        found = [self._joints(start, min(start + _CHUNK_LABELS, self._indices.stop)) for start in starts]
        return {"joints_xy": np.concatenate([xy for xy, _ in found]), "joints_depth_mm": np.concatenate([z for _, z in found])}

    def _joints(self, start: int, stop: int) -> tuple[Floats, Floats]:
        hands, view = _scene(np.arange(start, stop, dtype=np.int64), self._look)
        return project(hands.joints, view), hands.joints[..., 2]


@dataclass(frozen=True)
class SimulatedDomains:
    """The data set."""

    source: SimulatedDomain
    target: SimulatedDomain
    test: SimulatedDomain
    """Camera images that training never draws, whose labels count."""


def simulated(*, config: SimulatedOptions) -> SimulatedDomains:
    """Make the data set. It shows the mechanism offline; it is no substitute for real images."""
    look = Look(
        size=config.size,
        relief_mm=config.relief_mm,
        background=config.background,
        grain_mm=config.grain_mm,
        seed=config.seed,
    )
    return SimulatedDomains(
        source=SimulatedDomain("synthetic", config.synthetic_count, look),
        target=SimulatedDomain("camera", config.real_count, look, _TARGET_FIRST),
        test=SimulatedDomain("camera", _TEST_COUNT, look, _TEST_FIRST),
    )


def render(indices: Indices, domain: DomainName, look: Look) -> NDArray[np.uint16]:
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


def _scene(rows: Indices, look: Look) -> tuple[Hands, View]:
    hands = pose(look.seed, rows)
    drawn = uniforms(look.seed, _FRAMING, rows, (3,))
    return hands, frame(hands.joints, look.size, 0.14 + 0.14 * drawn[:, 0], 0.08 * (drawn[:, 1:] - 0.5))
