"""Runs, saved networks and exports of an earlier version still open, and give the pixels that they gave."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import gantool
from gantool.cli.main import run as command

EARLIER = Path(__file__).parent / "earlier"
WEIGHTS = {"run": EARLIER / "run/refiner.safetensors", "bundle": EARLIER / "refiner.safetensors"}
PICTURES = ("grey.png", "colour.png", "deeper/grey16.png")


@pytest.fixture
def earlier(tmp_path):
    """A copy of the folders that may be written to."""
    return Path(shutil.copytree(EARLIER, tmp_path / "earlier"))


def pixels(file: Path) -> np.ndarray:
    return np.asarray(Image.open(file))


def assert_same_pixels(found: np.ndarray, expected: np.ndarray) -> None:
    """The same, but for a few values which another processor's last digit rounds to their neighbour."""
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    away = np.abs(found.astype(int) - expected.astype(int))
    assert away.max() <= 1
    assert expected.dtype == np.uint16 or (away > 0).mean() < 0.005


@pytest.mark.parametrize("name", ["run", "bundle"])
def test_it_loads_with_the_same_weights(name):
    found, expected = gantool.load(EARLIER / name).state_dict(), load_file(WEIGHTS[name])
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[key], expected[key]) for key in expected)


@pytest.mark.parametrize("checkpoint", ["last", "best", 37])
def test_its_checkpoints_open(checkpoint):
    images = torch.linspace(-1, 1, 192).reshape(1, 1, 12, 16)
    assert torch.equal(gantool.load(EARLIER / "run", checkpoint)(images), gantool.load(EARLIER / "run")(images))


def test_its_export_computes_what_the_run_does():
    session = pytest.importorskip("onnxruntime").InferenceSession(EARLIER / "refiner.onnx", providers=["CPUExecutionProvider"])
    images = np.linspace(-1, 1, 192, dtype=np.float32).reshape(1, 1, 12, 16)
    with torch.no_grad():
        expected = gantool.load(EARLIER / "run")(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(session.run(None, {"images": images})[0], expected, atol=1e-5)


@pytest.mark.parametrize("name", ["run", "bundle"])
def test_it_refines_to_the_same_pixels(tmp_path, name):
    # A grey picture of 16 bits beside RGB would be in doubt; that version took every image file for a picture.
    words = {"layout": "plain", "backend": "torch", "device": "cpu"}
    gantool.refine(EARLIER / name, input=EARLIER / "input", output=tmp_path / "refined", **words)
    for picture in PICTURES:
        assert_same_pixels(pixels(tmp_path / "refined" / picture), pixels(EARLIER / "refined" / name / picture))
    assert (tmp_path / "refined/labels.csv").read_bytes() == (EARLIER / "input/labels.csv").read_bytes()


@pytest.mark.parametrize("name", ["run", "bundle"])
def test_it_refines_arrays_to_the_same_pixels(tmp_path, name):
    output = tmp_path / "refined.npz"
    gantool.refine(EARLIER / name, input=EARLIER / "input.npz", output=output, backend="torch", device="cpu")
    found, expected = np.load(output), np.load(EARLIER / "refined" / f"{name}.npz")
    assert_same_pixels(found["images"], expected["images"])
    assert np.array_equal(found["gaze"], expected["gaze"])


def test_its_training_goes_on_as_it_would_have(earlier):
    assert command(["train", "--resume", str(earlier / "run"), "--steps", "8", "--quiet"]) == 0
    found, expected = load_file(earlier / "run/refiner.safetensors"), load_file(EARLIER / "continued.safetensors")
    for key, value in expected.items():
        torch.testing.assert_close(found[key], value, atol=1e-4, rtol=0)


def test_its_plan_can_be_replayed(capsys):
    assert command(["train", "--config", str(EARLIER / "run/run.json"), "--dry-run"]) == 0
    plan, said = json.loads(capsys.readouterr().out), json.loads((EARLIER / "run/run.json").read_text(encoding="utf-8"))
    assert {"parts", "options", "steps", "seed"} <= said.keys() & plan.keys()
    known, options = said.keys() & plan.keys() - {"options"}, said["options"]
    assert {key: plan[key] for key in known} == {key: said[key] for key in known}
    # What parts gained since is at its default; what was said of them stands.
    assert {slot: plan["options"][slot] | options[slot] for slot in options} == {slot: plan["options"][slot] for slot in options}


def test_it_is_evaluated_to_the_same_figures(earlier):
    pytest.importorskip("sklearn")
    before = json.loads((EARLIER / "run/evaluation.json").read_text(encoding="utf-8"))
    words = {"estimators": ["knn"], "limit": 80, "repeats": 2, "arms": ["synthetic", "refined"], "evidence": False}
    found = gantool.evaluate(earlier / "run", **words, device="cpu")
    # Judged are the images that `refine` would write, in 8 bits; that version judged what the network gave, unrounded.
    for arm, near in (("synthetic", 1e-3), ("refined", 5e-3)):
        assert found["downstream"][arm]["mean"] == pytest.approx(before["downstream"][arm]["mean"], rel=near)
    assert (before["verdict"], found["verdict"]) == ("no difference", "undecided")  # two repeats: it has a word of its own now


def test_its_evaluation_is_reported(earlier):
    pytest.importorskip("jinja2")
    assert command(["report", str(earlier / "run")]) == 0
    page = (earlier / "run/report.html").read_text(encoding="utf-8")
    assert "20.9" in page
    assert "Too few repeats to tell" in page
