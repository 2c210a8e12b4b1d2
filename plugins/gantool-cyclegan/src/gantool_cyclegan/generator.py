"""The generator: the ResNet of Johnson et al. (2016) with instance normalisation (the paper's Section 7.2)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from .layers import biased, cropped, enlarged, initialise, normed
from .options import ResNetOptions


class ResNetGenerator(nn.Module):
    """(N, in_channels, H, W) in [-1, 1] -> (N, out_channels, H, W) in [-1, 1], any H, W ≥ 1.

    A 7×7 convolution, `downsamplings` of stride 2, `blocks` ResNet blocks, as many upsamplings, a 7×7 convolution and tanh;
    reflection at the borders. A size that does not halve evenly is continued by reflection first and cropped at the end.

    It offers the capability "features": see `features`.

    Raises `ValueError` for channels below 1.
    """

    def __init__(self, *, config: ResNetOptions, in_channels: int, out_channels: int) -> None:
        super().__init__()
        if in_channels < 1 or out_channels < 1:
            raise ValueError(f"a generator needs at least 1 input and 1 output channel, got {in_channels} and {out_channels}")
        self.config = config
        widths = [config.width * 2**level for level in range(config.downsamplings + 1)]
        pairs = list(pairwise(widths))
        self.stem = nn.Sequential(*_conv(in_channels, config.width, 7, config), nn.ReLU(inplace=True))
        self.down = nn.ModuleList(
            nn.Sequential(*_conv(fine, coarse, 3, config, stride=2), nn.ReLU(inplace=True)) for fine, coarse in pairs
        )
        self.blocks = nn.ModuleList(ResNetBlock(widths[-1], config) for _ in range(config.blocks))
        self.up = nn.Sequential(
            *(nn.Sequential(*_upsampling(coarse, fine, config), nn.ReLU(inplace=True)) for fine, coarse in reversed(pairs))
        )
        self.head = nn.Conv2d(config.width, out_channels, 7, padding=3, padding_mode="reflect")
        initialise(self)
        self._tapped = {0, config.blocks // 2}

    def forward(self, images: Tensor) -> Tensor:
        """(N, in_channels, H, W) in [-1, 1] -> (N, out_channels, H, W) in [-1, 1]."""
        maps: Tensor = self.head(self.up(self._encode(images)[-1]))
        return torch.tanh(cropped(maps, *images.shape[-2:]))

    def features(self, images: Tensor) -> tuple[Tensor, ...]:
        """The encoder's maps, fine to coarse, for losses that compare images by what this network sees in them.

        (N, in_channels, H, W) in [-1, 1] -> (N, C_l, h_l, w_l) each, with gradients to images and weights. The number of maps
        and their C_l depend on the options alone, h_l and w_l on H and W, and a position is the same region in every image of
        one size. Here: the images themselves, each downsampling, the first block and the middle one (Park et al., 2020).
        """
        maps = self._encode(images)
        first = len(maps) - self.config.blocks
        return (images, *maps[1:first], *(maps[first + block] for block in sorted(self._tapped)))

    def _encode(self, images: Tensor) -> list[Tensor]:
        """Outputs of the stem, of each downsampling and of each block."""
        multiple = 2**self.config.downsamplings
        # At least 2×2 positions at the coarsest, or an instance norm has nothing to normalise; 4 for a 7×7 kernel's reflection.
        maps = [self.stem(enlarged(images, multiple=multiple, minimum=max(4, 2 * multiple)))]
        for layer in (*self.down, *self.blocks):
            maps.append(layer(maps[-1]))
        return maps


class ResNetBlock(nn.Module):
    """x + conv(ReLU(conv(x))) at constant width and size."""

    def __init__(self, width: int, config: ResNetOptions) -> None:
        super().__init__()
        self.layers = nn.Sequential(*_conv(width, width, 3, config), nn.ReLU(inplace=True), *_conv(width, width, 3, config))

    def forward(self, maps: Tensor) -> Tensor:
        """(N, width, h, w) -> the same shape."""
        changed: Tensor = maps + self.layers(maps)
        return changed


def _conv(inputs: int, outputs: int, kernel: int, config: ResNetOptions, *, stride: int = 1) -> list[nn.Module]:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, padding_mode="reflect", bias=biased(config.norm))
    return normed(conv, outputs, config.norm)


def _upsampling(inputs: int, outputs: int, config: ResNetOptions) -> list[nn.Module]:
    if config.upsampling == "nearest":
        return [nn.Upsample(scale_factor=2, mode="nearest"), *_conv(inputs, outputs, 3, config)]
    conv = nn.ConvTranspose2d(inputs, outputs, 3, 2, padding=1, output_padding=1, bias=biased(config.norm))
    return normed(conv, outputs, config.norm)
