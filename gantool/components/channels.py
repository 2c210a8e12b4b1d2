"""What a network is built for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Channels:
    """The channels of what a network is given.

    Example::

        def __init__(self, *, config, channels):
            self.first = nn.Conv2d(channels.images, config.width, 3)
    """

    images: int
    """Of the images: 1 (grey), 3 (RGB) or any other number. A generator gives as many as it takes."""
    conditions: Mapping[str, int] = field(default_factory=dict)
    """Of each condition that a generator sees beside them, by name, in the order in which one tensor holds them all. Only
    generators that provide "conditioned" are ever built with some; discriminators never see any."""
    noise: int = 0
    """Planes of noise that a built generator takes: its own `noise_channels` says so, factories are called with 0."""

    @property
    def joined(self) -> int:
        """Of one tensor that holds images, then all conditions, then noise."""
        return self.images + sum(self.conditions.values()) + self.noise
