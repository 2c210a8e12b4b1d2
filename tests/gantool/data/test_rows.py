from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gantool.data.domains import FilesOptions
from gantool.data.files import files
from gantool.data.images import Form
from gantool.data.rows import Rows
from gantool.errors import GantoolError
from gantool.options import to_dict, validate


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """Ten synthetic images whose pixels are their number, with labels; one real image."""
    images = np.arange(10, dtype=np.uint8)[:, None, None] + np.zeros((10, 5, 6), np.uint8)
    gaze = np.stack((np.linspace(-0.9, 0.9, 10), np.linspace(0.9, 0, 10)), 1)
    np.savez(tmp_path / "set.npz", images=images, gaze=gaze, age=np.arange(10), who=np.array(["a"] * 10))
    (tmp_path / "real").mkdir()
    Image.fromarray(images[0]).save(tmp_path / "real/a.png")
    return tmp_path


def source(root: Path, ranges: dict, synthetic: str = "set.npz"):
    said = {"synthetic": str(root / synthetic), "real": str(root / "real"), "label_range": ranges}
    return files(config=validate(FilesOptions, said, where="dataset.")).source


def test_a_pair_for_each_column_keeps_what_lies_in_both(two: Path):
    kept = source(two, {"gaze": [[-0.5, 1.0], [0.3, 0.5]]})
    gaze = np.load(two / "set.npz")["gaze"]
    expected = [n for n in range(10) if gaze[n, 0] >= -0.5 and 0.3 <= gaze[n, 1] <= 0.5]
    assert 0 < len(expected) < 10
    assert [int(kept[n][0, 0, 0]) for n in range(len(kept))] == expected
    assert np.array_equal(kept.labels["gaze"], gaze[expected])
    assert kept.names[0] == f"{two / 'set.npz'}[{expected[0]}]"
    assert kept.forms() == {Form(5, 6, 1, "uint8"): 0}


def test_one_pair_is_for_all_columns_and_bounds_are_inside(two: Path):
    assert len(source(two, {"gaze": [[0.0, 0.5]]})) == len(source(two, {"gaze": [[0.0, 0.5], [0.0, 0.5]]}))
    assert [int(image[0, 0, 0]) for image in _all(source(two, {"age": [[3, 5]]}))] == [3, 4, 5]


def test_ranges_of_two_labels_hold_together(two: Path):
    assert len(source(two, {"age": [[3, 9]], "gaze": [[-1, 0.35], [0, 1]]})) == 4


def test_tables_beside_a_folder_are_read(two: Path):
    (two / "folder").mkdir()
    with (two / "folder/labels.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "age"])
        for age in range(4):
            # One of another size, which the kept ones must not be said to have.
            Image.fromarray(np.full((5 + (age == 0), 6), age, np.uint8)).save(two / f"folder/{age}.png")
            writer.writerow([f"{age}.png", age])
    kept = source(two, {"age": [[1, 2]]}, "folder")
    assert [Path(name).name for name in kept.names] == ["1.png", "2.png"]
    assert kept.forms() == {Form(5, 6, 1, "uint8"): 0}


def test_without_ranges_nothing_is_read_of_labels(two: Path):
    assert not isinstance(source(two, {}), Rows)


def test_a_plan_keeps_ranges_as_json(two: Path):
    config = validate(FilesOptions, {"label_range": {"gaze": [[-1, 0], [0, 1]]}}, where="dataset.")
    again = validate(FilesOptions, json.loads(json.dumps(to_dict(config))), where="dataset.")
    assert again == config


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        ({"gaz": [[0, 1]]}, "no label gaz in .*set.npz.*gaze"),
        ({"who": [[0, 1]]}, "who of .*set.npz is not one number"),
        ({"gaze": [[0, 1]] * 3}, "3 pairs for the 2 columns of gaze: give one, or one for each"),
        ({"gaze": []}, "0 pairs for the 2 columns"),
        ({"age": [[20, 30]]}, "leaves none of the 10 images of .*set.npz: widen it"),
    ],
)
def test_what_cannot_be_kept_is_one_line(two: Path, ranges: dict, message: str):
    with pytest.raises(GantoolError, match=message) as error:
        source(two, ranges)
    assert "\n" not in str(error.value)


def test_a_stream_has_no_labels():
    with pytest.raises(GantoolError, match=re.escape("label_range needs the labels of all images")):
        validate(FilesOptions, {"stream": True, "label_range": {"age": [[0, 1]]}}, where="dataset.")


def _all(images):
    return [images[number] for number in range(len(images))]
