"""The PatchGAN discriminator (Isola et al., 2017; the paper's Section 7.2)."""

from __future__ import annotations

from torch import Tensor, nn

from .layers import biased, enlarged, initialise, normed
from .options import PatchOptions


class PatchGAN(nn.Module):
    """(N, in_channels, H, W) in [-1, 1] -> logits (N, 1, h, w), higher is more like the target domain, any H, W ≥ 1.

    4×4 convolutions, `depth` of them of stride 2, then two of stride 1, with leaky ReLUs of slope 0.2 between them. An image
    smaller than 3·2^depth px is continued by reflection to that size. Raises `ValueError` for channels below 1.
    """

    def __init__(self, *, config: PatchOptions, in_channels: int) -> None:
        super().__init__()
        if in_channels < 1:
            raise ValueError(f"a discriminator needs at least 1 channel, got {in_channels}")
        self.minimum = 3 * 2**config.depth
        strides = [2] * config.depth + [1]
        layers: list[nn.Module] = []
        channels = in_channels
        for number, stride in enumerate(strides):
            width = config.width * 2 ** min(number, 3)
            norm = config.norm if number else "none"
            conv = nn.Conv2d(channels, width, 4, stride, padding=1, bias=biased(norm))
            layers += [*normed(conv, width, norm), nn.LeakyReLU(0.2, inplace=True)]
            channels = width
        self.layers = nn.Sequential(*layers, nn.Conv2d(channels, 1, 4, padding=1))
        initialise(self)

    def forward(self, images: Tensor) -> Tensor:
        """(N, in_channels, H, W) in [-1, 1] -> logits (N, 1, h, w)."""
        logits: Tensor = self.layers(enlarged(images, multiple=1, minimum=self.minimum))
        return logits
