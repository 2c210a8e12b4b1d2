"""A small network with maps of several scales, from scratch or on pretrained features, for estimators that look at pixels."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..features import BUNDLED, build_features

MULTIPLE = 16
"""Height and width of images are multiples of it (px)."""
_LAYERS, _WIDTHS = ("blocks.0", "blocks.2", "blocks.4", "blocks.10"), (16, 24, 40, 112)
"""Of the EfficientNet-Lite0: the last ones before each halving, and their channels."""


class Trunk(nn.Module):
    """A small U-Net (Ronneberger et al. 2015): down to a 16th of the resolution, and up to a half or a quarter of it again.

    Args:
        channels: Of the images.
        width: Of the result; maps on the way have from half of it to three times as many channels.
        pretrained: Whether the way down is the frozen EfficientNet-Lite0 that comes with the extra `features`.
        stride: Of the result, 2 or 4.

    (N, C, H, W) in [-1, 1] to (N, `width`, H / stride, W / stride). Raises `MissingExtra`.
    """

    def __init__(self, channels: int, width: int, *, pretrained: bool = False, stride: int = 4) -> None:
        super().__init__()
        widths = (width // 2, width, 2 * width, 3 * width)
        self.down: nn.Module = _Pretrained(widths) if pretrained else _Down(channels, widths)
        self.up = nn.ModuleList(_Up(deep, fine) for fine, deep in list(pairwise(widths))[::-1][: 4 - stride // 2])
        self.last = _conv(widths[stride // 2 - 1], width)

    def forward(self, images: Tensor) -> Tensor:
        """As of the class."""
        *skips, found = self.down(images)
        for up, skip in zip(self.up, skips[::-1], strict=False):
            found = up(found, skip)
        result: Tensor = self.last(found)
        return result


class _Down(nn.Module):
    """(N, C, H, W) to maps at a half, a quarter, an 8th and a 16th of the resolution."""

    def __init__(self, channels: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        inputs = (channels, *widths[:-1])
        self.stages = nn.ModuleList(
            nn.Sequential(_conv(before, after, stride=2), *([_Residual(after)] if number else []))
            for number, (before, after) in enumerate(zip(inputs, widths, strict=True))
        )

    def forward(self, images: Tensor) -> list[Tensor]:
        """As of the class."""
        found = [images]
        for stage in self.stages:
            found.append(stage(found[-1]))
        return found[1:]


class _Pretrained(nn.Module):
    """As `_Down`, with learnt 1×1 convolutions on frozen features."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.features = build_features(BUNDLED, _LAYERS)
        self.narrow = nn.ModuleList(nn.Conv2d(before, after, 1) for before, after in zip(_WIDTHS, widths, strict=True))

    def forward(self, images: Tensor) -> list[Tensor]:
        """As of the class."""
        with torch.no_grad():
            found = self.features(images)
        return [narrow(maps) for narrow, maps in zip(self.narrow, found, strict=True)]


class _Up(nn.Module):
    """Double a map and join it with a finer one."""

    def __init__(self, deep: int, fine: int) -> None:
        super().__init__()
        self.narrow, self.join = nn.Conv2d(deep, fine, 1), _conv(fine, fine)

    def forward(self, deep: Tensor, fine: Tensor) -> Tensor:
        """(N, deep, h, w) and (N, fine, 2h, 2w) to (N, fine, 2h, 2w)."""
        found: Tensor = self.join(F.interpolate(self.narrow(deep), scale_factor=2) + fine)
        return found


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(_conv(width, width), nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width))

    def forward(self, maps: Tensor) -> Tensor:
        found: Tensor = F.relu(maps + self.body(maps))
        return found


def _conv(before: int, after: int, *, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU())
