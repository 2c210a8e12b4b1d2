"""The arithmetic that all transforms share: images in [0, 1] through a network that works in [-1, 1]."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ..ambient import guest
from ..errors import GantoolError, InvalidValue
from ..model.tiling import NotTileable, Tiling, find_overlap, refine_tiled
from ..noise import pixel_noise

TOLERANCE = 0.05
"""How far beyond [0, 1] pixels may be, since resizing with a bicubic kernel overshoots; they are clipped."""


Network = Callable[[Tensor], Tensor]
"""(N, C, H, W) in [-1, 1] to the same shape."""


class Tiles:
    """Applies a network to large images in tiles, whose memory does not grow with the image; the result is the same."""

    @guest()
    def __init__(self, network: nn.Module, channels: int, side: int, where: str) -> None:
        """`side`: of a tile in pixels. Raises `GantoolError` where it is too small, or where tiles would show."""
        if not isinstance(side, int) or side < 1:
            raise InvalidValue(f"{where} tile: a side in pixels, got {side!r}")
        try:
            self._overlap = find_overlap(network, channels)
        except NotTileable as error:
            raise NotTileable(f"{where} tile: {error}; leave it out to compute images whole") from None
        self._tiling = Tiling(side, self._overlap)
        self._side = side

    def __call__(self, network: Network, images: Tensor) -> Tensor:
        """Apply `network` to (N, C, H, W)."""
        if not self._tiling.wants(*images.shape[-2:]):
            return network(images)
        return refine_tiled(network, images, tile=self._side, overlap=self._overlap)


def refine_pixels(network: Network, images: Tensor, strength: Tensor, colours: int) -> Tensor:
    """x + s (R(x) − x): (N, C, H, W) floats in [0, 1] and (N,) strengths in [0, 1] to the same shape and dtype, in [0, 1].

    Channels behind the first `colours` are conditions, as the network sees them, and come back as they were.
    The network gets float32, or float64 of such images. Raises `GantoolError` for a network that changes the shape.
    """
    images, known = clip(images[:, :colours], 0, 1), images[:, colours:]
    inputs = (images.to(torch.promote_types(images.dtype, torch.float32)) * 2 - 1).contiguous(memory_format=torch.channels_last)
    outputs = network(torch.cat([inputs, known.to(inputs.dtype)], dim=1) if known.shape[1] else inputs)
    if outputs.shape != inputs.shape:
        raise GantoolError(f"the network turns {tuple(inputs.shape)} into {tuple(outputs.shape)}: it must keep the shape")
    refined = (clip(outputs.to(inputs.dtype), -1, 1) + 1) / 2
    moved = torch.lerp(images, refined.to(images.dtype), strength.to(images.device, images.dtype).view(-1, 1, 1, 1))
    return torch.cat([moved, known], dim=1) if known.shape[1] else moved


def refine_rows(network: Network, images: Tensor, strength: Tensor, chosen: Tensor, colours: int) -> Tensor:
    """Refine the images that `chosen`, (N,) bool, says and leave the others bit for bit; the network sees only the former.

    `images`: as of `refine_pixels`, or uint8 of 0 to 255. `chosen` should be on the CPU: counting it elsewhere waits for the
    device. Inside a traced graph, whose shapes are fixed, all images pass the network.
    """
    if torch.compiler.is_compiling():
        refined = _refine_as_stored(network, images, strength, colours)
        return torch.where(chosen.to(images.device).view(-1, 1, 1, 1), refined, images)
    rows = chosen.nonzero().squeeze(1)
    if len(rows) == 0:
        return images
    if len(rows) == len(images):
        return _refine_as_stored(network, images, strength, colours)
    strength = strength[rows.to(strength.device)]
    rows = rows.to(images.device, non_blocking=True)
    refined = _refine_as_stored(network, images[rows], strength, colours)
    # Autocast would have both in one dtype, and on a CPU it knows no float16.
    with torch.autocast(images.device.type, enabled=False):
        return images.index_copy(0, rows, refined)


def _refine_as_stored(network: Network, images: Tensor, strength: Tensor, colours: int) -> Tensor:
    if images.dtype == torch.uint8:
        return (refine_pixels(network, images.float() / 255, strength, colours) * 255).round().to(torch.uint8)
    return refine_pixels(network, images, strength, colours)


def draw_keys(count: int) -> Tensor:
    """(count,) int64, on the CPU: of the noise of as many images."""
    return torch.randint(2**62, (count,), dtype=torch.int64, device="cpu")


def with_noise(network: Network, keys: Tensor, planes: int) -> Network:
    """Return a network of one input less: noise of `keys`, (N,) of the images that it will be given."""

    def apply(joined: Tensor) -> Tensor:
        noise = pixel_noise(keys.to(joined.device), planes, *joined.shape[2:])
        return network(torch.cat([joined, noise.to(joined.dtype)], dim=1))

    return apply


def clip(values: Tensor, low: float, high: float) -> Tensor:
    """Clamp, with the gradient of the identity on the closed range: black and white pixels are common, and at a bound the
    gradient of `clamp` is 0 or 1, depending on torch's version."""
    clamped = values.clamp(low, high)
    return torch.where(clamped == values, values, clamped)


def draw_strength(bounds: tuple[float, float], count: int) -> Tensor:
    """(count,) uniform between the bounds, on the CPU; equal bounds take no random number."""
    low, high = bounds
    draw = torch.rand if low < high else torch.zeros
    return draw(count, dtype=torch.float32, device="cpu") * (high - low) + low


def check_range(images: Tensor, where: str) -> None:
    """Raise `InvalidValue` unless floats are in [0, 1], NaN included. Waits for the device."""
    if images.dtype == torch.uint8 or images.numel() == 0:
        return
    low, high = (float(bound) for bound in images.detach().aminmax())
    if math.isnan(low):
        raise InvalidValue(f"{where} takes images in [0, 1], got NaN among the values: look at what comes before it")
    if not (low >= -TOLERANCE and high <= 1 + TOLERANCE):
        raise InvalidValue(
            f"{where} takes images in [0, 1], got {low:.3g} to {high:.3g}: divide 8-bit values by 255, and normalise after it"
        )


def check_strength(strength: Any, where: str) -> tuple[float, float]:
    """Return the two bounds as floats. Raises `InvalidValue`."""
    if isinstance(strength, Sequence) and len(strength) == 2 and all(isinstance(bound, int | float) for bound in strength):
        low, high = (float(bound) for bound in strength)
        if 0 <= low <= high <= 1:
            return low, high
    raise InvalidValue(f"{where} strength: two numbers, 0 ≤ low ≤ high ≤ 1, got {strength!r}")


def check_probability(p: Any, where: str) -> float:
    """Return `p` as a float. Raises `InvalidValue`."""
    if isinstance(p, int | float) and 0 <= p <= 1:
        return float(p)
    raise InvalidValue(f"{where} p: a probability between 0 and 1, got {p!r}")
