"""An evaluation as a whole, on planted runs whose verdict is known."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from PIL import Image

import gantool
from gantool import GantoolError
from gantool.evaluation.names import ARMS

from .conftest import SIZE, spots

FAST = {"estimators": ["toy:ridge"], "arms": ["synthetic", "refined", "mix", "real"], "device": "cpu", "evidence": False}


def run_evaluate(run, **choices):
    return gantool.evaluate(run, **{"real_labelled": run.parent / "test.npz", **FAST, **choices})


@pytest.mark.parametrize(
    ("refiner", "inverted", "verdict", "sentence"),
    [
        ("invert", True, "helps", "Refining helps: "),
        ("nothing", True, "no difference", "No measurable difference: "),
        ("blank", False, "hurts", "Refining hurts: "),
    ],
)
def test_verdict_of_a_refiner_that_is_known_to(planted, refiner, inverted, verdict, sentence):
    result = run_evaluate(planted(refiner, inverted=inverted))
    assert result["verdict"] == verdict
    assert result["sentence"].startswith(sentence)
    arms, difference = result["downstream"], result["difference"]
    assert difference["mean"] == pytest.approx(arms["refined"]["mean"] - arms["synthetic"]["mean"])
    assert (difference["runs"], difference["n"], difference["unit"]) == (3, 240, "px")
    assert arms["refined"]["ratio"] == pytest.approx(arms["refined"]["mean"] / arms["synthetic"]["mean"])
    assert arms["real"]["mean"] < 0.5  # it is learnable


def test_one_repeat_never_claims(planted):
    result = run_evaluate(planted("invert", inverted=True), repeats=1)
    assert result["downstream"]["refined"]["ratio"] < 0.2
    assert result["verdict"] == "undecided"
    assert "Too few repeats" in result["sentence"]
    assert result["difference"]["low"] is None


def test_what_is_written_is_what_is_returned_and_complete(planted):
    run = planted("invert", inverted=True)
    result = run_evaluate(run, repeats=2, evidence=True)
    assert json.loads((run / "evaluation.json").read_text()) == result
    assert [path.name for path in run.glob(".*")] == []
    first = ["verdict", "sentence", "downstream", "label_preservation", "realism", "activity", "data", "settings"]
    assert set(first) <= set(result)
    assert result["estimators"]["toy:ridge"] == result["downstream"]
    row = result["downstream"]["refined"]
    assert len(row["per_run"]) == row["runs"] == 2
    assert row["low"] <= row["mean"] <= row["high"]
    assert 0 <= row["extra"]["pck@0.05w"] <= 1
    data = result["data"]
    assert (data["labels"], data["task"], data["size"], data["step"]) == ("spot_xy", "keypoints", list(SIZE), 7)
    assert data["content_check"] == {"compared": 240, "with": 280, "seen": 0, "allowed": False}
    assert any("task: keypoints" in note for note in data["notes"])
    assert result["activity"]["mean_change"] > 0.5
    assert set(result["metrics"]["gantool:patch-distance"]) == {"refined", "synthetic"}
    assert result["metrics"]["toy:faulty"] == {"error": "TypeError: a metric with a fault"}
    assert result["label_preservation"]["keypoints"]["unit"] == "px"
    assert set(result["realism"]["two_sample"]) == {"refined", "synthetic", "floor"}
    assert result["realism"]["two_sample"]["refined"]["accuracy"] < result["realism"]["two_sample"]["synthetic"]["accuracy"]
    assert result["activity"]["artifacts"]["findings"] == []


def test_the_same_evaluation_gives_the_same_figures_and_another_seed_others(planted):
    run = planted("invert", inverted=True)
    first, second, other = run_evaluate(run), run_evaluate(run), run_evaluate(run, seed=5)
    for result in (first, second, other):
        del result["created"]
        for row in result["downstream"].values():
            del row["seconds"]
        result["estimators"].clear()
    assert first == second
    assert first["downstream"]["refined"]["per_run"] != other["downstream"]["refined"]["per_run"]


def test_images_that_the_run_trained_on_are_refused(planted):
    run = planted("nothing", inverted=False)
    with np.load(run.parent / "real.npz") as real, np.load(run.parent / "test.npz") as test:
        image = np.concatenate((test["image"][:100], real["image"][:7]))
        np.savez(run.parent / "leaky.npz", image=image, spot_xy=np.zeros((107, 2), np.float32))
    with pytest.raises(GantoolError, match=r"7 of the 107 labelled images of .*leaky\.npz were trained on .*--allow-seen"):
        run_evaluate(run, real_labelled=run.parent / "leaky.npz")
    assert not (run / "evaluation.json").exists()
    result = run_evaluate(run, real_labelled=run.parent / "leaky.npz", allow_seen=True)
    assert result["data"]["content_check"] == {"compared": 107, "with": 280, "seen": 7, "allowed": True}


def test_leaks_are_found_beyond_the_limit(planted):
    run = planted("nothing", inverted=False)
    with np.load(run.parent / "real.npz") as real:
        np.savez(run.parent / "leaky.npz", image=real["image"], spot_xy=np.zeros((120, 2), np.float32))
    with pytest.raises(GantoolError, match="70 of the 70"):
        run_evaluate(run, real_labelled=run.parent / "leaky.npz", limit=70)


def test_halves_are_apart_and_follow_from_content(planted):
    run = planted("nothing", inverted=False)
    tested = [
        run_evaluate(run, report_half=half, seed=seed)["data"]["real_labelled"]["tested"]
        for half, seed in (("first", 0), ("second", 0), ("first", 9))
    ]
    assert tested[0] + tested[1] == 240
    assert tested[0] == tested[2]
    assert 90 < tested[0] < 150


def test_classical_arms_and_those_that_cannot_be_run(planted, monkeypatch):
    monkeypatch.setitem(sys.modules, "albumentations", None)
    run = planted("nothing", inverted=False, equalize=True)
    image, at = spots(60, seed=4)
    np.savez(run.parent / "few.npz", image=image, spot_xy=at)
    result = run_evaluate(run, arms=list(ARMS), real_labelled=run.parent / "few.npz")
    assert list(result["downstream"]) == ["synthetic", "refined", "mix", "reinhard"]
    assert {row["train_images"] for row in result["downstream"].values()} == {160}
    skipped = result["skipped"]
    assert set(skipped) == set(ARMS) - set(result["downstream"])
    assert "pip install 'simgan-plugin[albumentations]'" in skipped["fda"]
    assert "the run equalises" in skipped["equalize"]
    assert "60 labelled real images are too few" in skipped["real"]


def test_several_estimators_and_a_callable_of_the_users(planted, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    (tmp_path / "planted_mine.py").write_text(
        "import torch\n"
        "class Mean:\n"
        "    def __init__(self, *, config, outputs, seed): pass\n"
        "    def fit(self, images, targets): self.mean = targets.mean(0)\n"
        "    def predict(self, images): return self.mean.expand(len(images), -1)\n"
    )
    result = run_evaluate(planted("invert", inverted=True), estimators=["planted_mine:Mean", "toy:ridge"])
    assert list(result["estimators"]) == ["planted_mine:Mean", "toy:ridge"]
    assert result["verdict"] == "no difference"
    assert result["downstream"]["synthetic"]["mean"] == pytest.approx(result["baseline"]["mean"], rel=1e-5)


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"arms": ["synthetic", "refined", "mixx"]}, r"--arms: no arm 'mixx'; did you mean 'mix'"),
        ({"arms": ["refined"]}, r"--arms needs 'synthetic'"),
        ({"repeats": 0}, r"--repeats: .*greater than or equal to 1"),
        ({"repaets": 3}, r"no argument 'repaets'; did you mean 'repeats'"),
        ({"estimators": ["toy:rigde"]}, r"no estimator 'rigde'; did you mean 'ridge'"),
        ({"estimators": ["toy:broken"]}, r"estimator toy:broken: images are too small"),
        ({"estimators": ["no_such_module:Thing"]}, r"cannot import 'no_such_module:Thing'"),
        ({"options": {"estimator.width": 3}}, r"no option estimator\.width; it has no options"),
        ({"options": {"generator.width": 3}}, r"-o generator\.width: evaluate has options of estimator and task only"),
        ({"labels": "spot"}, r"has no labels 'spot'; did you mean 'spot_xy'"),
        ({"task": "vectors", "labels": ""}, None),
        ({"task": "classification"}, r"--task classification needs one whole number or word per image"),
        ({"real_labelled": None}, r"gantool:files has no labelled real images: pass --real-labelled PATH"),
        ({"real_labelled": "nowhere.npz"}, r"nowhere\.npz does not exist"),
        ({"checkpoint": "7"}, r"has no checkpoints"),
        ({"limit": 30}, "--limit 30 leaves too few images to learn from: pass --limit 64 or more"),
        ({"device": "abacus"}, r"--device 'abacus' is no device"),
    ],
)
def test_bad_input_is_one_line(planted, choices, message):
    run = planted("nothing", inverted=False)
    if message is None:
        assert run_evaluate(run, **choices)["data"]["task"] == "vectors"
        return
    with pytest.raises(GantoolError, match=message) as caught:
        run_evaluate(run, **choices)
    assert "\n" not in str(caught.value)


def test_labels_that_do_not_go_together(planted):
    run = planted("nothing", inverted=False)
    image, at = spots(40, seed=8)
    for labels, message in (
        ({}, r"labels\.npz has no labels: pass --real-labelled PATH"),
        ({"spot": at}, r"no labels of one name in both domains: .* has spot_xy; .* has spot"),
        ({"spot_xy": at[:, :1]}, r"labels spot_xy differ: 160x2 float32 for the synthetic images, 40x1 float32"),
        ({"spot_xy": np.where(at > 8, np.nan, at)}, r"spot_xy in .*labels\.npz is not finite in row \d+"),
    ):
        np.savez(run.parent / "labels.npz", image=image, **labels)
        with pytest.raises(GantoolError, match=message):
            run_evaluate(run, real_labelled=run.parent / "labels.npz")


def test_a_folder_with_json_labels_of_images_of_another_size(planted):
    """Images are brought to the run's size, each from its own, and key points with them."""
    run, folder = planted("nothing", inverted=False), planted.folder / "photos"
    folder.mkdir()
    for number, (image, at) in enumerate(zip(*spots(40, seed=9), strict=True)):
        double = np.kron(image, np.ones((2, 2), np.uint8))
        Image.fromarray(double).save(folder / f"{number}.png")
        (folder / f"{number}.json").write_text(json.dumps({"spot_xy": (2 * at + 0.5).tolist()}))
    result = run_evaluate(run, real_labelled=folder)
    assert result["downstream"]["synthetic"]["mean"] < 0.5
    for number, (image, at) in enumerate(zip(*spots(20, seed=9), strict=True)):
        Image.fromarray(image).save(folder / f"{number}.png")
        (folder / f"{number}.json").write_text(json.dumps({"spot_xy": at.tolist()}))
    again = run_evaluate(run, real_labelled=folder)
    assert again["downstream"]["synthetic"]["mean"] == pytest.approx(result["downstream"]["synthetic"]["mean"], rel=0.2)


def test_built_in_eyes_need_no_flag(tmp_path):
    options = {
        "generator.width": 4,
        "generator.blocks": 1,
        "discriminator.width_factor": 0.05,
        "metric.samples": 64,
        "dataset.synthetic_count": 80,
        "dataset.real_count": 40,
    }
    run = gantool.train("simgan", output=tmp_path / "run", options=options, steps=1, batch_size=4, size=(12, 16), device="cpu")
    options = {"estimator.steps": 10, "estimator.batch_size": 8}
    result = gantool.evaluate(
        run, arms=["synthetic", "refined"], repeats=1, limit=80, options=options, device="cpu", evidence=False
    )
    assert (result["data"]["labels"], result["data"]["task"]) == ("gaze_pitch_yaw_rad", "angles")
    assert result["data"]["content_check"]["seen"] == 0
    assert result["settings"]["estimators"] == ["gantool:small-cnn"]
    assert result["settings"]["estimator_options"]["gantool:small-cnn"]["steps"] == 10
    assert any("pupil_xy" in note for note in result["data"]["notes"])
    assert {"accuracy_real", "accuracy_refined"} <= set(result["activity"]["discriminator"])
