"""What both networks are made of."""

from __future__ import annotations

import torch
from torch import Tensor, nn


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
