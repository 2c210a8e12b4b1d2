"""What the rules of the host do not say."""

import pytest
import torch

import gantool


def test_mover_starts_as_the_identity(gantool_host):
    host = gantool_host("my-plugin")
    images = torch.rand(2, 3, 16, 20) * 2 - 1
    mover = host.build("generator", "my-plugin:mover", channels=3)
    assert torch.equal(mover(images), images)


def test_charbonnier_is_near_the_absolute_difference(gantool_host):
    loss = gantool_host("my-plugin").build("loss", "my-plugin:charbonnier", epsilon=1e-4)
    a, b = torch.zeros(1, 1, 4, 4), torch.full((1, 1, 4, 4), 0.5)
    assert float(loss(a, b)) == pytest.approx(0.5, abs=1e-3)


def test_trains_and_loads(gantool_host):
    host = gantool_host("my-plugin", "simgan")
    run = host.train("my-plugin", steps=3)
    refiner = gantool.load(run)
    images = torch.rand(2, 3, 32, 40) * 2 - 1
    with torch.no_grad():
        assert not torch.equal(refiner(images), images)
