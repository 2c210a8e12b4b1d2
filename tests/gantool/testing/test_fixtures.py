from __future__ import annotations

import json
import os

import numpy as np
import pytest
import torch

import gantool
from gantool import GantoolError
from gantool.plugins import load_plugins
from gantool.testing.fixtures import gantool_host  # noqa: F401 - the fixture under test


def test_loads_only_what_it_is_told(plant, site, gantool_host):  # noqa: F811
    plant()
    site.plant("bad", "raise ValueError('must not be imported')")
    host = gantool_host("good")
    assert list(host.registry.plugins) == ["gantool", "good"]
    assert list(load_plugins().plugins) == ["gantool", "good"]
    assert os.environ["GANTOOL_PLUGINS"] == "good"
    with pytest.raises(GantoolError, match="installed but not loaded"):
        host.build("generator", "simgan:refiner", channels=1)


def test_without_plugins_there_are_the_built_ins(site, gantool_host):  # noqa: F811
    assert list(gantool_host().registry.plugins) == ["gantool"]
    assert list(load_plugins().plugins) == ["gantool"]


def test_plugin_that_is_broken(site, gantool_host):  # noqa: F811
    site.plant("bad", "raise ValueError('boom')")
    with pytest.raises(GantoolError, match="plugin 'bad' .* is broken: ValueError: boom"):
        gantool_host("bad")


def test_trains_a_few_steps_in_a_folder_of_its_own(plant, gantool_host):  # noqa: F811
    plant()
    host = gantool_host("good")
    first, second = host.train("good"), host.train("good", steps=3, options={"generator.width": 2})
    assert first != second
    assert json.loads((second / "run.json").read_text())["options"]["generator"] == {"width": 2}
    images = torch.zeros(1, 3, 32, 40)
    assert gantool.load(first)(images).shape == images.shape


def test_images_are_of_the_form_asked_for(gantool_host):  # noqa: F811
    for path in gantool_host().images(count=3, channels=1, size=(5, 7)):
        with np.load(path) as data:
            assert data["images"].shape == (3, 5, 7, 1)
