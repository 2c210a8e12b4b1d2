"""Detection by a training program: what it is given of a folder with annotations, and the score of what it gives back."""

from __future__ import annotations

import contextlib
import io
import json
import shlex
import sys

import cv2
import pytest

from gantool import GantoolError

from ..conftest import spots
from ..test_command import run_evaluate

GUESSES = """
import json, pathlib, random, sys
train, test, seed, out = map(pathlib.Path, sys.argv[1:5])
first, given = FIRST
print(sorted(path.name for path in train.iterdir()))
assert sorted(path.name for path in train.iterdir()) == sorted(["images", *given])
draw, results = random.Random(str(seed)), []
for path in sorted(test.iterdir()):
    results.append({"image_id": path.name})
    for _ in range(draw.randrange(25)):
        box = [draw.uniform(0, 8), draw.uniform(0, 5), 4, 4]
        results.append({"image_id": path.name, "category_id": first + draw.randrange(2), "bbox": box, "score": draw.random()})
(out / "predictions.json").write_text(json.dumps(results))
"""
"""Draws boxes."""


@pytest.fixture
def folders(planted, tmp_path):
    """A run, and folders of pictures with a box around each spot, of one class on the left and of another on the right."""
    run = planted("invert", inverted=True)
    for name, count, seed in (("renders", 70, 1), ("photos", 30, 3)):
        image, at = spots(count, seed=seed, inverted=name == "renders")
        (tmp_path / name).mkdir()
        images = [{"id": number, "file_name": f"{number:02}.png", "width": 12, "height": 8} for number in range(count)]
        boxes = [[float(x) - 2, float(y) - 2, 4.0, 4.0] for x, y in at]
        annotations = [
            {"id": number + 1, "image_id": number, "category_id": 4 + (box[0] > 4), "bbox": box, "area": 16, "iscrowd": 0}
            for number, box in enumerate(boxes)
        ]
        found = {
            "images": images,
            "annotations": annotations,
            "categories": [{"id": 4, "name": "left"}, {"id": 5, "name": "right"}],
        }
        (tmp_path / name / "annotations.json").write_text(json.dumps(found))
        for number, picture in enumerate(image):
            cv2.imwrite(str(tmp_path / name / f"{number:02}.png"), picture)
    return run


def evaluate(run, first, given, **choices):
    script = run.parent / "guess.py"
    script.write_text(GUESSES.replace("FIRST", f"{first}, {given}"))
    command = f"{shlex.join([sys.executable, '-S', str(script)])} {{train}} {{test}} {{seed}} {{out}}"
    places = {"synthetic": run.parent / "renders", "real_labelled": run.parent / "photos"}
    return run_evaluate(
        run, **{"trainer": command, "arms": ["synthetic", "refined"], "repeats": 2, "estimators": ["auto"], **places, **choices}
    )


def reference(run, results) -> tuple[float, float]:
    """AP50 and AP of results by pycocotools."""
    coco, cocoeval = pytest.importorskip("pycocotools.coco"), pytest.importorskip("pycocotools.cocoeval")
    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco.COCO(str(run.parent / "photos/annotations.json"))
        own = [
            {**each, "image_id": int(each["image_id"][:6]), "category_id": each["category_id"] + 3}
            for each in results
            if "bbox" in each
        ]
        evaluation = cocoeval.COCOeval(truth, truth.loadRes(own), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return float(evaluation.stats[1]), float(evaluation.stats[0])


def test_the_score_is_that_of_pycocotools_on_what_the_program_wrote(folders):
    result = evaluate(folders, 1, ["annotations.json"])
    figures = result["downstream"]["refined"]
    assert figures["unit"] == "mAP50"
    for seed in (0, 1):
        results = json.loads((folders / f"trainer/refined/seed-{seed}/out/predictions.json").read_text())
        assert figures["per_run"][seed] == pytest.approx(reference(folders, results)[0], abs=1e-6)
    assert figures["per_run"][0] != figures["per_run"][1]
    assert result["settings"]["estimator_options"]["trainer"]["format"] == "coco"


def test_in_the_form_of_yolo_classes_count_from_0(folders):
    as_coco = evaluate(folders, 1, ["annotations.json"])
    as_yolo = evaluate(folders, 0, ["data.yaml", "labels"], trainer_format="yolo")
    for arm in ("synthetic", "refined"):
        assert as_yolo["downstream"][arm]["per_run"] == pytest.approx(as_coco["downstream"][arm]["per_run"], abs=1e-12)


@pytest.mark.parametrize(
    ("first", "given", "choices", "message"),
    [
        (
            0,
            ["annotations.json"],
            {},
            r"seed 0: predictions\.json, result \d+: category_id 0 is no class, they are 1 to 2; its log: ",
        ),
        (1, ["annotations.json"], {"trainer_format": "csv"}, "--trainer-format csv: objects .* go into coco or yolo"),
        (1, ["data.yaml"], {}, r"seed 0: it ended with exit code 1: AssertionError; its log: "),
    ],
)
def test_what_is_wrong_is_one_line(folders, first, given, choices, message):
    with pytest.raises(GantoolError, match=message):
        evaluate(folders, first, given, **choices)
