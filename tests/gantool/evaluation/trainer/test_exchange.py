"""What a program is given, handed back as it is, is all right: forms and tasks mean the same by numbers, classes and places."""

from __future__ import annotations

import csv
import json
import shutil

import numpy as np
import pytest

from gantool.components import Labels
from gantool.data.annotations.objects import of_bitmap
from gantool.data.scenes import Scene
from gantool.errors import GantoolError
from gantool.evaluation.trainer.exchange import exchange_for
from gantool.evaluation.trainer.pictures import Picture
from gantool.plugins import load_plugins

REGISTRY = load_plugins()
SIZE = (24, 32)
NAMES = ("bright", "dark")


def scenes(count: int) -> list[Scene]:
    """A rectangle of each class, or of one of them."""
    random, found = np.random.default_rng(0), []
    for number in range(count):
        objects = []
        for name in NAMES[: 1 + number % 2]:
            top, left = random.integers(0, 12, 2)
            bitmap = np.zeros(SIZE, bool)
            bitmap[top : top + 7, left : left + 9] = True
            objects.append(of_bitmap(name, bitmap))
        found.append(Scene(tuple(objects)))
    return found


def echo_coco(train, out):
    found = json.loads((train / "annotations.json").read_text())
    names = {image["id"]: image["file_name"] for image in found["images"]}
    keys = ("category_id", "bbox", "segmentation")
    results = [{key: each[key] for key in keys if key in each} | {"image_id": names[each["image_id"]], "score": 1} for each in found["annotations"]]  # fmt: skip
    (out / "predictions.json").write_text(json.dumps(results))


def echo_yolo(train, out):
    results = []
    for path in (train / "labels").iterdir():
        for line in path.read_text().splitlines():
            number, x, y, w, h = map(float, line.split())
            box = [(x - w / 2) * SIZE[1], (y - h / 2) * SIZE[0], w * SIZE[1], h * SIZE[0]]
            results.append({"image_id": f"{path.stem}.png", "category_id": int(number), "bbox": box, "score": 1})
    (out / "predictions.json").write_text(json.dumps(results))


def echo_masks(train, out):
    shutil.copytree(train / "masks", out / "masks")


def echo_csv(train, out):
    shutil.copy(train / "labels.csv", out / "predictions.csv")


@pytest.mark.parametrize(
    ("name", "kind", "form", "echo", "best"),
    [
        ("detection", "objects", "auto", echo_coco, 1.0),
        ("detection", "outlines", "yolo", echo_yolo, 1.0),
        ("masks", "outlines", "coco", echo_coco, 1.0),
        ("segmentation", "outlines", "auto", echo_masks, 1.0),
    ],
)
def test_labels_handed_back_as_predictions_get_the_best_score(tmp_path, name, kind, form, echo, best):
    pytest.importorskip("pycocotools")
    labels = Labels(name="objects", values=[], size=None, crop=False, kind=kind, names=NAMES)
    task = REGISTRY.build("task", name, {}, labels=labels)
    check(tmp_path, task, labels, task.load(scenes(6), np.tile(SIZE, (6, 1))), form, echo, best)


@pytest.mark.parametrize(
    ("name", "task", "values", "head"),
    [
        ("gaze_pitch_yaw", "angles", np.linspace(-0.3, 0.3, 12).reshape(6, 2), ["gaze_pitch_yaw_0", "gaze_pitch_yaw_1"]),
        ("x,y", "keypoints", np.linspace(0, 20, 12).reshape(6, 2), ["x", "y"]),
        ("kind", "classification", np.array(["cat", "dog", "cat", "a,b", "dog", "cat"]), ["kind"]),
        ("count", "classification", np.array([3, 3, 1, 2, 1, 1]), ["count"]),
    ],
)
def test_numbers_and_classes_handed_back_have_no_error(tmp_path, name, task, values, head):
    labels = Labels(name=name, values=values, size=SIZE, crop=False)
    built = REGISTRY.build("task", task, {}, labels=labels)
    check(tmp_path, built, labels, built.load(values, np.tile(SIZE, (6, 1))), "csv", echo_csv, 0.0)
    with (tmp_path / "train/labels.csv").open() as file:
        assert next(csv.reader(file)) == ["file", *head]


def check(folder, task, labels, rows, form, echo, best):
    pictures = [Picture(f"{number:06}.png", SIZE) for number in range(6)]
    (folder / "train").mkdir()
    (folder / "out").mkdir()
    exchange = exchange_for(form, task, labels)
    exchange.write(folder / "train", pictures, rows)
    echo(folder / "train", folder / "out")
    found = exchange.read(folder / "out", pictures)
    (figure,) = task.aggregate(task.statistics(found, rows), np.ones((1, 6)))
    assert figure == pytest.approx(best, abs=1e-6)


def test_a_form_that_labels_do_not_go_into_is_one_line():
    labels = Labels(name="depth", values=[], size=SIZE, crop=False, kind="depth")
    with pytest.raises(GantoolError, match="--trainer: nobody knows how to write the labels of Depth for another program"):
        exchange_for("auto", REGISTRY.build("task", "depth", {}, labels=labels), labels)
    labels = Labels(name="objects", values=[], size=None, crop=False, kind="outlines", names=NAMES)
    with pytest.raises(GantoolError, match=r"--trainer-format yolo: objects \(outlines\) go into coco$"):
        exchange_for("yolo", REGISTRY.build("task", "masks", {}, labels=labels), labels)
