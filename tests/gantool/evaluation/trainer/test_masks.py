"""Classes of pixels as a training program is given them, and gives them back."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from gantool import GantoolError
from gantool.evaluation.trainer.masks import Masks
from gantool.evaluation.trainer.pictures import Picture

PICTURES = [Picture(f"{number:06}.png", (4, 6)) for number in range(2)]
FORM = Masks(["ground", "die"])


def test_masks_are_written_and_read(tmp_path):
    rows = [np.array([[0, 1, 1, 0, -1, 0]] * 4, np.int16), np.ones((4, 6), np.int16)]
    FORM.write(tmp_path, PICTURES, rows)
    assert json.loads((tmp_path / "classes.json").read_text()) == ["ground", "die"]
    written = cv2.imread(str(tmp_path / "masks/000000.png"), cv2.IMREAD_UNCHANGED)
    assert written[0].tolist() == [0, 1, 1, 0, 255, 0]
    written[written == 255] = 1
    cv2.imwrite(str(tmp_path / "masks/000000.png"), written)
    found = FORM.read(tmp_path, PICTURES)
    assert found[0][0].tolist() == [0, 1, 1, 0, 1, 0]
    assert (found[1] == rows[1]).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda place: (place / "000001.png").unlink(), r"masks says nothing of 1 of 2 pictures, such as 000001\.png"),
        (
            lambda place: (place / "000001.png").rename(place / "a.png"),
            r"masks names 'a\.png', and no picture of \{test\} is called so",
        ),
        (lambda place: (place / "000001.png").write_bytes(b"no"), r"masks/000001\.png is no PNG of one channel"),
        (lambda place: cv2.imwrite(str(place / "000001.png"), np.zeros((4, 6, 3), np.uint8)), "is no PNG of one channel"),
        (
            lambda place: cv2.imwrite(str(place / "000001.png"), np.zeros((6, 4), np.uint8)),
            r"000001\.png is 6x4, its picture 4x6",
        ),
        (
            lambda place: cv2.imwrite(str(place / "000001.png"), np.full((4, 6), 2, np.uint8)),
            "has the value 2, and classes are 0 to 1",
        ),
    ],
)
def test_what_is_wrong_with_predictions_is_one_line(tmp_path, change, message):
    FORM.write(tmp_path, PICTURES, [np.zeros((4, 6), np.int16)] * 2)
    change(tmp_path / "masks")
    with pytest.raises(GantoolError, match=message):
        FORM.read(tmp_path, PICTURES)
