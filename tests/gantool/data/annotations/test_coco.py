from __future__ import annotations

import copy
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from gantool.data.annotations.rle import decode_counts, encode_counts, fit_mask
from gantool.data.geometry import resized

GOOD: dict[str, Any] = {
    "info": {"note": "ü"},
    "images": [
        {"id": 1, "file_name": "a b.png", "height": 20, "width": 30},
        {"id": 2, "file_name": "sub/ü.png", "height": 20, "width": 30},
    ],
    "categories": [{"id": 7, "name": "eye"}],
    "annotations": [
        {
            "id": 1,
            "image_id": 1,
            "category_id": 7,
            "bbox": [0, 0, 30, 20],
            "area": 600,
            "segmentation": [[0, 0, 30, 0, 30, 20.0]],
            "keypoints": [3, 4, 2, 99, 99, 0],
        },
        {
            "id": 2,
            "image_id": 2,
            "category_id": 7,
            "bbox": [1, 2, 3, 4],
            "segmentation": {"size": [20, 30], "counts": [100, 500]},
        },
    ],
}


@pytest.fixture
def coco(put: Callable[..., None]) -> Callable[[dict[str, Any]], None]:
    put("images/a b.png")
    put("images/sub/ü.png")
    return lambda data: put("annotations/train.json", data)


def changed(path: str, value: Any) -> dict[str, Any]:
    data = copy.deepcopy(GOOD)
    *keys, last = path.split(".")
    place: Any = data
    for key in keys:
        place = place[int(key) if key.isdigit() else key]
    place[int(last) if last.isdigit() else last] = value
    return data


def test_a_good_file_has_no_problems(coco, problems, opened):
    coco(GOOD)
    assert problems() == []
    (found,) = opened().annotations
    tally = found.tally()
    assert (found.format, tally.objects, dict(tally.classes)) == ("COCO", 2, {"eye": 2})
    assert tally.images == {"images/a b.png", "images/sub/ü.png"}


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("images.1.id", 1, "id 1 occurs more than once in images"),
        ("annotations.1.id", 1, "id 1 occurs more than once in annotations"),
        ("images.0.file_name", "gone.png", "image gone.png is not there"),
        ("images.0.height", 30, "image a b.png is said to be 30x30, but is 20x30"),
        ("annotations.0.image_id", 9, "annotation 1: its image 9 is not listed"),
        ("annotations.0.image_id", [1], "annotation 1: its image [1] is not listed"),
        ("annotations.0.category_id", 8, "annotation 1: its category 8 is not listed"),
        ("annotations.0.bbox", [0, 0, 33, 20], "annotation 1: its box [0, 0, 33, 20] reaches out of the image of 20x30"),
        ("annotations.0.bbox", [-2, 0, 3, 3], "annotation 1: its box [-2, 0, 3, 3] reaches out of the image of 20x30"),
        ("annotations.0.bbox", [1, 1, 0, 3], "annotation 1: its box has the size 0 x 3"),
        ("annotations.0.bbox", [1, 1, "3", 3], "annotation 1: its box is not four numbers"),
        ("annotations.0.keypoints.5", 1, "annotation 1: a key point lies outside the image of 20x30"),
        ("annotations.0.keypoints", [1, 2], "annotation 1: its key points are not triples of x, y and visibility"),
        ("annotations.0.segmentation", [[0, 0, 40, 0, 30, 20]], "annotation 1: its mask has a polygon that reaches out"),
        ("annotations.0.segmentation", [[0, 0]], "annotation 1: its mask has a polygon that is not three or more pairs"),
        ("annotations.1.segmentation.counts", [100, 501], "annotation 2: its mask has 601 pixels, the image 600"),
        ("annotations.1.segmentation.size", [30, 20], "annotation 2: its mask is of [30, 20], the image of [20, 30]"),
        ("annotations.1.segmentation.counts", "o", "annotation 2: its mask is damaged: counts end within a number"),
    ],
)
def test_every_planted_fault_is_found(path: str, value: Any, message: str, coco, problems):
    coco(changed(path, value))
    assert any(f"train.json: {message}" in problem for problem in problems()), problems()


def test_images_that_no_file_lists_are_named(coco, put, problems):
    coco(GOOD)
    put("images/extra.png")
    assert [problem.partition(": ")[2] for problem in problems()] == ["1 of 3 images have no labels: images/extra.png"]


def test_damaged_images_are_named(coco, put, problems):
    coco(GOOD)
    put("images/a b.png", b"")
    assert "images/a b.png: cannot be read" in problems()


def test_scaling(coco, opened):
    coco(GOOD)
    folder = opened()
    data = (folder.root / "annotations/train.json").read_bytes()
    new = json.loads(folder.annotations[0].scaled("annotations/train.json", data, folder.size, partial(resized, size=(10, 60))))
    first, second = new["annotations"]
    assert new["images"][0] == {"id": 1, "file_name": "a b.png", "height": 10, "width": 60}
    assert (first["bbox"], first["area"]) == ([0, 0, 60, 10], 600)
    assert first["segmentation"] == [[0, 0, 60, 0, 60, 10]]
    assert first["keypoints"] == [6, 2, 2, 198, 49.5, 0]
    assert second["segmentation"]["size"] == [10, 60]
    assert sum(second["segmentation"]["counts"]) == 600
    assert second["segmentation"]["counts"][0] == pytest.approx(100, abs=10)
    assert {key: new[key] for key in ("info", "categories")} == {key: GOOD[key] for key in ("info", "categories")}


def test_run_lengths_are_those_of_pycocotools():
    # Five bits a character, 48 added; from the third run on, the difference to the one before the last.
    assert decode_counts("253") == [2, 5, 3]
    assert decode_counts("2531") == [2, 5, 3, 6]
    assert encode_counts([40]) == "X1"
    for seed in range(20):
        random = np.random.default_rng(seed)
        runs = random.integers(0, 10 ** random.integers(1, 6), random.integers(1, 30)).tolist()
        assert decode_counts(encode_counts(runs)) == runs
    for bad in ("\x01", 3, [-1], ["1"]):
        with pytest.raises(ValueError, match="counts|run lengths"):
            decode_counts(bad)


def test_a_mask_of_its_own_size_stays():
    for seed in range(10):
        pixels = np.random.default_rng(seed).integers(0, 2, (7, 5))
        flat = pixels.T.ravel()
        edges = np.flatnonzero(np.diff(flat, prepend=0))
        runs = np.diff([0, *edges, flat.size]).tolist()
        mask = {"size": [7, 5], "counts": encode_counts(runs)}
        assert fit_mask(mask, resized((7, 5), (7, 5))) == mask
        doubled = fit_mask({"size": [7, 5], "counts": runs}, resized((7, 5), (14, 10)))["counts"]
        assert sum(doubled[1::2]) == 4 * flat.sum()
