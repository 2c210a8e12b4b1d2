"""What pictures a training program is given."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from gantool import GantoolError
from gantool.evaluation.trainer.pictures import Store

BLUE_FIRST = {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}
"""What OpenCV reads."""


@pytest.mark.parametrize(("channels", "dtype"), [(1, np.uint8), (3, np.uint8), (4, np.uint8), (1, np.uint16), (3, np.uint16)])
def test_pictures_are_written_without_loss(tmp_path, channels, dtype):
    images = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (2, 5, 7, channels), dtype)
    pictures = Store(tmp_path / "store").fill(tmp_path / "place", images)
    assert [(picture.name, picture.size) for picture in pictures] == [("000000.png", (5, 7)), ("000001.png", (5, 7))]
    for picture, image in zip(pictures, images, strict=True):
        read = cv2.imread(str(tmp_path / "place" / picture.name), cv2.IMREAD_UNCHANGED).reshape(image.shape)
        np.testing.assert_array_equal(read[..., BLUE_FIRST[channels]], image)


def test_one_picture_is_one_file_and_whoever_changes_it_changes_nobody_elses(tmp_path):
    store, image = Store(tmp_path / "store"), np.full((1, 4, 4, 1), 7, np.uint8)
    for name in ("synthetic", "mix"):
        store.fill(tmp_path / name, image)
    first, second = (tmp_path / name / "000000.png" for name in ("synthetic", "mix"))
    assert first.samefile(second)
    first.chmod(0o644)
    first.write_bytes(b"spoilt")
    store.fill(tmp_path / "next", image)
    assert (cv2.imread(str(tmp_path / "next/000000.png"), cv2.IMREAD_UNCHANGED) == 7).all()


def test_more_channels_than_a_png_has_are_refused(tmp_path):
    with pytest.raises(GantoolError, match="the images have 5 channels"):
        Store(tmp_path / "store").fill(tmp_path / "place", np.zeros((1, 4, 4, 5), np.uint8))
