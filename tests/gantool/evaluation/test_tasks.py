"""A task that a plugin brings: rows that are no numbers, and a figure that is no mean over images."""

from __future__ import annotations

import numpy as np
import pytest

import gantool
from gantool import GantoolError
from gantool.components import Labels
from gantool.evaluation.sources import check_alike
from gantool.evaluation.tasks import guess
from gantool.plugins import load_plugins

from .conftest import SIZE, spots

PLUGIN = """
from dataclasses import dataclass

import numpy as np
import torch
from gantool import Component, GantoolError, hookimpl

@dataclass(frozen=True, kw_only=True)
class OverlapOptions:
    factor: float = 100.0
    "What a complete overlap counts."

class Overlap:
    "Masks: the share that intersections have of unions, over the pixels of all images of a set."
    unit, higher_is_better, outputs = "%", True, 1
    def __init__(self, *, config, labels):
        if labels.values.ndim != 3:
            raise GantoolError(f"--task areas:overlap needs masks, not {labels}")
        self.config = config
    @staticmethod
    def recognises(labels):
        return labels.values.ndim == 3 and labels.values.dtype.kind == "b"
    def load(self, values, sizes):
        return [np.asarray(value) for value in values]
    def learn(self, estimator, images, targets):
        estimator.fit(images.tensor(), targets)
        return lambda images: estimator.predict(images.tensor())
    def statistics(self, predicted, targets):
        return np.array([((a & b).sum(), (a | b).sum()) for a, b in zip(predicted, targets, strict=True)], float)
    def aggregate(self, statistics, counts):
        both, either = (counts @ statistics).T
        return self.config.factor * both / either
    def baseline(self, targets, count):
        return "nothing anywhere", [np.zeros_like(targets[0])] * count
    def extra(self, predicted, targets):
        return {"largest": float(max(mask.sum() for mask in predicted))}
    def picture(self, image, row):
        return image

class Thresholds:
    "Bright or dark, whichever the masks of a random half of the images say."
    def __init__(self, *, config, outputs, seed):
        self.random = np.random.default_rng(seed)
    def fit(self, images, targets):
        chosen = self.random.permutation(len(images))[: len(images) // 2]
        pixels, masks = images[:, 0].numpy()[chosen], np.stack([targets[number] for number in chosen])
        inside, outside = pixels[masks].mean(), pixels[~masks].mean()
        self.level, self.bright = (inside + outside) / 2, inside > outside
    def predict(self, images):
        return [(image > self.level) == self.bright for image in images[:, 0].numpy()]

def Broken(*, config, labels):
    raise AssertionError

Broken.recognises = lambda labels: 1 / 0

@hookimpl
def gantool_tasks():
    yield Component(name="overlap", factory="MODULE:Overlap", options=OverlapOptions, summary="Masks")
    yield Component(name="broken", factory="MODULE:Broken", summary="Raises")
    yield Component(name="missing", factory="MODULE:Missing", summary="Cannot be imported")

@hookimpl
def gantool_estimators():
    yield Component(name="thresholds", factory="MODULE:Thresholds", summary="Thresholds")
"""


def masks(at: np.ndarray) -> np.ndarray:
    """(N, H, W) bool: a disc around each spot."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    return (x - at[:, 0, None, None]) ** 2 + (y - at[:, 1, None, None]) ** 2 < 4


@pytest.fixture
def evaluate(site, planted):
    """Evaluates a run on spots, synthetic ones inverted or not, whose labels are masks."""
    site.plant("areas", PLUGIN)

    def run_it(refiner: str, *, inverted: bool = True, **choices):
        run = planted(refiner, inverted=inverted)
        for name, count, seed in (("synthetic", 160, 1), ("test", 240, 3)):
            image, at = spots(count, seed=seed, inverted=inverted and name == "synthetic")
            np.savez(run.parent / f"{name}.npz", image=image, area=masks(at))
        fast = {"estimators": ["areas:thresholds"], "arms": ["synthetic", "refined", "fda", "real"], "device": "cpu"}
        return gantool.evaluate(run, real_labelled=run.parent / "test.npz", **{**fast, "evidence": False, **choices})

    return run_it


def test_a_score_of_all_pixels_is_compared_by_images_and_higher_is_better(evaluate):
    result = evaluate("invert")
    assert result["verdict"] == "helps"
    assert result["sentence"].startswith("Refining helps: ")
    rows, data = result["downstream"], result["data"]
    assert rows["synthetic"]["mean"] < 20 < 60 < rows["refined"]["mean"] < 100
    assert rows["refined"]["low"] < rows["refined"]["mean"] < rows["refined"]["high"]
    assert rows["refined"]["extra"]["largest"] > 1
    assert (data["task"], data["outputs"], data["higher_is_better"]) == ("areas:overlap", 1, True)
    assert "task: areas:overlap, by the name and shape of area" in data["notes"]
    assert (result["baseline"]["name"], result["baseline"]["mean"]) == ("nothing anywhere", 0)
    assert "Refining beats the best classical arm" in " ".join(result["caveats"])


def test_its_name_and_options_can_be_said_and_evidence_needs_no_numbers(evaluate):
    result = evaluate("nothing", task="overlap", options={"task.factor": 1.0}, evidence=True, repeats=2)
    assert result["verdict"] == "undecided"
    assert result["downstream"]["real"]["mean"] < 1
    assert result["label_preservation"]["labels"] is None
    assert not any("task:" in note for note in result["data"]["notes"])


def test_a_refiner_that_takes_everything_away_hurts_a_score(evaluate):
    result = evaluate("blank", inverted=False, arms=["synthetic", "refined", "reinhard"])
    assert result["verdict"] == "hurts"
    assert result["difference"]["high"] < 0
    assert any("The classical arm reinhard is better" in caveat for caveat in result["caveats"])


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"task": "overlpa"}, r"no task 'overlpa'; did you mean 'overlap'"),
        ({"task": "keypoints"}, r"--task keypoints needs x and y of key points.*, not labels area \(160x8x12 bool\)"),
        ({"task": "missing"}, r"plugin 'areas', task 'missing': cannot import"),
        ({"options": {"task.facter": 1}}, r"no option task\.facter; did you mean 'factor'"),
        ({"within_px": 2.0}, r"--within-px is for key points, and the task is areas:overlap"),
    ],
)
def test_what_does_not_fit_is_one_line(evaluate, choices, message):
    with pytest.raises(GantoolError, match=message):
        evaluate("nothing", **choices)


def test_a_task_that_two_recognise_is_asked_for(site):
    module = site.plant("one", PLUGIN)
    site.plant("two", f"from {module} import *\nfrom {module} import gantool_tasks\n")
    labels = Labels(name="area", values=np.zeros((4, 8, 8), bool), size=(8, 8), crop=False)
    with pytest.raises(
        GantoolError, match=r"labels area \(4x8x8 bool\) could mean .*: pass --task, one of one:overlap, two:overlap"
    ):
        guess(load_plugins(), labels)


def test_labels_of_different_shape_in_the_two_domains():
    check_alike("gaze", np.zeros((4, 2)), np.zeros((9, 2), np.float32))
    with pytest.raises(GantoolError, match="labels gaze differ: 4x2 float64 for the synthetic images, 9x3 float64"):
        check_alike("gaze", np.zeros((4, 2)), np.zeros((9, 3)))
