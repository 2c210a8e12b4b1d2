"""The trainers in examples/ and the one in docs/trainer.md, on what gantool hands over, and what gantool makes of their answers.

The libraries are not installed where tests run: stand-ins of the same calls and of the same command line take their place here. With the
libraries themselves the scripts were run by hand; docs/experiments.md has the figures.
"""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from gantool.evaluation.trainer.masks import Masks
from gantool.evaluation.trainer.objects import CocoObjects, YoloObjects
from gantool.evaluation.trainer.pictures import Store

ROOT = Path(__file__).resolve().parents[2]
CLASSES = ["red", "blue"]
COLOURS = np.array([(230, 30, 30), (30, 30, 230)])


def pictures(count: int, seed: int) -> tuple[np.ndarray, list[dict]]:
    """(N, 48, 64, 3) uint8 of one red or blue rectangle or two on grey ground, and their rows."""
    random = np.random.default_rng(seed)
    images, rows = np.full((count, 48, 64, 3), 128, np.uint8), []
    for image in images:
        found = []
        for left in (4, 34)[: random.integers(1, 3)]:
            label, (width, height) = random.integers(2), random.integers(12, 24, 2)
            image[8 : 8 + height, left : left + width] = COLOURS[label]
            found.append((label, (left, 8, left + width, 8 + height)))
        labels, boxes = zip(*found, strict=True)
        rows.append({"boxes": np.array(boxes, float), "labels": np.array(labels), "crowd": np.zeros(len(labels), bool)})
    return images, rows


@pytest.fixture
def handed(tmp_path):
    """Makes the folders of one training in a form; returns them, the pictures that are tested and their rows."""

    def make(form, targets=lambda rows, images: rows):
        store = Store(tmp_path / "store")
        (images, rows), (others, truth) = pictures(8, seed=0), pictures(4, seed=1)
        form.write(tmp_path / "train", store.fill(tmp_path / "train/images", images), targets(rows, images))
        tested = store.fill(tmp_path / "test", others)
        (tmp_path / "out").mkdir()
        return [str(tmp_path / "train"), str(tmp_path / "test"), "3", str(tmp_path / "out")], tested, truth

    return make


def test_the_program_of_the_page_finds_what_its_colours_tell(handed, tmp_path):
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/trainer.md").read_text(), re.S)
    assert len(code.splitlines()) <= 40
    (tmp_path / "train.py").write_text(code)
    words, tested, truth = handed(CocoObjects(CLASSES))
    subprocess.run([sys.executable, str(tmp_path / "train.py"), *words], check=True)
    for found, row in zip(CocoObjects(CLASSES).read(tmp_path / "out", tested), truth, strict=True):
        best = np.argsort(-found["scores"])[: len(row["labels"])]
        order = best[np.argsort(found["boxes"][best, 0])]
        assert found["labels"][order].tolist() == row["labels"].tolist()
        np.testing.assert_allclose(found["boxes"][order], row["boxes"], atol=2)


YOLO = """#!{python} -S
import pathlib, sys
said = dict(word.split("=", 1) for word in sys.argv[3:])
assert sys.argv[1:3] in (["detect", "train"], ["detect", "predict"]), sys.argv
place = pathlib.Path(said["project"]) / said["name"]
if sys.argv[2] == "train":
    assert pathlib.Path(said["data"]).read_text().startswith("path: ") and said["seed"] == "3" and said["epochs"] == "2"
    (place / "weights").mkdir(parents=True)
    (place / "weights/last.pt").write_text("weights")
else:
    assert pathlib.Path(said["model"]).read_text() == "weights" and float(said["conf"]) < 0.01
    (place / "labels").mkdir(parents=True)
    for number, picture in enumerate(sorted(pathlib.Path(said["source"]).iterdir())[:3]):  # no file where nothing was found
        (place / "labels" / f"{{picture.stem}}.txt").write_text(f"1 0.5 0.25 0.25 0.5 0.{{number + 1}}\\n")
"""
"""A stand-in for the program `yolo` of ultralytics."""


def test_ultralytics_adapter_on_a_stand_in_for_its_program(handed, tmp_path):
    program = tmp_path / "bin/yolo"
    program.parent.mkdir()
    program.write_text(YOLO.format(python=sys.executable))
    program.chmod(0o755)
    words, tested, _ = handed(YoloObjects(CLASSES))
    script = ROOT / "examples/trainers/ultralytics_yolo.py"
    environment = os.environ | {"PATH": f"{program.parent}:{os.environ['PATH']}"}
    subprocess.run([sys.executable, "-S", str(script), *words, "--epochs", "2"], check=True, env=environment)
    rows = YoloObjects(CLASSES).read(tmp_path / "out", tested)
    assert [row["scores"].tolist() for row in rows] == [[0.1], [0.2], [0.3], []]
    assert rows[0]["labels"].tolist() == [1]
    np.testing.assert_allclose(rows[0]["boxes"], [[24, 0, 40, 24]])
    assert "import ultralytics" not in script.read_text()


class StandInDetector(nn.Module):
    """Answers as detectors of torchvision do, and remembers what it learnt from."""

    def __init__(self, *, weights, weights_backbone, num_classes, score_thresh):
        super().__init__()
        assert (weights, weights_backbone, num_classes) == (None, None, 3)
        assert score_thresh < 0.01
        self.weight, self.seen = nn.Parameter(torch.ones(())), []

    def forward(self, images, targets=None):
        assert all(image.shape == (3, 48, 64) and image.min() >= 0 and image.max() <= 1 for image in images)
        if self.training:
            self.seen += targets
            return {"bbox_regression": self.weight**2, "classification": self.weight**2}
        boxes = torch.tensor([[4.0, 8.0, 20.0, 30.0]]) if images[0][0].mean() > images[0][2].mean() else torch.zeros(0, 4)
        return [{"boxes": boxes, "labels": torch.ones(len(boxes)).long(), "scores": torch.full((len(boxes),), 0.7)}]


def run_script(monkeypatch, name: str, words: list[str], modules: dict[str, object]) -> dict:
    for path, content in modules.items():
        module = ModuleType(path)
        vars(module).update(content)  # type: ignore[call-overload]
        monkeypatch.setitem(sys.modules, path, module)
    monkeypatch.setattr(sys, "argv", [name, *words])
    with torch.random.fork_rng():
        return runpy.run_path(str(ROOT / "examples/trainers" / name), run_name="__main__")


def test_torchvision_adapter_on_a_stand_in_for_its_detector(handed, tmp_path, monkeypatch):
    def read_image(path, mode):
        assert mode == "RGB"
        return torch.from_numpy(cv2.imread(path)[..., ::-1].copy()).permute(2, 0, 1)

    words, tested, _ = handed(CocoObjects(CLASSES))
    modules = {
        "torchvision": {},
        "torchvision.io": {"ImageReadMode": SimpleNamespace(RGB="RGB"), "read_image": read_image},
        "torchvision.models": {},
        "torchvision.models.detection": {"ssdlite320_mobilenet_v3_large": StandInDetector},
    }
    ended = run_script(monkeypatch, "torchvision_detection.py", [*words, "--updates", "4", "--batch", "5"], modules)
    seen = ended["model"].seen
    assert len(seen) == 20
    assert {int(label) for target in seen for label in target["labels"]} == {1, 2}
    assert all((target["boxes"][:, 2:] > target["boxes"][:, :2]).all() for target in seen)
    assert ended["model"].weight.item() < 1
    rows = CocoObjects(CLASSES).read(tmp_path / "out", tested)
    assert {tuple(box) for row in rows for box in row["boxes"].tolist()} == {(4, 8, 20, 30)}
    assert all(set(row["labels"].tolist()) <= {0} for row in rows)


class StandInSegmenter(nn.Module):
    """Answers as SegFormer does, at a quarter of the size: red, blue or neither, by the colour."""

    device = torch.device("cpu")

    def __init__(self, config):
        super().__init__()
        assert (config.num_labels, config.semantic_loss_ignore_index) == (3, 255)

    def forward(self, *, pixel_values):
        small = nn.functional.avg_pool2d(pixel_values, 4)
        red, blue = small[:, 0] - small[:, 2], small[:, 2] - small[:, 0]
        return SimpleNamespace(logits=torch.stack([torch.full_like(red, 0.5), red, blue], 1))


class StandInTrainer:
    """Looks at what it would train on."""

    def __init__(self, *, model, args, train_dataset):
        self.data, self.steps = train_dataset, args[1]["max_steps"]

    def train(self):
        assert self.steps == 7
        item = self.data[len(self.data) - 1]
        assert item["pixel_values"].shape == (3, 48, 64)
        assert set(item["labels"].unique().tolist()) <= {0, 1, 2, 255}


def test_hugging_face_adapter_on_a_stand_in_for_its_trainer(handed, tmp_path, monkeypatch):
    def masks(_rows, images):
        return [classes_of(image) for image in images]

    names = ["ground", *CLASSES]
    words, tested, _ = handed(Masks(names), masks)
    transformers = {
        "SegformerConfig": lambda **said: SimpleNamespace(**said),
        "SegformerForSemanticSegmentation": StandInSegmenter,
        "Trainer": StandInTrainer,
        "TrainingArguments": lambda *words, **said: (words, said),
        "set_seed": torch.manual_seed,
    }
    run_script(monkeypatch, "huggingface_segmentation.py", [*words, "--updates", "7"], {"transformers": transformers})
    images, _ = pictures(4, seed=1)
    for found, image in zip(Masks(names).read(tmp_path / "out", tested), images, strict=True):
        assert (found == classes_of(image)).mean() > 0.9


def classes_of(image: np.ndarray) -> np.ndarray:
    return np.select([(image == colour).all(2) for colour in COLOURS], [1, 2], 0).astype(np.int16)


@pytest.mark.parametrize("path", sorted((ROOT / "examples/trainers").glob("*.py")), ids=lambda path: path.stem)
def test_examples_are_short_and_say_what_they_are(path):
    assert len(path.read_text().splitlines()) <= 60
    assert "gantool evaluate RUN" in path.read_text().partition('"""')[2].partition('"""')[0]
