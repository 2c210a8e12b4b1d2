"""Both networks of the paper's Section 7.2.

The generator is the ResNet of Johnson et al. (2016) with instance normalisation, the discriminator the PatchGAN of Isola et al.
(2017).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn

from gantool.components import Channels
from gantool.conditioning import Modulation

from .options import PatchOptions, ResNetOptions


class ResNetGenerator(nn.Module):
    """(N, C, H, W) in [-1, 1] -> the same shape and range, any H, W ≥ 1.

    A 7×7 convolution, `downsamplings` of stride 2, `blocks` ResNet blocks, as many upsamplings, a 7×7 convolution and tanh;
    reflection at the borders. A size that does not halve evenly is continued by reflection first and cropped at the end.

    It offers the capability "features": see `features`.

    Raises `ValueError` for channels below 1.
    """

    def __init__(self, *, config: ResNetOptions, channels: Channels) -> None:
        super().__init__()
        if channels.images < 1:
            raise ValueError(f"a generator needs at least 1 channel, got {channels.images}")
        self.config = config
        widths = [config.width * 2**level for level in range(config.downsamplings + 1)]
        pairs = list(pairwise(widths))
        self.stem = nn.Sequential(*_conv(channels.images, config.width, 7, config), nn.ReLU(inplace=True))
        self.down = nn.ModuleList(
            nn.Sequential(*_conv(fine, coarse, 3, config, stride=2), nn.ReLU(inplace=True)) for fine, coarse in pairs
        )
        self.blocks = nn.ModuleList(ResNetBlock(widths[-1], config) for _ in range(config.blocks))
        self.up = nn.Sequential(
            *(nn.Sequential(*_upsampling(coarse, fine, config), nn.ReLU(inplace=True)) for fine, coarse in reversed(pairs))
        )
        self.head = nn.Conv2d(config.width, channels.images, 7, padding=3, padding_mode="reflect")
        initialise(self)
        self.modulation = Modulation(channels, config.width) if channels.conditions else None
        self._tapped = {0, config.blocks // 2}

    def forward(self, images: Tensor, *, conditions: Mapping[str, Tensor] | None = None) -> Tensor:
        """(N, C, H, W) in [-1, 1] -> the same shape and range. `conditions`: (N, c, H, W) each, those that there are."""
        maps: Tensor = self.head(self.up(self._encode(images, conditions)[-1]))
        return torch.tanh(cropped(maps, *images.shape[-2:]))

    def features(self, images: Tensor) -> tuple[Tensor, ...]:
        """The encoder's maps, fine to coarse, for losses that compare images by what this network sees in them.

        (N, C, H, W) in [-1, 1] -> (N, C_l, h_l, w_l) each, with gradients to images and weights. The number of maps
        and their C_l depend on the options alone, h_l and w_l on H and W, and a position is the same region in every image of
        one size. Here: the images themselves, each downsampling, the first block and the middle one (Park et al., 2020).
        """
        maps = self._encode(images)
        first = len(maps) - self.config.blocks
        return (images, *maps[1:first], *(maps[first + block] for block in sorted(self._tapped)))

    def _encode(self, images: Tensor, conditions: Mapping[str, Tensor] | None = None) -> list[Tensor]:
        """Outputs of the stem, of each downsampling and of each block."""
        multiple = 2**self.config.downsamplings
        # At least 2×2 positions at the coarsest, or an instance norm has nothing to normalise; 4 for a 7×7 kernel's reflection.
        fits = partial(enlarged, multiple=multiple, minimum=max(4, 2 * multiple))
        maps = [self.stem(fits(images))]
        if self.modulation is not None and conditions:
            maps[0] = self.modulation(maps[0], {name: fits(values) for name, values in conditions.items()})
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


class PatchGAN(nn.Module):
    """(N, C, H, W) in [-1, 1] -> logits (N, 1, h, w), higher is more like the target domain, any H, W ≥ 1.

    4×4 convolutions, `depth` of them of stride 2, then two of stride 1, with leaky ReLUs of slope 0.2 between them. An image
    smaller than 3·2^depth px is continued by reflection to that size. Raises `ValueError` for channels below 1.
    """

    def __init__(self, *, config: PatchOptions, channels: Channels) -> None:
        super().__init__()
        if channels.images < 1:
            raise ValueError(f"a discriminator needs at least 1 channel, got {channels.images}")
        self.minimum = 3 * 2**config.depth
        strides = [2] * config.depth + [1]
        layers: list[nn.Module] = []
        inputs = channels.images
        for number, stride in enumerate(strides):
            width = config.width * 2 ** min(number, 3)
            norm = config.norm if number else "none"
            conv = nn.Conv2d(inputs, width, 4, stride, padding=1, bias=biased(norm))
            layers += [*normed(conv, width, norm), nn.LeakyReLU(0.2, inplace=True)]
            inputs = width
        self.layers = nn.Sequential(*layers, nn.Conv2d(inputs, 1, 4, padding=1))
        initialise(self)

    def forward(self, images: Tensor) -> Tensor:
        """(N, C, H, W) in [-1, 1] -> logits (N, 1, h, w)."""
        logits: Tensor = self.layers(enlarged(images, multiple=1, minimum=self.minimum))
        return logits


def _conv(inputs: int, outputs: int, kernel: int, config: ResNetOptions, *, stride: int = 1) -> list[nn.Module]:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, padding_mode="reflect", bias=biased(config.norm))
    return normed(conv, outputs, config.norm)


def _upsampling(inputs: int, outputs: int, config: ResNetOptions) -> list[nn.Module]:
    if config.upsampling == "nearest":
        return [nn.Upsample(scale_factor=2, mode="nearest"), *_conv(inputs, outputs, 3, config)]
    conv = nn.ConvTranspose2d(inputs, outputs, 3, 2, padding=1, output_padding=1, bias=biased(config.norm))
    return normed(conv, outputs, config.norm)


def enlarged(images: Tensor, *, multiple: int, minimum: int) -> Tensor:
    """Continue images by reflection on all sides until height and width are multiples of `multiple`, at least `minimum`.

    (N, C, H, W) -> (N, C, H', W'), any H, W ≥ 1, and unchanged where they fit; `cropped` undoes it. Reflection repeats
    where an image is smaller than what is added. `minimum` is itself a multiple.
    """
    for dim in (2, 3):
        side = images.shape[dim]
        wanted = max(minimum, (side + multiple - 1) // multiple * multiple)
        if wanted != side:
            before = (wanted - side) // 2
            # A wave of the period 2 (side − 1) that runs up and down over the pixels.
            period = max(1, 2 * (side - 1))
            places = torch.arange(wanted, device=images.device).sub(before)
            # By a tensor: a number that hangs on the size has no remainder in ONNX.
            places = places.remainder(torch.full_like(places, period))
            images = images.index_select(dim, side - 1 - (side - 1 - places).abs())
    return images


def cropped(images: Tensor, height: int, width: int) -> Tensor:
    """(N, C, H', W') -> (N, C, height, width), the part that `enlarged` was given."""
    top, left = (images.shape[2] - height) // 2, (images.shape[3] - width) // 2
    return images[..., top : top + height, left : left + width]


def normed(conv: nn.Module, channels: int, norm: str) -> list[nn.Module]:
    """A convolution and what normalises its output. Make the convolution with `bias=biased(norm)`."""
    return [conv, nn.InstanceNorm2d(channels)] if norm == "instance" else [conv]


def biased(norm: str) -> bool:
    """Whether a convolution keeps its bias: an instance norm would take it away again."""
    return norm == "none"


def initialise(network: nn.Module) -> None:
    """Draw all weights of convolutions from N(0, 0.02²) (the paper's Section 7.1), biases are 0."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, std=0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
