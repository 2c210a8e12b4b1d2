"""The wrapper: what it does to weights, and whose."""

import pytest
import torch
from gantool_losses.options import SpectralNormOptions
from gantool_losses.spectral import SpectralNorm
from torch import nn
from torch.nn.utils.parametrize import is_parametrized, remove_parametrizations

import gantool
from gantool.components import Channels


def make(**options):
    return SpectralNorm(config=SpectralNormOptions(**options), channels=Channels(1))


def largest(layer):
    return torch.linalg.matrix_norm(layer.weight.flatten(1), ord=2).item()


@pytest.mark.parametrize("name", ["simgan:local", "simgan:whole-image"])
def test_largest_singular_values_become_1(name):
    network = make(discriminator=name, options={"width_factor": 0.25}, iterations=30)
    for _ in range(5):
        network(torch.rand(2, 1, 35, 55))
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    assert layers
    assert [largest(layer) for layer in layers] == pytest.approx([1.0] * len(layers), rel=1e-3)


def test_it_bounds_the_slope_by_that_of_a_1_lipschitz_function():
    network = make(options={"width_factor": 0.25}, iterations=30).eval()
    plain = gantool.build("discriminator", "simgan:local", channels=1, width_factor=0.25)
    with torch.no_grad():
        for layer in plain.modules():
            if isinstance(layer, nn.Conv2d):
                layer.weight.mul_(50)
    wrapped_norms = [largest(layer) for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    plain_norms = [largest(layer) for layer in plain.modules() if isinstance(layer, nn.Conv2d)]
    assert max(wrapped_norms) < 1.2 < min(plain_norms)


def test_layers_that_are_normed_already_stay_so():
    network = make(options={"width_factor": 0.1, "spectral_norm": True})
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    assert all(is_parametrized(layer) and len(layer.parametrizations.weight) == 1 for layer in layers)


def test_logits_are_those_of_the_discriminator_with_those_weights():
    network = make(options={"width_factor": 0.1}).eval()
    images = torch.rand(2, 1, 16, 16)
    logits = network(images)
    for layer in network.modules():
        if is_parametrized(layer):
            remove_parametrizations(layer, "weight")
    plain = gantool.build("discriminator", "simgan:local", channels=1, width_factor=0.1).eval()
    plain.load_state_dict(network.network.state_dict())
    assert torch.allclose(plain(images), logits)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"discriminator": "simgan:locl"}, "no discriminator 'locl'; did you mean 'local'"),
        ({"options": {"dept": 2}}, "no option simgan:local: dept; did you mean 'depth'"),
    ],
)
def test_errors_name_the_wrapped_discriminator(options, message):
    with pytest.raises(gantool.GantoolError, match=message):
        make(**options)
