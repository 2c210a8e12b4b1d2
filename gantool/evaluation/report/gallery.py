"""What the run does to its own images: a grid, the worst cases, real neighbours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ..run_images import Drawn, RunImages, draw
from .measures import change, distances, edge_shift, reduced
from .pictures import Picture, difference_scale, differences, pictures

_SEARCHED, _SEARCHED_PIXELS = 256, 2**22
"""Synthetic images that worst cases are looked for in, fewer where they are large."""
_REAL, _REAL_VALUES = 2000, 2**26
"""Real images that neighbours are looked for in, likewise."""
_NEIGHBOURS = 3


@dataclass(frozen=True, kw_only=True)
class Pair:
    """An image before and after refining."""

    name: str
    synthetic: Picture
    refined: Picture
    difference: Picture
    change: float
    """Mean |R(x) - x|, share of the range black to white."""
    shift: float
    """See `measures.edge_shift`, px."""


@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """A refined image and the real ones that are most like it."""

    pair: Pair
    real: tuple[tuple[Picture, float], ...]
    """Nearest first, with the distance (see `measures.distances`)."""


@dataclass(frozen=True, kw_only=True)
class Nearness:
    """Median distance to the nearest real image."""

    synthetic: float
    refined: float
    real: float
    """Of real images to other real ones: as near as it gets."""
    compared: int
    """Real images."""


@dataclass(frozen=True, kw_only=True)
class Gallery:
    """Everything that the page shows of images."""

    pairs: tuple[Pair, ...]
    real: tuple[Picture, ...]
    worst: tuple[Pair, ...]
    neighbours: tuple[Neighbour, ...]
    nearness: Nearness | None
    """None where there are fewer than two real images."""
    scale: float
    """Difference that has full colour in the maps, share of the range."""
    searched: int
    mean_change: float
    synthetic_name: str
    real_name: str
    size: tuple[int, int]
    """(H, W) of the images, px."""


def make_gallery(images: RunImages, count: int, *, seed: int) -> Gallery:
    """Draw, refine and compare `count` images for the grid, and more for the worst cases. Raises `GantoolError`."""
    height, width = images.size
    searched = max(count, min(_SEARCHED, _SEARCHED_PIXELS // (height * width)))
    synthetic = draw(images.synthetic, searched, seed=seed)
    channels = synthetic.images.shape[1]
    real = draw(images.real, max(count, min(_REAL, _REAL_VALUES // (height * width * channels))), seed=seed)
    refined = images.refine(synthetic.images)
    shown = min(count, len(synthetic))
    shifts, changes = edge_shift(synthetic.images, refined), change(synthetic.images, refined)
    worst = np.argsort(-shifts, kind="stable")[: max(1, count // 3)]
    scale = difference_scale(synthetic.images[:shown], refined[:shown])
    chosen = list(range(shown)) + [int(index) for index in worst]
    pairs = _pairs(synthetic, refined, chosen, changes, shifts, scale)
    neighbours, nearness = _neighbours(synthetic.images, refined, real.images, pairs[: max(1, shown // 4)])
    return Gallery(
        pairs=pairs[:shown],
        real=tuple(pictures(real.images[:shown])),
        worst=pairs[shown:],
        neighbours=neighbours,
        nearness=nearness,
        scale=scale,
        searched=len(synthetic),
        mean_change=float(changes.mean()),
        synthetic_name=images.synthetic.name,
        real_name=images.real.name,
        size=images.size,
    )


def _pairs(
    synthetic: Drawn, refined: torch.Tensor, chosen: list[int], changes: np.ndarray, shifts: np.ndarray, scale: float
) -> tuple[Pair, ...]:
    before, after = synthetic.images[chosen], refined[chosen]
    rows = zip(chosen, pictures(before), pictures(after), differences(before, after, scale), strict=True)
    return tuple(
        Pair(name=synthetic.names[i], synthetic=a, refined=b, difference=d, change=float(changes[i]), shift=float(shifts[i]))
        for i, a, b, d in rows
    )


def _neighbours(
    synthetic: torch.Tensor, refined: torch.Tensor, real: torch.Tensor, pairs: tuple[Pair, ...]
) -> tuple[tuple[Neighbour, ...], Nearness | None]:
    """`pairs`: of the first refined images, whose neighbours are shown."""
    if len(real) < 2:
        return (), None
    known = reduced(real)
    found = distances(reduced(refined), known)
    among = distances(known[: len(refined)], known)
    among[range(len(among)), range(len(among))] = torch.inf  # an image is no neighbour of itself
    nearness = Nearness(
        synthetic=_median_nearest(distances(reduced(synthetic), known)),
        refined=_median_nearest(found),
        real=_median_nearest(among),
        compared=len(real),
    )
    nearest = found[: len(pairs)].topk(min(_NEIGHBOURS, len(real)), largest=False)
    shown = [
        Neighbour(pair=pair, real=tuple(zip(pictures(real[indices]), values, strict=True)))
        for pair, indices, values in zip(pairs, nearest.indices.tolist(), nearest.values.tolist(), strict=True)
    ]
    return tuple(shown), nearness


def _median_nearest(found: torch.Tensor) -> float:
    return float(found.min(dim=1).values.median())
