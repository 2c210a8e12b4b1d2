"""Batches in parts: the gradients of the whole batch, with the memory of a part."""

from __future__ import annotations

import pytest
import torch
from accelerate import Accelerator
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from gantool.compute.device import make_accelerator
from gantool.training import in_parts, mean_of


@pytest.fixture
def accelerator() -> Accelerator:
    return make_accelerator("cpu", "fp32")


def network() -> nn.Module:
    torch.manual_seed(0)
    layers = [spectral_norm(nn.Conv2d(3, 8, 3)), nn.ReLU(), spectral_norm(nn.Conv2d(8, 8, 3)), nn.ReLU(), nn.Conv2d(8, 1, 1)]
    return nn.Sequential(*layers)


def images(count: int = 12) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(count, 3, 10, 11, generator=generator), torch.randn(count, 3, 10, 11, generator=generator)


def gradients(accelerator: Accelerator, parts: int) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Gradients of a loss with two passes through one network, as that of a discriminator, and its buffers afterwards."""
    net = network()
    for real, fake in in_parts(accelerator, (net,), parts, *images()):
        loss = net(real).mean() - net(fake).square().mean()
        accelerator.backward(loss / parts)
    return [parameter.grad for parameter in net.parameters()], list(net.buffers())


@pytest.mark.parametrize("parts", [2, 3, 12])
def test_gradients_of_parts_add_up_to_those_of_the_batch(accelerator, parts):
    whole, buffers = gradients(accelerator, 1)
    found, others = gradients(accelerator, parts)
    for a, b in zip(whole, found, strict=True):
        assert torch.allclose(a, b, atol=1e-6)
    # A spectral norm has looked at the weights as often as it would have in one pass.
    for a, b in zip(buffers, others, strict=True):
        assert torch.equal(a, b)


class Live:
    """A tensor that autograd keeps for the backward pass, counted while it lives."""

    now = most = 0

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor = tensor
        Live.now += tensor.nbytes
        Live.most = max(Live.most, Live.now)

    def __del__(self) -> None:
        Live.now -= self.tensor.nbytes


@pytest.mark.parametrize("parts", [1, 4])
def test_memory_is_that_of_a_part(accelerator, parts):
    def most(count: int, parts: int) -> int:
        Live.now = Live.most = 0
        net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Tanh(), nn.Conv2d(8, 8, 3), nn.Tanh())
        with torch.autograd.graph.saved_tensors_hooks(Live, lambda live: live.tensor):
            for (batch,) in in_parts(accelerator, (net,), parts, images(count)[0]):
                accelerator.backward(net(batch).mean() / parts)
        return Live.most

    assert most(48, parts) == pytest.approx(most(48 // parts, 1), rel=0.02)


def test_figures_are_means_over_parts():
    rows = [{"a": torch.tensor(1.0), "b": torch.tensor(2.0)}, {"a": torch.tensor(3.0), "b": torch.tensor(6.0)}]
    assert mean_of(rows) == {"a": torch.tensor(2.0), "b": torch.tensor(4.0)}
    assert mean_of(rows[:1]) == rows[0]
