"""The generator."""

from __future__ import annotations

from torch import Tensor, nn

from gantool.components import Channels

from .options import MoverOptions


class Mover(nn.Module):
    """(N, C, H, W) in [-1, 1] -> the same shape and range, any H, W ≥ 3."""

    def __init__(self, *, config: MoverOptions, channels: Channels) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels.images, config.width, 3, padding=1, padding_mode="reflect"),
            nn.ReLU(),
            nn.Conv2d(config.width, config.width, 3, padding=1, padding_mode="reflect"),
            nn.ReLU(),
        )
        self.head = nn.Conv2d(config.width, channels.images, 1)
        # With a last layer of zeros, training starts from the identity instead of from noise.
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

    def forward(self, images: Tensor) -> Tensor:
        """x + g − |g|·x with g in (-1, 1): a pixel moves by that part of its way to white (g > 0) or black (g < 0)."""
        amount = self.head(self.layers(images)).tanh()
        moved: Tensor = images + amount - amount.abs() * images
        return moved
