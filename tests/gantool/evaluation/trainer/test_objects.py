"""Boxes and masks as a training program is given them, and gives them back."""

from __future__ import annotations

import json

import numpy as np
import pytest
import yaml

from gantool import GantoolError
from gantool.evaluation.trainer.objects import CocoMasks, CocoObjects, YoloObjects
from gantool.evaluation.trainer.pictures import Picture

PICTURES = [Picture("000000.png", (10, 20)), Picture("000001.png", (10, 20))]
CLASSES = ["cell: red", "platelet"]
MASK = {"size": [10, 20], "counts": [12, 3, 7, 3, 175]}
"""Rows 2 to 4 of the columns 1 and 2."""


def row(boxes, labels, crowd=None, **more):
    crowd = crowd or [False] * len(labels)
    return {"boxes": np.array(boxes, float).reshape(-1, 4), "labels": np.array(labels), "crowd": np.array(crowd, bool), **more}


TARGETS = [row([[2, 1, 6, 3], [0, 0, 20, 10]], [1, 0], [False, True]), row([], [])]


def result(**changed):
    return {"image_id": "000000.png", "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5} | changed


def read(form, folder, results, *, nothing=("000001.png",)):
    (folder / "predictions.json").write_text(json.dumps([*results, *({"image_id": name} for name in nothing)]))
    return form.read(folder, PICTURES)


def test_coco_labels_are_read_by_pycocotools(tmp_path, capsys):
    coco = pytest.importorskip("pycocotools.coco")
    CocoObjects(CLASSES).write(tmp_path, PICTURES, TARGETS)
    read = coco.COCO(str(tmp_path / "annotations.json"))
    assert read.getImgIds() == [1, 2]
    assert [category["name"] for category in read.loadCats(read.getCatIds())] == CLASSES
    first, crowd = read.loadAnns(read.getAnnIds(imgIds=[1]))
    assert (first["bbox"], first["category_id"], first["area"], first["iscrowd"]) == ([2, 1, 4, 2], 2, 8, 0)
    assert crowd["iscrowd"] == 1
    assert read.getAnnIds(imgIds=[2]) == []


def test_yolo_labels_are_what_the_data_layer_reads(tmp_path):
    YoloObjects(CLASSES).write(tmp_path, PICTURES, TARGETS)
    assert (tmp_path / "labels/000000.txt").read_text() == "1 0.200000 0.200000 0.200000 0.200000\n"
    assert (tmp_path / "labels/000001.txt").read_text() == ""
    config = yaml.safe_load((tmp_path / "data.yaml").read_text())
    assert config == {"path": str(tmp_path), "train": "images", "val": "images", "names": {0: "cell: red", 1: "platelet"}}


@pytest.mark.parametrize(("form", "number"), [(CocoObjects, 2), (YoloObjects, 1)])
def test_predictions_become_rows_of_each_picture(tmp_path, form, number):
    found = read(
        form(CLASSES), tmp_path, [result(category_id=number), result(category_id=number - 1, bbox=[0, 0, 1.5, 1], score=-2)]
    )
    assert found[0]["boxes"].tolist() == [[1, 2, 4, 6], [0, 0, 1.5, 1]]
    assert found[0]["labels"].tolist() == [1, 0]
    assert found[0]["scores"].tolist() == [0.5, -2]
    assert found[1]["boxes"].shape == (0, 4)
    assert found[1]["labels"].dtype == np.int64


def test_masks_go_as_run_lengths_both_ways(tmp_path):
    target = row([[1, 2, 3, 5]], [0], masks=[MASK], size=(10, 20))
    CocoMasks(CLASSES).write(tmp_path, PICTURES[:1], [target])
    (label,) = json.loads((tmp_path / "annotations.json").read_text())["annotations"]
    assert (label["segmentation"], label["area"], label["bbox"]) == (MASK, 6, [1, 2, 2, 3])
    found = read(CocoMasks(CLASSES), tmp_path, [result(segmentation=MASK)])
    assert found[0]["masks"] == [MASK]
    assert found[0]["boxes"].tolist() == [[1, 2, 3, 5]]
    assert found[1]["masks"] == []


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"image_id": "BloodImage_1.jpg"},
            r"names 'BloodImage_1\.jpg', and no picture of \{test\} is called so: 000000\.png to 000001\.png",
        ),
        ({"image_id": 1}, r"result 1: its image_id is not the file name of a picture, such as '000000\.png'"),
        ({"category_id": 3}, "result 1: category_id 3 is no class, they are 1 to 2"),
        ({"category_id": 0}, "category_id 0 is no class"),
        ({"category_id": "platelet"}, "category_id 'platelet' is no class"),
        ({"score": float("nan")}, "result 1: its score has nan, which is no finite number"),
        ({"score": None}, "its score is not a number"),
        ({"bbox": [1, 2, 3]}, "its bbox is not 4 numbers"),
        ({"bbox": [1, 2, float("inf"), 4]}, "its bbox has inf"),
        ({"bbox": [5, 5, -3, 4]}, r"its bbox \[5, 5, -3, 4\] is not left, top, width, height"),
    ],
)
def test_what_is_wrong_with_a_result_is_one_line(tmp_path, changed, message):
    with pytest.raises(GantoolError, match=message) as caught:
        read(CocoObjects(CLASSES), tmp_path, [result(**changed)], nothing=("000000.png", "000001.png"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (None, r"its segmentation is not run lengths of COCO with the size \[10, 20\]"),
        ({"size": [20, 10], "counts": [200]}, "not run lengths of COCO with the size"),
        ({"size": [10, 20], "counts": [199]}, "has 199 pixels, the picture 200"),
        ({"size": [10, 20], "counts": [200, -1]}, "is damaged: run lengths must be whole numbers"),
    ],
)
def test_what_is_wrong_with_a_mask_is_one_line(tmp_path, mask, message):
    with pytest.raises(GantoolError, match=message):
        read(CocoMasks(CLASSES), tmp_path, [result(segmentation=mask)])


def test_a_picture_of_which_nothing_is_said_may_have_been_forgotten(tmp_path):
    wanted = r'says nothing of 1 of 2 pictures, such as 000001\.png: write \{"image_id": NAME\} where nothing was found'
    with pytest.raises(GantoolError, match=wanted):
        read(CocoObjects(CLASSES), tmp_path, [result()], nothing=())


@pytest.mark.parametrize(
    ("text", "message"), [("[{]", r"predictions\.json is no JSON"), ("{}", "must hold a list of results"), ("[3]", "result 1")]
)
def test_a_file_that_holds_no_results_is_one_line(tmp_path, text, message):
    (tmp_path / "predictions.json").write_text(text)
    with pytest.raises(GantoolError, match=message):
        CocoObjects(CLASSES).read(tmp_path, PICTURES)
