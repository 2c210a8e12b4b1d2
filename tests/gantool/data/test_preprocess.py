from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from gantool.data.domains import Preprocess
from gantool.errors import GantoolError
from gantool.options import describe, to_dict, validate

DTYPES = [np.uint8, np.uint16, np.float32]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 9])
@pytest.mark.parametrize("size", [(4, 6), (30, 40), (4, 40), (9, 13), (1, 1)])
def test_resizing_keeps_type_channels_and_mean(noise, dtype: type, channels: int, size: tuple[int, int]):
    image = noise((9, 13, channels), dtype)
    resized = Preprocess(size=size)(image)
    assert resized.shape == (*size, channels)
    assert resized.dtype == dtype
    white = 1 if dtype is np.float32 else np.iinfo(dtype).max
    flat = np.full((9, 13, channels), white, dtype)
    assert np.array_equal(Preprocess(size=size)(flat), np.full((*size, channels), white, dtype))


def test_shrinking_averages_areas(noise):
    image = noise((8, 12, 1), np.float32)
    means = image.reshape(4, 2, 6, 2, 1).mean(axis=(1, 3))
    assert np.allclose(Preprocess(size=(4, 6))(image), means, atol=1e-6)


def test_cropping_takes_the_centre(noise):
    image = noise((9, 13, 3))
    assert np.array_equal(Preprocess(size=(5, 7), fit="crop")(image), image[2:7, 3:10])


def test_a_crop_larger_than_the_image_names_it(noise):
    with pytest.raises(GantoolError, match=r"eye\.png is 9x13, smaller than the crop of 9x14"):
        Preprocess(size=(9, 14), fit="crop")(noise(), name="eye.png")


def test_channels(noise):
    rgba = noise((9, 13, 4))
    rgba[..., 1:2] |= 1
    rgba[..., 3] = 200
    grey = Preprocess(channels=1)(rgba)
    assert np.array_equal(grey[..., 0], cv2.cvtColor(rgba[..., :3], cv2.COLOR_RGB2GRAY))
    assert np.array_equal(Preprocess(channels=3)(rgba), rgba[..., :3])
    assert np.array_equal(Preprocess(channels=4)(rgba), rgba)
    assert np.array_equal(Preprocess(channels=3)(rgba[..., :2]), np.repeat(rgba[..., :1], 3, axis=2))
    with pytest.raises(GantoolError, match="a has 5 channels, which cannot become 3"):
        Preprocess(channels=3)(noise((9, 13, 5)), name="a")


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_value_range_becomes_the_whole_range_and_is_clipped(dtype: type):
    values = np.array([[[100], [150], [200], [250], [50]]], dtype)
    white = 1 if dtype is np.float32 else np.iinfo(dtype).max
    mapped = Preprocess(value_range=(100, 200))(values)
    assert mapped.dtype == dtype
    assert np.allclose(mapped.ravel() / white, [0, 0.5, 1, 1, 0], atol=1 / 255)
    assert mapped[0, 2, 0] == white


@pytest.mark.parametrize(
    ("value", "message"), [(1.5, "outside .*--value-range auto or LO,HI"), (np.inf, "outside"), (-0.1, "outside")]
)
def test_floats_that_need_a_range_say_so(value: float, message: str):
    image = np.full((2, 3, 1), 0.5, np.float32)
    image[0, 0] = value
    with pytest.raises(GantoolError, match=f"depth.tif has values .*{message}"):
        Preprocess()(image, name="depth.tif")


@pytest.mark.parametrize("value_range", [None, (0.0, 0.5)])
def test_nan_becomes_the_median_of_its_channel(value_range):
    image = np.array([[[0.1, 0.5], [0.2, np.nan], [np.nan, 0.25], [0.4, np.inf if value_range else 0.0]]], np.float32)
    found = Preprocess(value_range=value_range)(image, name="a")
    scale = 2 if value_range else 1
    np.testing.assert_allclose(found[0, :, 0], np.array([0.1, 0.2, 0.2, 0.4]) * scale, rtol=1e-6)
    np.testing.assert_allclose(found[0, 1, 1], (0.375 if value_range else 0.25) * scale, rtol=1e-6)
    assert np.isnan(image[0, 2, 0]), "the image itself stays as it is"
    with pytest.raises(GantoolError, match="a has no value that is finite"):
        Preprocess(value_range=value_range)(np.full((2, 2, 1), np.nan, np.float32), name="a")


def test_grey_bytes_are_equalised_as_cv2_does(noise):
    image = noise((30, 40, 1)) // 4 + 20
    assert np.array_equal(Preprocess(equalize=True)(image)[..., 0], cv2.equalizeHist(image[..., 0]))


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_16_bits_and_floats_are_equalised_by_the_same_rule(noise, dtype: type):
    levels = noise((30, 40, 1)) // 4 + 20
    expected = cv2.equalizeHist(levels[..., 0]) / 255
    image = levels.astype(np.uint16) * 257 if dtype is np.uint16 else levels.astype(np.float32) / 255
    equal = Preprocess(equalize=True)(image)
    assert equal.dtype == dtype
    assert np.allclose(equal[..., 0] / (65535 if dtype is np.uint16 else 1), expected, atol=0.5 / 255)


@pytest.mark.parametrize("dtype", DTYPES)
def test_colour_is_equalised_in_its_luminance(noise, dtype: type):
    image = noise((30, 40, 3), dtype)
    image = (image * 0.25).astype(dtype)
    equal = Preprocess(equalize=True)(image)
    white = 1 if dtype is np.float32 else np.iinfo(dtype).max
    before, after = (np.ptp(cv2.cvtColor(x, cv2.COLOR_RGB2GRAY) / white) for x in (image, equal))
    assert before < 0.25
    assert after > 0.8


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_flat_image_stays_flat(dtype: type, channels: int):
    flat = np.full((5, 6, channels), 0.5 if dtype is np.float32 else 77, dtype)
    equal = Preprocess(equalize=True)(flat)
    assert np.isfinite(equal).all()
    assert np.allclose(equal, flat, atol=1e-4 if dtype is np.float32 else 1)


def test_equalising_five_channels_is_an_error(noise):
    with pytest.raises(GantoolError, match="--equalize"):
        Preprocess(equalize=True)(noise((9, 13, 5)), name="a")


def test_the_dataclass_is_an_options_dataclass():
    options = Preprocess(size=(35, 55), value_range=(0, 2.5), channels=3)
    assert validate(Preprocess, json.loads(json.dumps(to_dict(options))), where="") == options
    assert all(info.doc for info in describe(Preprocess))
    for bad in ({"size": [0, 5]}, {"channels": 0}, {"value_range": [2, 1]}, {"fit": "stretch"}):
        with pytest.raises(GantoolError, match=f"--{next(iter(bad))}".replace("_", "-")):
            validate(Preprocess, bad, where="--")
