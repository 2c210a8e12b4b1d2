"""Spectral normalisation of any discriminator (Miyato et al., 2018)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm
from torch.nn.utils.parametrize import is_parametrized

import gantool
from gantool.components import Channels

from .options import SpectralNormOptions

NORMED = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.Linear)


class SpectralNorm(nn.Module):
    """A discriminator, each of whose weights is divided by its largest singular value: (N, C, H, W) -> its logits.

    The singular value is that of the weight as a matrix of output channels, found by power iteration. Layers that are
    parametrized already stay as they are. Raises `GantoolError` for a discriminator that does not exist or does not take these
    options.
    """

    def __init__(self, *, config: SpectralNormOptions, channels: Channels) -> None:
        super().__init__()
        self.network: nn.Module = gantool.build("discriminator", config.discriminator, channels=channels, **config.options)
        for layer in list(self.network.modules()):
            if isinstance(layer, NORMED) and not is_parametrized(layer):
                spectral_norm(layer, n_power_iterations=config.iterations)

    def forward(self, images: Tensor) -> Tensor:
        """(N, C, H, W) in [-1, 1] -> logits (N, 1, h, w), higher is more like the target domain."""
        logits: Tensor = self.network(images)
        return logits
