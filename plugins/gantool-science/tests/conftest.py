"""A host with this plugin, and a network whose result is known."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from science_samples import RANGE

pytest_plugins = ("gantool.testing.fixtures",)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A saved network for values from -1100 to 1000, which gives one and the same for every pixel."""
    import torch

    import gantool
    from gantool.components import Channels

    network = gantool.build("generator", "simgan:refiner", channels=Channels(1), width=4, blocks=1)
    with torch.no_grad():
        network.head.weight.zero_()
        network.head.bias.fill_(0.2)
    folder = gantool.save(network, tmp_path / "run")
    config = json.loads((folder / "config.json").read_text())
    config["preprocess"]["value_range"] = RANGE
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture
def opened() -> Callable:
    """Open one file as the host does."""
    from gantool.data.picture_files import open_at

    return open_at
