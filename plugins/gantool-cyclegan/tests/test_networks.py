"""Generator and discriminator against what the authors publish, and at sizes that do not halve evenly."""

import pytest
import torch
import torch.nn.functional as F
from gantool_cyclegan.networks import PatchGAN, ResNetGenerator, cropped, enlarged
from gantool_cyclegan.options import PatchOptions, ResNetOptions
from torch import nn

from gantool.components import Channels

SMALL = ResNetOptions(width=4, blocks=2)


def weights(network):
    return sum(p.numel() for p in network.parameters())


def dropped_biases(network):
    """The authors keep biases that an instance norm takes away again."""
    convs = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    return sum(conv.out_channels for conv in convs if conv.bias is None)


def test_default_generator_is_the_authors():
    network = ResNetGenerator(config=ResNetOptions(), channels=Channels(3))
    assert weights(network) + dropped_biases(network) == 11_378_179


def test_default_discriminator_is_the_authors():
    network = PatchGAN(config=PatchOptions(), channels=Channels(3))
    assert weights(network) + dropped_biases(network) == 2_764_737
    assert network(torch.zeros(1, 3, 256, 256)).shape == (1, 1, 30, 30)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (7, 30), (35, 55), (40, 8)])
@pytest.mark.parametrize("upsampling", ["transposed", "nearest"])
def test_generator_keeps_any_size(size, upsampling):
    config = ResNetOptions(width=4, blocks=1, upsampling=upsampling)
    network = ResNetGenerator(config=config, channels=Channels(2))
    result = network(torch.rand(2, 2, *size) * 2 - 1)
    assert result.shape == (2, 2, *size)
    assert result.abs().max() <= 1


@pytest.mark.parametrize("downsamplings", [0, 1, 3])
def test_generator_trains_at_any_depth(downsamplings):
    config = ResNetOptions(width=2, blocks=1, downsamplings=downsamplings)
    network = ResNetGenerator(config=config, channels=Channels(1))
    network(torch.rand(1, 1, 5, 9)).sum().backward()
    assert all(p.grad is not None for p in network.parameters())


def test_generator_refuses_no_channels():
    with pytest.raises(ValueError, match="got 0"):
        ResNetGenerator(config=SMALL, channels=Channels(0))


def test_features_of_the_default_are_those_of_the_paper():
    network = ResNetGenerator(config=ResNetOptions(), channels=Channels(3))
    maps = network.features(torch.zeros(1, 3, 32, 64))
    assert [tuple(each.shape[1:]) for each in maps] == [(3, 32, 64), (128, 16, 32), (256, 8, 16), (256, 8, 16), (256, 8, 16)]


def test_features_do_not_change_with_the_size_and_carry_gradients():
    network = ResNetGenerator(config=SMALL, channels=Channels(1))
    counts = {tuple(each.shape[1] for each in network.features(torch.rand(1, 1, *size))) for size in ((1, 1), (9, 31))}
    assert len(counts) == 1
    images = torch.rand(1, 1, 9, 31, requires_grad=True)
    network.features(images)[-1].square().sum().backward()
    assert images.grad.abs().sum() > 0
    assert network.down[0][0].weight.grad.abs().sum() > 0


def test_enlarged_reflects_as_torch_does():
    images = torch.rand(2, 3, 35, 54)
    larger = enlarged(images, multiple=8, minimum=8)
    assert larger.shape == (2, 3, 40, 56)
    assert torch.equal(larger, F.pad(images, (1, 1, 2, 3), mode="reflect"))


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 2), (16, 16)])
def test_cropped_undoes_enlarged(size):
    images = torch.rand(1, 1, *size)
    larger = enlarged(images, multiple=16, minimum=16)
    assert larger.shape == (1, 1, 16, 16)
    assert torch.equal(cropped(larger, *size), images)


@pytest.mark.parametrize("depth", [0, 1, 2, 3])
def test_one_logit_sees_one_patch(depth):
    config = PatchOptions(width=2, depth=depth, norm="none")
    images = torch.rand(1, 1, 160, 160, requires_grad=True)
    logits = PatchGAN(config=config, channels=Channels(1))(images)
    logits[0, 0, logits.shape[2] // 2, logits.shape[3] // 2].backward()
    rows = images.grad[0, 0].abs().sum(1).nonzero().flatten()
    assert int(rows.max() - rows.min()) + 1 == config.receptive_field


@pytest.mark.parametrize("size", [(1, 1), (5, 40)])
def test_discriminator_takes_small_images(size):
    logits = PatchGAN(config=PatchOptions(width=2), channels=Channels(1))(torch.rand(2, 1, *size))
    assert logits.shape[:2] == (2, 1)
    assert min(logits.shape[2:]) >= 1
