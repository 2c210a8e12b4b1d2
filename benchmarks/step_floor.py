"""The convolutions of a training step and nothing else: what no program can do without."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Convolution:
    """One convolution with tensors of the shapes that it sees in a step. A border is zeros, which cost nothing."""

    inputs: Tensor
    weight: Tensor
    bias: Tensor
    stride: tuple[int, ...]
    slope: Tensor
    """Gradient by its output."""

    def __call__(self, *, by_inputs: bool = False, by_weights: bool = False) -> None:
        """Forward, then backward by what is asked for."""
        inputs = self.inputs.detach().requires_grad_(by_inputs)
        weight, bias = (tensor.detach().requires_grad_(by_weights) for tensor in (self.weight, self.bias))
        result = nn.functional.conv2d(inputs, weight, bias, self.stride, self.weight.shape[-1] // 2)
        wanted = [tensor for tensor in (inputs, weight, bias) if tensor.requires_grad]
        if wanted:
            torch.autograd.grad(result, wanted, self.slope)


def convolutions(network: nn.Module, images: Tensor, *, layout: torch.memory_format, dtype: torch.dtype) -> list[Convolution]:
    """Every convolution of `network` on images (N, C, H, W), first to last, in that memory layout and dtype."""
    found: list[Convolution] = []

    def note(layer: nn.Conv2d, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        assert layer.bias is not None
        tensors = (inputs[0], layer.weight, layer.bias, torch.ones_like(output))
        images, weight, bias, slope = (
            tensor.detach().to(dtype, memory_format=layout if tensor.dim() == 4 else torch.contiguous_format)
            for tensor in tensors
        )
        found.append(Convolution(images, weight, bias, layer.stride, slope))

    hooks = [layer.register_forward_hook(note) for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    with torch.no_grad():
        network(images)
    for hook in hooks:
        hook.remove()
    return found


class Floor:
    """The arithmetic of one round: 2 updates of R and 1 of D, with R's fresh forward pass for it.

    Gradients by the images that come from the data are left out, as autograd does.
    """

    def __init__(
        self, refiner: nn.Module, discriminator: nn.Module, images: Tensor, *, layout: torch.memory_format, dtype: torch.dtype
    ) -> None:
        self._refiner = convolutions(refiner, images, layout=layout, dtype=dtype)
        self._discriminator = convolutions(discriminator, images, layout=layout, dtype=dtype)

    def __call__(self) -> None:
        for _ in range(2):
            for number, convolution in enumerate(self._refiner):
                convolution(by_inputs=number > 0, by_weights=True)
            for convolution in self._discriminator:
                convolution(by_inputs=True)  # R's updates leave D's weights alone
        for convolution in self._refiner:
            convolution()
        for _ in ("real", "refined"):
            for number, convolution in enumerate(self._discriminator):
                convolution(by_inputs=number > 0, by_weights=True)
