"""Tables of labels and predictions of a training program."""

from __future__ import annotations

import pytest
import torch

from gantool import GantoolError
from gantool.evaluation.trainer.pictures import Picture
from gantool.evaluation.trainer.rows import Rows

PICTURES = [Picture(f"{number:06}.png", (4, 6)) for number in range(3)]
NUMBERS, CLASSES = Rows(["x", "y"]), Rows(["kind"], ["cat", "d,og"])
GOOD = "y,file,x\n1,000000.png,2\n3,000001.png,4\n5,000002.png,6e-1\n"


def test_labels_are_written_and_predictions_read_in_any_order(tmp_path):
    NUMBERS.write(tmp_path, PICTURES, torch.tensor([[2.0, 1.0], [4.0, 3.5], [0.1, 0.0]]))
    assert (tmp_path / "labels.csv").read_text().splitlines()[:2] == ["file,x,y", "000000.png,2.0,1.0"]
    (tmp_path / "predictions.csv").write_text("﻿" + GOOD)
    assert NUMBERS.read(tmp_path, PICTURES).tolist() == torch.tensor([[2.0, 1.0], [4.0, 3.0], [0.6, 5.0]]).tolist()


def test_classes_go_by_their_names(tmp_path):
    CLASSES.write(tmp_path, PICTURES, torch.tensor([0, 1, 1]))
    (tmp_path / "labels.csv").rename(tmp_path / "predictions.csv")
    assert CLASSES.read(tmp_path, PICTURES).tolist() == [[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]


@pytest.mark.parametrize(
    ("form", "text", "message"),
    [
        (
            NUMBERS,
            GOOD.replace("000002", "000009"),
            r"names '000009\.png', and no picture of \{test\} is called so: 000000\.png to 000002\.png",
        ),
        (
            NUMBERS,
            GOOD.partition("3,")[0],
            r"predictions\.csv says nothing of 2 of 3 pictures, such as 000001\.png: write a row for each",
        ),
        (NUMBERS, GOOD.replace("6e-1", "nan"), r"predictions\.csv, line 4: nan is no finite number"),
        (NUMBERS, GOOD.replace("6e-1", "inf"), r"line 4: inf is no finite number"),
        (NUMBERS, GOOD.replace("6e-1", ""), r"line 4: could not convert string to float: ''"),
        (NUMBERS, GOOD.replace(",6e-1", ""), r"line 4: could not convert string to float: ''"),
        (NUMBERS, GOOD.replace("000002", "000001"), r"line 4: 000001\.png stands there twice"),
        (NUMBERS, GOOD.replace("x", "z"), r"has no column x: its first line must be that of labels\.csv"),
        (NUMBERS, "", r"has no column file, x, y"),
        (NUMBERS, 'file,x,y\n"000000.png,1,2\n', r"predictions\.csv cannot be read: unexpected end of data"),
        (CLASSES, "file,kind\n000000.png,cta\n", r"line 2: no class 'cta'; did you mean 'cat'"),
    ],
)
def test_what_is_wrong_with_predictions_is_one_line(tmp_path, form, text, message):
    (tmp_path / "predictions.csv").write_text(text)
    with pytest.raises(GantoolError, match=message) as caught:
        form.read(tmp_path, PICTURES)
    assert "\n" not in str(caught.value)
