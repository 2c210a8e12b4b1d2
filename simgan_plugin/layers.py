"""Layers that both networks are made of."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class BorderedConv2d(nn.Conv2d):
    """A convolution with an odd kernel whose input is continued by half a kernel: H and W shrink by its stride alone.

    `border` is "reflect", "replicate" or "zeros". Reflection takes more pixels than it adds; a smaller image is replicated.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: int, *, stride: int = 1, border: str = "reflect") -> None:
        self.margin = kernel // 2
        self.border = border
        super().__init__(in_channels, out_channels, kernel, stride, padding=self.margin if border == "zeros" else 0)

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, out_channels, ⌈H / stride⌉, ⌈W / stride⌉)."""
        # The choice hangs on the shape alone, so a compiled graph has no branch.
        if self.border == "reflect" and min(input.shape[-2:]) > self.margin:
            input = F.pad(input, (self.margin,) * 4, mode="reflect")
        elif self.border != "zeros":
            input = replicate(input, self.margin)
        return super().forward(input)


def replicate(maps: Tensor, margin: int) -> Tensor:
    """(N, C, H, W) -> (N, C, H + 2 margin, W + 2 margin), with each outermost pixel repeated outwards.

    `F.pad(mode="replicate")` does the same, but training it compiled for a CPU fails (torch 2.13): the strides of its
    gradient are not those that inductor expects.
    """
    left, right = maps[..., :1].expand(-1, -1, -1, margin), maps[..., -1:].expand(-1, -1, -1, margin)
    maps = torch.cat((left, maps, right), dim=3)
    upper, lower = maps[..., :1, :].expand(-1, -1, margin, -1), maps[..., -1:, :].expand(-1, -1, margin, -1)
    return torch.cat((upper, maps, lower), dim=2)
