from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from gantool.components import Channels
from simgan_plugin.discriminator import LocalDiscriminator, WholeImageDiscriminator
from simgan_plugin.layers import BorderedConv2d
from simgan_plugin.options import DiscriminatorOptions, WholeImageOptions

ARCHITECTURES = ["eyes", "hands"]


def local(*, channels: int = 1, seed: int = 0, **options: object) -> LocalDiscriminator:
    torch.manual_seed(seed)
    return LocalDiscriminator(config=DiscriminatorOptions(**options), channels=Channels(channels))  # type: ignore[arg-type]


def whole(*, channels: int = 1, seed: int = 0, **options: object) -> WholeImageDiscriminator:
    torch.manual_seed(seed)
    return WholeImageDiscriminator(config=WholeImageOptions(**options), channels=Channels(channels))  # type: ignore[arg-type]


def images(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def both(architecture: str, **options: object) -> list[nn.Module]:
    return [local(architecture=architecture, **options), whole(architecture=architecture, **options)]


# Shapes


@pytest.mark.parametrize("size", [(1, 1), (1, 17), (2, 3), (5, 1), (35, 55), (64, 64)])
@pytest.mark.parametrize("depth", [1, 2, 3, 4])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_one_logit_per_stride_at_any_size(architecture: str, depth: int, size: tuple[int, int]) -> None:
    network = local(architecture=architecture, depth=depth, width_factor=0.1)
    step = DiscriminatorOptions(architecture=architecture, depth=depth).stride  # type: ignore[arg-type]
    logits = network(images(2, 1, *size))
    assert logits.shape == (2, 1, -(-size[0] // step), -(-size[1] // step))
    assert logits.isfinite().all()


@pytest.mark.parametrize(("architecture", "size", "expected"), [("eyes", (35, 55), (9, 14)), ("hands", (224, 224), (7, 7))])
def test_logit_maps_of_the_paper_s_sizes(architecture: str, size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert local(architecture=architecture)(images(1, 1, *size)).shape[2:] == expected


@pytest.mark.parametrize("size", [(1, 1), (1, 17), (35, 55)])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("grid", [1, 3])
def test_the_whole_image_gets_one_logit(architecture: str, size: tuple[int, int], grid: int) -> None:
    assert whole(architecture=architecture, grid=grid)(images(2, 1, *size)).shape == (2, 1, 1, 1)


LAYERS = {
    "eyes": [((3, 3), (2, 2), 96), ((3, 3), (2, 2), 64), (3, 1, "pool"), ((3, 3), (1, 1), 32)],
    "hands": [((7, 7), (4, 4), 96), ((5, 5), (2, 2), 64), (3, 2, "pool"), ((3, 3), (2, 2), 32)],
}
"""Kernel, stride and maps of what comes before the 1×1 convolutions, which both share."""


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_paper_s_layers(architecture: str) -> None:
    layers = [
        (layer.kernel_size, layer.stride, getattr(layer, "out_channels", "pool"))
        for layer in local(architecture=architecture).modules()
        if isinstance(layer, nn.Conv2d | nn.MaxPool2d)
    ]
    assert layers == [*LAYERS[architecture], ((1, 1), (1, 1), 32), ((1, 1), (1, 1), 1)]


@pytest.mark.parametrize("make", [local, whole])
def test_channels(make: type[nn.Module]) -> None:
    assert make(channels=4)(images(1, 4, 9, 9)).shape[:2] == (1, 1)
    with pytest.raises(ValueError, match="at least 1 channel, got 0"):
        make(channels=0)


def test_width_factor_scales_every_layer_and_keeps_one_map() -> None:
    widths = [c.out_channels for c in local(width_factor=0.25).modules() if isinstance(c, nn.Conv2d)]
    assert widths == [24, 16, 8, 8, 1]
    assert local(width_factor=1e-6)(images(1, 1, 9, 9)).shape == (1, 1, 3, 3)


# What a logit sees


def seen(network: nn.Module, size: int, row: int, column: int) -> Tensor:
    """Which pixels one logit has a gradient to, over several images; (size, size) bool.

    Weights are made positive, so that no path is cut by a ReLU or cancelled by another.
    """
    network = network.double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.abs_()
    touched = torch.zeros(size, size, dtype=torch.bool)
    for seed in range(12):
        image = images(1, 1, size, size, seed=seed).double().requires_grad_()
        (gradient,) = torch.autograd.grad(network(image)[0, 0, row, column], image)
        touched |= gradient[0, 0] != 0
    return touched


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_receptive_field_and_stride_are_what_is_measured(architecture: str, depth: int) -> None:
    config = DiscriminatorOptions(architecture=architecture, depth=depth)  # type: ignore[arg-type]
    network = local(architecture=architecture, depth=depth)
    # An odd number of strides, so that the patch of the middle logit lies inside.
    logits = 2 * (config.receptive_field // config.stride) + 3
    size = logits * config.stride
    first, second = (seen(network, size, logits // 2, logits // 2 + step) for step in (0, 1))
    for patch in (first, second):
        rows, columns = patch.any(1).nonzero(), patch.any(0).nonzero()
        assert rows.max() - rows.min() + 1 == config.receptive_field
        assert columns.max() - columns.min() + 1 == config.receptive_field
    assert second.any(0).nonzero().min() - first.any(0).nonzero().min() == config.stride


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_whole_image_variant_sees_every_corner(architecture: str) -> None:
    corners = seen(whole(architecture=architecture), 96, 0, 0)[:: 96 - 1, :: 96 - 1]
    assert corners.all()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_constant_image_does_not_show_where_its_border_is(architecture: str) -> None:
    network, constant = local(architecture=architecture), torch.full((1, 1, 64, 64), 0.7)
    logits = network(constant)
    torch.testing.assert_close(logits, logits[..., :1, :1].expand_as(logits), atol=1e-6, rtol=0)
    logits = with_zeros_around(network)(constant)
    assert logits.amax() - logits.amin() > 1e-3


def with_zeros_around(network: nn.Module) -> nn.Module:
    """The same weights with the usual padding."""
    for layer in network.modules():
        if isinstance(layer, BorderedConv2d):
            layer.border, layer.padding = "zeros", (layer.margin, layer.margin)
    return network


def gradient_at_border(network: nn.Module, side: int) -> float:
    """Mean size of the gradient that the outermost pixels receive, relative to that of a square far inside."""
    batch = images(4, 1, side, side).requires_grad_()
    (gradient,) = torch.autograd.grad(network(batch).mean(), batch)
    size = gradient.abs().mean((0, 1))
    inside = slice(side // 4, -side // 4)
    return float(torch.cat((size[0], size[-1], size[:, 0], size[:, -1])).mean() / size[inside, inside].mean())


@pytest.mark.parametrize(("architecture", "side"), [("eyes", 64), ("hands", 224)])
def test_border_pixels_are_judged_more_than_with_zeros_around(architecture: str, side: int) -> None:
    network = local(architecture=architecture)
    reflected = gradient_at_border(network, side)
    assert 0.45 < reflected < 1
    assert gradient_at_border(with_zeros_around(network), side) < 0.85 * reflected


# Rows and logits


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("spectral_norm", [False, True])
def test_rows_are_independent(architecture: str, spectral_norm: bool) -> None:
    for network in both(architecture, spectral_norm=spectral_norm):
        network.eval()
        batch = images(3, 1, 35, 55).requires_grad_()
        logits = network(batch)
        (gradient,) = torch.autograd.grad(logits[1].sum(), batch)
        assert gradient[1].abs().sum() > 0
        assert gradient[[0, 2]].abs().sum() == 0
        torch.testing.assert_close(logits[:1], network(batch[:1]))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_logits_take_both_signs(architecture: str) -> None:
    for network in both(architecture):
        batch = images(4, 1, 35, 55)
        logits = network(batch)
        with torch.no_grad():
            network.head.weight.neg_()
            network.head.bias.neg_()
        torch.testing.assert_close(network(batch), -logits)
        assert logits.abs().max() > 0


def test_spectral_norm_bounds_every_weight() -> None:
    for network in both("eyes", spectral_norm=True):
        with torch.no_grad():
            for name, parameter in network.named_parameters():
                if name.endswith("original"):
                    parameter.mul_(10)
        for _ in range(100):
            network(images(1, 1, 9, 9))
        layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
        assert len(layers) == 5
        for layer in layers:
            largest = torch.linalg.matrix_norm(layer.weight.flatten(1), ord=2)
            torch.testing.assert_close(largest, torch.ones(()), atol=0.05, rtol=0)


# Devices, layouts, dtypes, compilers


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_channels_last_gives_the_same(architecture: str) -> None:
    batch = images(2, 3, 35, 55)
    for network in both(architecture, channels=3):
        expected = network(batch)
        laid_out = copy.deepcopy(network).to(memory_format=torch.channels_last)
        torch.testing.assert_close(laid_out(batch.contiguous(memory_format=torch.channels_last)), expected)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_bf16_autocast_stays_close(architecture: str) -> None:
    batch = images(2, 1, 35, 55)
    for network in both(architecture):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = network(batch)
        torch.testing.assert_close(logits.float(), network(batch), atol=0.02, rtol=0.05)


@pytest.mark.parametrize("spectral_norm", [False, True])
def test_compiles_to_one_graph(spectral_norm: bool) -> None:
    batch = images(2, 1, 19, 21)
    for network in both("eyes", spectral_norm=spectral_norm):
        network.eval()
        compiled = torch.compile(network, fullgraph=True, backend="aot_eager")
        torch.testing.assert_close(compiled(batch), network(batch))


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("spectral_norm", [False, True])
def test_cuda_does_not_wait(spectral_norm: bool) -> None:
    for network in both("eyes", spectral_norm=spectral_norm):
        network, batch = network.cuda(), images(2, 1, 35, 55).cuda()
        network(batch)
        torch.cuda.set_sync_debug_mode("error")
        try:
            network(batch)
        finally:
            torch.cuda.set_sync_debug_mode("default")
