"""A recipe with a further network: shown, trained with, and replaced as any part is."""

from __future__ import annotations

import json

import pytest
import torch

from gantool import GantoolError, train
from gantool.cli.main import run
from gantool.plugins import load_plugins
from gantool.training.session import open_session

RECORDS = """
from dataclasses import dataclass
from gantool import Component, Recipe, Slot, hookimpl

@dataclass(frozen=True)
class Width:
    width: int = 2
    "Feature maps."

EMBEDS = frozenset({"embeds"})

@hookimpl
def gantool_networks():
    yield Component(name="plain", factory="MODULE_parts:Plain", options=Width, provides=EMBEDS, summary="One convolution")
    yield Component(name="deep", factory="MODULE_parts:Deep", options=Width, provides=EMBEDS)
    yield Component(name="judge-of-nothing", factory="MODULE_parts:Plain", options=Width)

@hookimpl
def gantool_recipes():
    yield Recipe(name="embedding", factory="MODULE_parts:Embedding", dataset="simgan:eyes", slots=(
        Slot(name="generator", kind="generator", default="simgan:refiner"),
        Slot(name="embedder", kind="network", default="net:plain", requires=EMBEDS, summary="What refining must not change"),
    ))
"""
PARTS = """
from torch import nn
from gantool.training import RecipeBase, make_adam

class Plain(nn.Sequential):
    def __init__(self, *, config, channels):
        super().__init__(nn.Conv2d(channels.images, config.width, 3), nn.ReLU())

class Deep(nn.Sequential):
    def __init__(self, *, config, channels):
        super().__init__(nn.Conv2d(channels.images, config.width, 3), nn.ReLU(), nn.Conv2d(config.width, 1, 3))

class Embedding(RecipeBase):
    def __init__(self, *, config, parts):
        self.network, self.embedder = parts["generator"], parts["embedder"]

    def setup(self, setup):
        self.place(setup, self.network, self.embedder)
        self.network, self.optimizer = self.accelerator.prepare(self.network, make_adam(self.network, lr=1e-3, beta1=0.5))

    def phase(self, step):
        return "training"

    def step(self, step, draw):
        images = draw.source().images
        loss = (self.embedder(self.network(images)) - self.embedder(images)).square().mean()
        self.update(self.optimizer, loss)
        return {"moved": loss.detach()}

    def generator(self):
        return self.unwrap(self.network)

    def stateful(self):
        return {"generator": self.network, "embedder": self.embedder, "optimizer": self.optimizer}
"""
QUICK = {"generator.width": 2, "generator.blocks": 1, "dataset.synthetic_count": 4, "dataset.real_count": 4}


@pytest.fixture
def plugin(site):
    module = site.plant("net", RECORDS)
    (site.folder / f"{module}_parts.py").write_text(PARTS)


def test_slot_is_shown_with_what_fits_it(plugin, capsys):
    assert run(["show", "net", "--json"]) == 0
    slot = next(slot for slot in json.loads(capsys.readouterr().out)["slots"] if slot["name"] == "embedder")
    assert (slot["kind"], slot["default"], slot["alternatives"]) == ("network", "net:plain", ["net:deep"])


@pytest.mark.parametrize(
    ("words", "layers", "width"),
    [
        ([], 2, 2),
        (["--part", "embedder=deep", "-o", "embedder.width=3"], 3, 3),
        (["--network", "net:deep"], 3, 2),
    ],
)
def test_network_is_built_for_the_channels_of_the_run(plugin, capsys, words, layers, width):
    from gantool.plan import Choices, resolve

    options = [word for name, value in QUICK.items() for word in ("-o", f"{name}={value}")]
    assert run(["train", "--plugin", "net", *words, *options, "--batch-size", "2", "--dry-run"]) == 0
    plan = resolve(load_plugins(), Choices.from_mapping(json.loads(capsys.readouterr().out), where="plan"))
    session = open_session(plan)
    try:
        embedder = session.recipe.embedder
        assert (len(embedder), embedder[0].out_channels) == (layers, width)
        assert embedder[0].in_channels == session.held_source.shape[1]
        assert torch.isfinite(session.recipe.step(0, session.draws)["moved"])
    finally:
        session.draws.close()


def test_what_does_not_fit_the_slot_is_refused_and_a_run_resumes_with_it(plugin, tmp_path):
    with pytest.raises(GantoolError, match=r"needs a network that provides 'embeds'; net:judge-of-nothing does not"):
        train("net", parts={"embedder": "judge-of-nothing"}, output=tmp_path / "no", options=QUICK)
    folder = train("net", network="deep", output=tmp_path / "run", options=QUICK, steps=1, batch_size=2, device="cpu")
    assert json.loads((folder / "run.json").read_text())["parts"]["embedder"] == "net:deep"
    train(resume=folder, steps=2)
