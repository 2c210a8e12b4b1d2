"""Conditions of generators as tensors, and a layer that lets any generator see them: public, for every plugin. Imports torch.

A condition is what is known of a picture beside its colours: a pass of its renderer, as `gantool.data.passes.condition` makes it.
One that is not there is zero everywhere. A generator gets them by name, so that it can treat each in a way of its own and no
order can be mistaken. Where a list of inputs has to be fixed (tiles, graphs, other programs), images and conditions are one
tensor, in the order of `Channels.conditions`, and `Joined` stands between the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .components import Channels


def split(joined: Tensor, channels: Mapping[str, int]) -> dict[str, Tensor]:
    """(N, K, H, W), the channels of all conditions, to (N, c, H, W) each, by name."""
    return dict(zip(channels, joined.split(list(channels.values()), dim=1), strict=True))  # type: ignore[no-untyped-call]


def join(conditions: Mapping[str, Tensor] | None, channels: Mapping[str, int], like: Tensor) -> Tensor:
    """Undo `split`.

    Args:
        conditions: (N, c, H, W) each, by name. Those that are missing are zero.
        channels: How many each has, in the order of the result.
        like: The images, (N, C, H, W), that they are of.

    Returns:
        (N, K, H, W), of the type of `like`.

    Raises:
        ValueError: A name that is not in `channels`, or another shape.
    """
    given, (count, _, *size) = conditions or {}, like.shape
    for name, values in given.items():
        if name not in channels:
            raise ValueError(f"no condition {name!r}: the generator was built for {', '.join(channels) or 'none'}")
        if not torch.compiler.is_compiling() and values.shape != (count, channels[name], *size):
            raise ValueError(f"condition {name} is {tuple(values.shape)}, not {(count, channels[name], *size)}")
    parts = [given[name] if name in given else like.new_zeros(count, own, *size) for name, own in channels.items()]
    return torch.cat(parts, dim=1).to(like.dtype)


class Modulation(nn.Module):
    """What conditions do to maps: a factor and an addend of each, by a 1×1 convolution of them all.

    Its weights are zero at first and it has no bias: a new one, and one whose conditions are all zero, changes nothing, so a
    generator that has learnt with conditions is whole without them. (The modulation of SPADE, Park et al., CVPR 2019, Eq. 1,
    without its normalisation.) A 1×1 kernel sees no neighbours, so it has no border, and what a generator says of its receptive
    field stays true.

    Example::

        maps = self.stem(images)
        if conditions:
            maps = self.modulation(maps, conditions)
    """

    def __init__(self, channels: Channels, width: int) -> None:
        """`width`: maps that are modulated."""
        super().__init__()
        self.channels = dict(channels.conditions)
        # Draws no random number: with the same seed, all other weights are those of a generator without conditions.
        self.weight = nn.Parameter(torch.zeros(2 * width, sum(self.channels.values()), 1, 1))

    def forward(self, maps: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """(N, width, H, W) -> the same shape. Raises `ValueError` for conditions that it was not built for."""
        factor, addend = F.conv2d(join(conditions, self.channels, maps), self.weight).chunk(2, dim=1)
        return maps * (1 + factor) + addend


class Listed(nn.Module):
    """A generator of a list of inputs: (N, C, H, W), then (N, c, H, W) of each of `inputs`: conditions, and noise as the last."""

    def __init__(self, generator: nn.Module, channels: Channels) -> None:
        super().__init__()
        self.generator, self.names, self.noise = generator, tuple(channels.conditions), channels.noise > 0

    def forward(self, images: Tensor, *others: Tensor) -> Tensor:
        """Images in [-1, 1] to the same shape and range."""
        given: dict[str, Any] = {"noise": others[-1]} if self.noise else {}
        if self.names:
            given["conditions"] = dict(zip(self.names, others, strict=not self.noise))
        refined: Tensor = self.generator(images, **given)
        return refined


def inputs(channels: Channels) -> dict[str, int]:
    """Return the inputs of a generator by name, images first, and the channels of each."""
    return {"images": channels.images, **channels.conditions, **({"noise": channels.noise} if channels.noise else {})}


class Joined(nn.Module):
    """A generator of one input: (N, C + K, H, W), images, then conditions, then noise, to (N, C, H, W)."""

    def __init__(self, generator: nn.Module, channels: Channels) -> None:
        super().__init__()
        self.generator, self.channels = generator, channels
        # Tiles ask for it.
        self.receptive_field, self.config = (getattr(generator, name, None) for name in ("receptive_field", "config"))

    def forward(self, joined: Tensor) -> Tensor:
        """Images in [-1, 1] to the same range."""
        return apply_joined(self.generator, self.channels, joined)


def apply_joined(generator: nn.Module, channels: Channels, joined: Tensor) -> Tensor:
    """(N, C + K, H, W), images, then conditions, then noise, to what a generator makes of them, (N, C, H, W); K may be 0."""
    images, conditions, noise = joined.tensor_split([channels.images, channels.joined - channels.noise], dim=1)
    given: dict[str, Any] = {"conditions": split(conditions, channels.conditions)} if channels.conditions else {}
    refined: Tensor = generator(images, **given, **({"noise": noise} if channels.noise else {}))
    return refined
