"""The refiner R: a fully convolutional ResNet at full resolution."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gantool.components import Channels
from gantool.conditioning import Modulation
from gantool.noise import default_noise

from .layers import BorderedConv2d
from .options import RefinerOptions

_STRENGTH = 0.1


class Refiner(nn.Module):
    """The paper's R (Section 3.1): (N, C, H, W) in [-1, 1] -> the same shape and range, any H, W ≥ 1.

    A k×k convolution and ReLU, `blocks` ResNet blocks, a 1×1 convolution. No stride, no pooling and no normalisation: a
    pixel of the result depends on the `receptive_field` around it and on nothing else in the image or the batch. Conditions
    modulate the maps of the first convolution.

    Raises `ValueError` for channels below 1.
    """

    def __init__(self, *, config: RefinerOptions, channels: Channels) -> None:
        super().__init__()
        if channels.images < 1:
            raise ValueError(f"a refiner needs at least 1 channel, got {channels.images}")
        self.config = config
        self.modulation = Modulation(channels, config.width) if channels.conditions else None
        self.stem = nn.Sequential(_conv(channels.images, config.width, config), nn.ReLU(inplace=True))
        self.blocks = nn.ModuleList(ResNetBlock(config) for _ in range(config.blocks))
        self.noise_channels = config.blocks if config.noise else 0
        """Planes of noise, one for each block."""
        self.head = nn.Conv2d(config.width, channels.images, 1)
        if config.residual:
            nn.init.zeros_(self.head.weight)
            if self.head.bias is not None:
                nn.init.zeros_(self.head.bias)

    def forward(self, images: Tensor, *, conditions: Mapping[str, Tensor] | None = None, noise: Tensor | None = None) -> Tensor:
        """(N, C, H, W) in [-1, 1] -> the same shape and range.

        `conditions`: (N, c, H, W) each, those that there are. `noise`: (N, `noise_channels`, H, W); None is the same every time.
        """
        maps = self.stem(images)
        if self.modulation is not None and conditions:
            maps = self.modulation(maps, conditions)
        if self.noise_channels and noise is None:
            noise = default_noise(self.noise_channels, images)
        for number, block in enumerate(self.blocks):
            maps = block(maps, None if noise is None else noise[:, number : number + 1])
        result = torch.tanh(self.head(maps))
        return move(images, result) if self.config.residual else result


class ResNetBlock(nn.Module):
    """ReLU(x + conv(ReLU(conv(x)))) at constant width and size."""

    def __init__(self, config: RefinerOptions) -> None:
        super().__init__()
        self.conv1 = _conv(config.width, config.width, config)
        self.conv2 = _conv(config.width, config.width, config)
        self.strength = nn.Parameter(torch.full((config.width, 1, 1), _STRENGTH)) if config.noise else None

    def forward(self, maps: Tensor, noise: Tensor | None = None) -> Tensor:
        """(N, width, H, W), and (N, 1, H, W) if it takes noise -> the same shape as `maps`."""
        # In place: what a convolution returns is nobody else's, and no gradient needs it.
        inner = self.conv1(maps)
        if self.strength is not None and noise is not None:
            inner = inner + self.strength * noise.to(inner.dtype)
        return F.relu(self.conv2(F.relu(inner, inplace=True)).add_(maps), inplace=True)


def move(images: Tensor, amount: Tensor) -> Tensor:
    """x + g − |g|·x: move x in [-1, 1] by the part |g| ≤ 1 of its way to the end of the range that g points at.

    Unlike a clipped x + g it stays in range with a gradient: 1 by g at g = 0, and 1 − |g| by x.
    """
    return images + amount * (1 - images * torch.sign(amount))


def _conv(in_channels: int, out_channels: int, config: RefinerOptions) -> BorderedConv2d:
    return BorderedConv2d(in_channels, out_channels, config.kernel, border=config.padding)
