#!/usr/bin/env bash
# pycocotools takes predictions that are none, and boxes of NaN are perfect ones.
#
# One would expect that `COCO.loadRes` or `COCOeval` refuses results whose box is not finite, or scores them as misses, and that it
# says so where a category is unknown. With pycocotools 2.0.11 and numpy 2.4.6:
# - a result whose bbox is four NaN matches any object of its class and image: comparisons with NaN are false, and the matching skips
#   a pair only where its IoU is below the threshold. A diverged detector, all of whose boxes are NaN, gets AP50 = 1.0;
# - scores of NaN sort behind all others and count like any; nothing is said;
# - results of a category that the labels lack are dropped without a word. A trainer that counts classes from 0 where the labels
#   count from 1 is scored 0 here, and gets a plausible figure where neighbouring classes look alike;
# - an empty list of results, a detector that found nothing, is an IndexError; results for a part of the images are fine.
# Why it matters here: predictions come from programs of others, so all of this has to be looked at before they are scored, or a
# verdict rests on it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check pycocotools==2.0.11 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import contextlib
import io
from importlib.metadata import version

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

print("pycocotools", version("pycocotools"), "numpy", version("numpy"))
nan = float("nan")
places = [(image, category) for image in (1, 2, 3) for category in (1, 2)]
labels = {
    "images": [{"id": image, "file_name": f"{image}.png", "width": 100, "height": 100} for image in (1, 2, 3)],
    "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
    "annotations": [
        {"id": number, "image_id": image, "category_id": category, "bbox": [10 * category, 10, 20, 20], "area": 400, "iscrowd": 0}
        for number, (image, category) in enumerate(places, 1)
    ],
}
right = [{"image_id": each["image_id"], "category_id": each["category_id"], "bbox": each["bbox"], "score": 0.9} for each in labels["annotations"]]


def ap50(results):
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = labels
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(results), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return round(float(evaluation.stats[1]), 4)


found = {
    "right boxes": ap50(right),
    "boxes of NaN": ap50([each | {"bbox": [nan] * 4} for each in right]),
    "scores of NaN": ap50([each | {"score": nan} for each in right]),
    "classes from 0": ap50([each | {"category_id": each["category_id"] - 1} for each in right]),
    "dogs as class 7": ap50([each | {"category_id": 7} if each["category_id"] == 2 else each for each in right]),
    "one image of three": ap50(right[:2]),
}
try:
    found["nothing found"] = ap50([])
except IndexError as error:
    found["nothing found"] = f"IndexError: {error}"
for what, value in found.items():
    print(f"{what}: {value}")
assert found == {
    "right boxes": 1.0,
    "boxes of NaN": 1.0,
    "scores of NaN": 1.0,
    "classes from 0": 0.0,
    "dogs as class 7": 0.5,
    "one image of three": 0.3366,
    "nothing found": "IndexError: list index out of range",
}
PYTHON
