"""Labels within files: found by their paths, and brought to where they are in pictures of another size."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gantool.data.frames import LabelForm, LabelKind, Place
from gantool.data.geometry import cropped, resized
from gantool.data.images import ImageReadError
from gantool.data.moving import fit_labels, moves
from gantool.data.records import boxes, read_records

FIT = resized((20, 40), (10, 60))
"""x is half as large again, y half."""
BOX = LabelForm(LabelKind.BOXES, corners="x0 y0 w h")
POINTS = LabelForm(LabelKind.KEYPOINTS)


def at(tmp_path: Path, content: Any, key: str) -> list[Any]:
    (tmp_path / "a.json").write_text(json.dumps(content), encoding="utf-8")
    return read_records(tmp_path, Place("a.json", key))


@pytest.mark.parametrize(
    ("content", "key", "found"),
    [
        ({"bbox": [1, 2, 3, 4]}, "bbox", [[1, 2, 3, 4]]),
        ([1, 2, 3, 4], "", [[1, 2, 3, 4]]),
        ({"boxes": [[1, 2, 3, 4], [5, 6, 7, 8]]}, "boxes", [[1, 2, 3, 4], [5, 6, 7, 8]]),
        ({"boxes": []}, "boxes", []),
        ({"class": 7}, "class", [7]),
        ({"a": {"x": 1, "y": 2}}, "a/x,y", [[1, 2]]),
        ({"objects": [{"box": [1, 2, 3, 4]}, {"box": [5, 6, 7, 8]}]}, "objects/*/box", [[1, 2, 3, 4], [5, 6, 7, 8]]),
        ({"objects": [{"p": [[1, 2], [3, 4]]}]}, "objects/*/p", [[[1, 2], [3, 4]]]),
        ({"by_id": {"7": {"box": [1, 2, 3, 4]}}}, "by_id/*/box", [[1, 2, 3, 4]]),
        ({"a": [{"b": [{"at": [1, 2], "s": 2}]}]}, "a/*/b/*/at,s", [[1, 2, 2]]),
        ({"boxes": [[1], [2]], "frames": [0, 3]}, "boxes/frames=3", [[2]]),
        ({"views": [{"id": "l", "x": [1, 2]}, {"id": "r", "x": [3, 4]}, {"x": 1}]}, "views/id=r/x", [[3, 4]]),
        ({"views": [{"id": "the left", "x": 1}]}, "views/id~left/x", [1]),
    ],
)
def test_what_lies_at_a_path_is_one_entry_per_object(content: Any, key: str, found: list[Any], tmp_path: Path):
    assert at(tmp_path, content, key) == found


def test_one_box_per_file_is_one_box(tmp_path: Path):
    found = at(tmp_path, {"bbox": [1, 2, 3, 4]}, "bbox")
    assert boxes(found, BOX, (20, 40)).tolist() == [[1, 2, 4, 6]]


def test_a_path_to_nothing_is_named(tmp_path: Path):
    with pytest.raises(ImageReadError, match=r"a\.json: no labels at box"):
        at(tmp_path, {"bbox": [1, 2, 3, 4]}, "box")


def fitted(content: Any, key: str, form: LabelForm, fit: Any = FIT) -> Any:
    assert moves(form)
    return json.loads(fit_labels(json.dumps(content).encode(), "a.json", [(Place("a.json", key), form, fit)]))


@pytest.mark.parametrize(
    ("content", "key", "form", "new"),
    [
        ({"bbox": [2, 4, 6, 8]}, "bbox", BOX, {"bbox": [3, 2, 9, 4]}),
        ({"bbox": [1, 1, 1, 1]}, "bbox", BOX, {"bbox": [1.5, 0.5, 1.5, 0.5]}),
        ({"p": [[2, 4], [6, -8]]}, "p", POINTS, {"p": [[3, 2], [9, -4]]}),
        ({"p": [2, 4, 6, 8]}, "p", POINTS, {"p": [3, 2, 9, 4]}),
        ([{"p": [2, 4, 2, 0, 0, 0]}], "*/p", LabelForm(LabelKind.KEYPOINTS, point="x y v"), [{"p": [3, 2, 2, 0, 0, 0]}]),
        ({"p": {"x": 0.25, "y": 0.5}}, "p/x,y", LabelForm(LabelKind.KEYPOINTS, shares=True), {"p": {"x": 0.25, "y": 0.5}}),
        ({"p": ["(2.0, 4.0, 9.1)"]}, "p", LabelForm(LabelKind.KEYPOINTS, point="x y z", y_up=True), {"p": ["(3, 2, 9.1)"]}),
        ({"w": 40, "h": 20, "n": 20}, "w,h", LabelForm(LabelKind.SIZE, corners="w h"), {"w": 60, "h": 10, "n": 20}),
        ({"size": [40.0, 20.0]}, "size", LabelForm(LabelKind.SIZE, corners="w h"), {"size": [60.0, 10.0]}),
    ],
)
def test_boxes_points_and_sizes_move(content: Any, key: str, form: LabelForm, new: Any):
    assert fitted(content, key, form) == new


def test_points_that_were_not_seen_stay_in_a_crop_and_y_counts_from_its_bottom():
    crop = cropped((20, 40), (10, 20))
    seen = LabelForm(LabelKind.KEYPOINTS, point="x y v")
    assert fitted({"p": [[0, 0, 0], [12, 8, 1]]}, "p", seen, crop) == {"p": [[0, 0, 0], [2, 3, 1]]}
    assert fitted({"p": [12, 8]}, "p", LabelForm(LabelKind.KEYPOINTS, y_up=True), crop) == {"p": [2, 3]}


@pytest.mark.parametrize(
    ("box", "new", "kind"), [((2, 4, 6, 8), (3, 2, 9, 4), "i"), ((1, 1, 6, 8), (1.5, 0.5, 9, 4), "f")], ids=["whole", "halves"]
)
def test_boxes_of_arrays_are_exact(box: tuple[int, ...], new: tuple[float, ...], kind: str):
    edges = LabelForm(LabelKind.BOXES, corners="x0 y0 x1 y1")
    fields = np.array([(7, *box)], [("id", "<u4"), *((name, "<i4") for name in ("a", "b", "c", "d"))])
    for array, key in ((fields, "a,b,c,d"), (np.array([box], np.int32), ""), (np.array(box, np.int32), "")):
        file = io.BytesIO()
        np.save(file, array)
        again = np.load(io.BytesIO(fit_labels(file.getvalue(), "a.npy", [(Place("a.npy", key), edges, FIT)])))
        plain = [again[name][0] for name in key.split(",")] if key else again.ravel().tolist()
        assert tuple(plain) == new
        assert (again.shape, again.dtype[1].kind if key else again.dtype.kind) == (array.shape, kind)
    file = io.BytesIO()
    np.save(file, np.zeros((0, 4), np.int32))
    assert np.load(io.BytesIO(fit_labels(file.getvalue(), "a.npy", [(Place("a.npy"), edges, FIT)]))).shape == (0, 4)
