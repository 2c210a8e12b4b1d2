"""Large images in overlapping tiles: the result of the whole image, in the memory of one tile.

A convolutional network looks at a pixel's surroundings only, its receptive field. Neighbouring tiles share at least that many
pixels, and what a tile computed within half of them from an inner edge is thrown away: it saw the network's padding where
the image goes on. At the border of the image nothing is cut off, so there the padding is that of the whole image.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch

from ..errors import GantoolError
from .tensors import TOLERANCE

LARGE = 2**20
"""Pixels above which an image is tiled unless told otherwise."""
SIDE = 1024
"""Side in pixels of those tiles, their overlap included."""

_GRID = 32
"""Tiles begin at multiples of it, so that a network which halves the image up to five times sees the same grid in each."""
_PROBES = (96, 192, 384)
"""Sides in pixels of the images on which a receptive field is measured, one after the other until it fits."""

Apply = Callable[[torch.Tensor], torch.Tensor]
"""(N, C, H, W) to (N, c, H, W)."""


class NotTileable(GantoolError):
    """A network whose pixels depend on the whole image, so that tiles would show."""


@dataclass(frozen=True)
class Tiling:
    """Which images are tiled, and how. Raises `GantoolError` for sizes that make no tiles."""

    side: int | None = None
    """Side in pixels of a tile, overlap included; images that fit into one are not tiled. None: `SIDE`, for images above
    `LARGE` pixels; 0: never."""
    overlap: int | None = None
    """Pixels that neighbouring tiles share at least. None: the receptive field, stated by the network or measured."""

    def __post_init__(self) -> None:
        if self.overlap is not None and self.overlap < 0:
            raise GantoolError(f"--tile-overlap {self.overlap}: at least 0")
        if self.side and self.overlap is not None:
            _check(self.side, self.overlap)

    def wants(self, height: int, width: int) -> bool:
        """Whether an image of this size is tiled."""
        if self.side is None:
            return height * width > LARGE
        return 0 < self.side < max(height, width)


def refine_tiled(network: Apply, images: torch.Tensor, *, tile: int, overlap: int) -> torch.Tensor:
    """Apply a network in tiles, one tile of one image at a time, so that its memory does not grow with the image's.

    Args:
        network: Keeps height and width.
        images: (N, C, H, W).
        tile: Side in pixels of a tile: the network never sees more than tile² pixels of one image.
        overlap: Pixels that neighbouring tiles share.

    Returns:
        (N, c, H, W), equal to `network(images)` up to rounding where the network is convolutional and the overlap is at least its
        receptive field, as `find_overlap` finds it.

    Raises:
        GantoolError: The tile is too small for the overlap, or the network changes the size.

    Example:
        >>> refined = refine_tiled(network, images, tile=1024, overlap=find_overlap(network, channels=3))
    """
    _check(tile, overlap)
    height, width = images.shape[-2:]
    rows, columns = list(_spans(height, tile, overlap)), list(_spans(width, tile, overlap))
    refined: torch.Tensor | None = None
    for number in range(len(images)):
        for top in rows:
            for left in columns:
                seen = images[number : number + 1, :, top.start : top.stop, left.start : left.stop]
                answer = network(seen)
                if answer.shape[-2:] != seen.shape[-2:]:
                    raise GantoolError(f"a network that turns {tuple(seen.shape)} into {tuple(answer.shape)} cannot be tiled")
                if refined is None:
                    refined = answer.new_empty(len(images), answer.shape[1], height, width)
                refined[number, :, top.keep, left.keep] = answer[0, :, top.inner, left.inner]
    return network(images) if refined is None else refined


@torch.inference_mode(False)
def find_overlap(module: torch.nn.Module, channels: int) -> int:
    """Return the overlap in pixels that `module` needs: its receptive field, checked on a small random image.

    A network says its receptive field (the side in pixels of the square of the input that an output pixel depends on) as an
    attribute `receptive_field` of itself or of its `config`; otherwise it is measured by gradients.

    Raises:
        NotTileable: Tiled and untiled differ all the same, as they do with instance normalisation, attention and global pooling.
    """
    stated = getattr(module, "receptive_field", None) or getattr(getattr(module, "config", None), "receptive_field", None)
    overlap = int(stated) if stated else _measure(module, channels)
    difference = _difference(module, channels, overlap)
    if not difference <= TOLERANCE:
        said = f"although it states a receptive field of {overlap} px" if stated else "as with a normalisation over the image"
        raise NotTileable(f"tiles would show: they differ by {difference:.1g} from the whole image, {said}")
    return overlap


@dataclass(frozen=True)
class _Span:
    """A tile along one axis."""

    start: int
    stop: int
    """What the network sees."""
    keep: slice
    """Where its result goes in the image."""

    @property
    def inner(self) -> slice:
        """That part in the tile."""
        return slice(self.keep.start - self.start, self.keep.stop - self.start)


def _spans(length: int, tile: int, overlap: int) -> Iterator[_Span]:
    """Yield the tiles along an axis; all are `tile` long but the last one, which may be up to `_GRID` shorter."""
    cut = (overlap + 1) // 2
    grid = _grid(tile, cut)
    step = (tile - 2 * cut) // grid * grid
    last = max(0, -(-(length - tile) // grid) * grid)
    start = done = 0
    while start < last:
        keep = slice(done, start + tile - cut)
        yield _Span(start, start + tile, keep)
        done, start = keep.stop, min(start + step, last)
    yield _Span(last, length, slice(done, length))


def _grid(tile: int, cut: int) -> int:
    """The largest power of two up to `_GRID` that leaves room for a step."""
    grid = _GRID
    while tile - 2 * cut < 2 * grid and grid > 1:
        grid //= 2
    return grid


def _check(tile: int, overlap: int) -> None:
    if tile < 2 * overlap + 2:
        raise GantoolError(f"--tile {tile} is too small for an overlap of {overlap} px: at least {2 * overlap + 2}")


def _random(module: torch.nn.Module, channels: int, side: int) -> torch.Tensor:
    like: Any = next(module.parameters(), torch.empty(0))
    generator = torch.Generator().manual_seed(0)
    return (torch.rand(1, channels, side, side, generator=generator) * 2 - 1).to(like.device, like.dtype)


def _measure(module: torch.nn.Module, channels: int) -> int:
    """The receptive field by gradients: how far beyond a block of output pixels the input still counts."""
    for side in _PROBES:
        low, high = (side - _GRID) // 2, (side + _GRID) // 2
        with torch.enable_grad():
            images = _random(module, channels, side).requires_grad_()
            block = module(images)[..., low:high, low:high]
            (gradient,) = torch.autograd.grad((block * _random(module, block.shape[1], _GRID)).sum(), images)
        counts = gradient[0].abs().sum(0)
        reached = [torch.nonzero(counts.sum(axis)).flatten() for axis in (0, 1)]
        radius = max((max(low - int(found[0]), int(found[-1]) + 1 - high) for found in reached if len(found)), default=0)
        if radius < low:
            return 2 * max(radius, 0) + 1
    raise NotTileable(f"a pixel depends on others more than {radius - 1} px away, perhaps on the whole image")


@torch.no_grad()
def _difference(module: torch.nn.Module, channels: int, overlap: int) -> float:
    tile = -(-2 * overlap // _GRID) * _GRID + 2 * _GRID
    images = _random(module, channels, 2 * tile)
    # Bright on one side and dark on the other: what depends on the mean of the image shows.
    images = images * torch.linspace(0, 1, images.shape[-1], device=images.device, dtype=images.dtype)
    return float((refine_tiled(module, images, tile=tile, overlap=overlap) - module(images)).abs().max())
