from __future__ import annotations

import numpy as np
import pytest

from gantool.evaluation.evidence.objects import object_preservation
from gantool.evaluation.held import HeldImages

SIZE = (40, 60)


def squares(count, *, shift=0):
    """A square on the left, where the label is, and one on the right, which no label describes."""
    images = np.full((count, *SIZE, 1), 60, np.uint8)
    for number, image in enumerate(images):
        left = 5 + number % 3 + shift
        image[10:30, left : left + 15] = 200
        image[10:30, 40:52] = 150
    return HeldImages(images)


def area(_number):
    found = np.zeros(SIZE, bool)
    found[:, :32] = True
    return found


def test_what_moves_is_told_from_what_stays_and_only_where_labels_are():
    still = object_preservation(squares(6), squares(6), area)
    assert (still["kept"], still["distance"], still["elsewhere"], still["images"]) == (1, 0, 1, 6)
    moved = object_preservation(squares(6), squares(6, shift=3), area)
    assert moved["kept"] < 0.75
    assert moved["elsewhere"] == 1
    assert moved["distance"] == pytest.approx(moved["controls"]["shifted_3px"]["distance"], abs=0.4)
    assert still["controls"]["shifted_1px"]["distance"] < still["controls"]["shifted_3px"]["distance"]


def test_the_worst_image_is_named_and_one_without_edges_does_not_count():
    images, others = list(squares(5)), list(squares(5))
    images[1] = others[1] = np.full((*SIZE, 1), 60, np.uint8)
    others[3] = squares(5, shift=6)[3]
    found = object_preservation(HeldImages(images), HeldImages(others), area)
    assert found["images"] == 4
    assert found["worst"][0]["row"] == 3
    assert found["worst"][0]["distance"] > found["worst"][1]["distance"] == 0
