"""What can be told before an estimator is trained is told then, and what the run has seen is what it drew."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import gantool
from gantool import GantoolError

from .conftest import spots
from .test_command import run_evaluate

STREAM = """
from types import SimpleNamespace

import numpy as np
from gantool import Component, hookimpl

class Noise:
    "Endless images that follow from a seed, and the seeds that were asked for."
    name, length = "noise", None
    def __init__(self):
        self.seeds = []
    def image(self, seed, number):
        return np.random.default_rng(1000 * seed + number + 7).integers(0, 256, (12, 16, 1), np.uint8)
    def stream(self, *, seed, skip):
        self.seeds.append(seed)
        while self.length is None or skip < self.length:
            yield self.image(seed, skip)
            skip += 1

class Same:
    "Map-style images with labels."
    def __init__(self, images):
        self.images, self.labels = images, {"place_xy": np.linspace(0, 9, 2 * len(images)).reshape(-1, 2)}
    def __len__(self):
        return len(self.images)
    def __getitem__(self, number):
        return self.images[number]

DATA = SimpleNamespace(
    source=Same(np.random.default_rng(1).integers(0, 256, (80, 12, 16, 1), np.uint8)), target=Noise(), test=None
)

def Data(*, config):
    return DATA

@hookimpl
def gantool_datasets():
    yield Component(name="noise", factory="MODULE:Data", summary="Noise")
"""

SMALL = {"generator.width": 4, "generator.blocks": 1, "discriminator.width_factor": 0.05, "metric.samples": 64}
FAST = {"arms": ["synthetic", "refined"], "repeats": 1, "estimators": ["gantool:knn"], "device": "cpu", "evidence": False}


@pytest.fixture
def streamed(site, tmp_path):
    """A run whose real images are a stream, and its data set."""
    module = site.plant("stream", STREAM)
    choices = {"dataset": "stream:noise", "options": SMALL, "steps": 1, "batch_size": 4, "device": "cpu"}
    run = gantool.train("simgan", output=tmp_path / "run", **choices)
    return run, sys.modules[module]


def test_of_a_stream_those_images_count_as_seen_that_the_run_drew(streamed):
    run, module = streamed
    noise, data = module.DATA.target, module.DATA
    (drawn,) = {seed for seed in noise.seeds if seed}  # its form was looked at with seed 0
    data.test = module.Same([noise.image(drawn, number) for number in range(30)])
    with pytest.raises(GantoolError, match="30 of the 30 labelled images of Same were trained on"):
        gantool.evaluate(run, **FAST)
    data.test = module.Same([noise.image(0, number) for number in range(30)])
    assert gantool.evaluate(run, **FAST)["data"]["content_check"]["seen"] == 0


@pytest.mark.parametrize("empty", ["target", "test"])
def test_a_domain_without_images_is_one_line(streamed, empty):
    run, module = streamed
    module.DATA.test = module.Same([module.DATA.target.image(7, number) for number in range(30)])
    module.Noise.length = 0
    if empty == "test":
        module.DATA.test = module.Same([])
    with pytest.raises(GantoolError, match=rf"^{'noise' if empty == 'target' else 'Same'} has no images$"):
        gantool.evaluate(run, **FAST)


@pytest.mark.parametrize("count", [1, 2])
def test_hardly_any_unlabelled_images_leave_the_verdict_and_say_what_is_missing(planted, count):
    run = planted("invert", inverted=True)
    np.savez(run.parent / "few.npz", image=spots(count, seed=12)[0])
    arms = ["synthetic", "refined", "histogram-matching", "reinhard", "fda"]
    pytest.importorskip("albumentations")
    said = []
    result = run_evaluate(run, real=run.parent / "few.npz", evidence=True, arms=arms, say=said.append)
    foreseen = [f"{name}: will be skipped, it needs {needed} unlabelled real images and there are {count}"
                for name, needed in (("realism", 64), ("artefacts", 15))]  # fmt: skip
    assert said[1:3] == foreseen, "before anything is learnt"
    assert result["verdict"] == "helps"
    assert list(result["downstream"]) == arms
    assert result["realism"] == {
        "skipped": f"realism needs 32 images of each set, and the second half of real images are {count - 1}: give more"
    }
    assert "8 images or more" in result["activity"]["artifacts"]["skipped"]
    assert result["metrics"]["gantool:patch-distance"]["refined"]["patch_distance"] > 0
    assert "needs 8 images of each side, got 1" in result["metrics"]["gantool:two-sample"]["error"]


PICKY = """
from gantool import Component, hookimpl

class Picky:
    def __init__(self, *, config, outputs, seed):
        raise ValueError(f"three numbers, not {outputs}")
    def fit(self, images, targets):
        ...
    predict = fit

@hookimpl
def gantool_estimators():
    yield Component(name="picky", factory="MODULE:Picky", summary="For three numbers")
"""


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"estimators": ["toy:ridge", "picky:picky"]}, "picky:picky: three numbers, not 2"),
        ({"evidence": True, "features": "patchse"}, "--features 'patchse' is none of"),
        ({"evidence": True, "features": "nowhere:network"}, "nowhere"),
    ],
)
def test_what_cannot_work_ends_before_images_are_read(planted, site, choices, message):
    site.plant("picky", PICKY)
    said = []
    with pytest.raises(GantoolError, match=message):
        run_evaluate(planted("nothing", inverted=False), say=said.append, **choices)
    assert said == []


def test_a_folder_that_cannot_be_written_to_ends_before_images_are_read(planted, monkeypatch):
    run, said = planted("nothing", inverted=False), []

    def refuse(*, dir):
        raise PermissionError(13, "Permission denied", str(dir))

    monkeypatch.setattr("gantool.evaluation.command.TemporaryFile", refuse)
    with pytest.raises(GantoolError, match="cannot be written to"):
        run_evaluate(run, say=said.append)
    assert said == []
