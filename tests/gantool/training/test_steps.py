"""Tools for steps: batches in parts, what is frozen or in eval mode meanwhile, terms of losses, learning rates."""

from __future__ import annotations

import pytest
import torch
from accelerate import Accelerator
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from gantool import Batch, NoOptions
from gantool.builtin.losses import LSGAN
from gantool.compute.device import make_accelerator
from gantool.training import (
    apply_in_eval,
    decay_rates,
    discriminator_loss,
    frozen,
    generator_loss,
    in_parts,
    mean_of,
)


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


def pretrained() -> nn.Sequential:
    """A trunk that its owner froze, with its batch norm in eval mode, and a head that learns."""
    trunk = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).requires_grad_(False).eval()
    return nn.Sequential(trunk, nn.Conv2d(4, 1, 1))


def trained(network: nn.Module) -> dict[str, bool]:
    return {name: weight.requires_grad for name, weight in network.named_parameters()}


def test_what_was_frozen_before_stays_frozen():
    network, inner = pretrained(), nn.Linear(1, 1)
    before = trained(network)
    assert set(before.values()) == {True, False}
    with pytest.raises(ZeroDivisionError), frozen(network, inner):
        assert not any((trained(network) | trained(inner)).values())
        raise ZeroDivisionError
    assert trained(network) == before
    assert all(trained(inner).values())


def test_every_module_is_in_the_mode_that_it_was_in():
    network = pretrained()
    before = {name: module.training for name, module in network.named_modules()}
    statistics = network[0][1].running_mean.clone()
    seen = apply_in_eval(network, Batch(images()[0]))
    assert not seen.requires_grad
    assert {name: module.training for name, module in network.named_modules()} == before
    assert before["1"]
    assert not before["0.1"]
    network(images()[0])
    assert torch.equal(network[0][1].running_mean, statistics)  # in training mode, a batch norm would have followed the images
    with pytest.raises(RuntimeError):
        apply_in_eval(network, Batch(images()[0][:, :1]))
    assert {name: module.training for name, module in network.named_modules()} == before


class Plain(LSGAN):
    def penalty(self, discriminator, real, fake):
        return discriminator(real - fake).sum()


class Relative:
    def discriminator(self, real, fake):
        return (fake - real).mean()

    def relative_generator(self, real, fake):
        return (real - fake).square().mean()


def test_both_terms_of_every_family_of_losses():
    real, fake = (torch.tensor(value).reshape(1, 1, 1, 1) for value in (2.0, 0.5))
    discriminator = nn.Conv2d(1, 1, 1, bias=False)
    nn.init.constant_(discriminator.weight, 3.0)
    plain, relative = Plain(config=NoOptions()), Relative()
    # Logits are 6 and 1.5.
    assert discriminator_loss(plain, discriminator, real, fake).item() == (5**2 + 1.5**2) / 2 + 3 * 1.5
    assert discriminator_loss(relative, discriminator, real, fake).item() == 1.5 - 6
    for loss, expected, slope in ((plain, 0.5**2 / 2, 0.5 * 3), (relative, 4.5**2, -2 * 4.5 * 3)):
        made = fake.clone().requires_grad_()
        term = generator_loss(loss, discriminator, made, real)
        term.backward()
        assert (term.item(), made.grad.item()) == (expected, slope)
        assert discriminator.weight.grad is None


@pytest.mark.parametrize(("step", "left"), [(0, 1.0), (5, 1.0), (6, 0.8), (9, 0.2)])
def test_rates_fall_to_nothing_over_the_last_part(step, left):
    optimizers = [torch.optim.Adam([nn.Parameter(torch.zeros(1))], lr=lr) for lr in (0.5, 2.0)]
    for _ in range(2):  # however often it is asked
        decay_rates(step, 10, 0.5, *optimizers)
    assert [optimizer.param_groups[0]["lr"] for optimizer in optimizers] == pytest.approx([0.5 * left, 2.0 * left])
