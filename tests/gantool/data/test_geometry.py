from __future__ import annotations

import numpy as np
import pytest

from gantool.data.frames import PassForm, PassKind, Place
from gantool.data.geometry import Fit, area, cropped, fit_pass, resized

HALF = resized((4, 6), (2, 3))
DEPTH = PassForm(PassKind.DEPTH)


def column(*rows: object, dtype: type = np.float32) -> np.ndarray:
    """(4, 6, 1): each of four values fills a row."""
    return np.array(rows, dtype)[:, None, None].repeat(6, axis=1)


def test_points_and_boxes_follow_exactly():
    fit = resized((20, 30), (10, 60))
    assert fit.point(3, 4) == (6, 2)
    assert fit.box(-3, 1, 30, 20) == (-6, 0.5, 60, 10)  # amodal boxes stay beyond the picture
    middle = cropped((20, 30), (10, 10))
    assert (middle.corner, middle.point(12, 7)) == ((5, 10), (2, 2))
    assert middle.box(8, 6, 14, 30) == (0, 1, 4, 10)
    assert middle.box(0, 0, 10, 20) is None
    assert (middle.inside(*middle.point(20, 15)), middle.inside(*middle.point(20.5, 15))) == (True, False)
    both = Fit((20, 30), (10, 10), scale=(2.0, 2.0), corner=(4, 6))
    assert both.point(5, 5) == (4, 6)


def test_polygons_are_cut_at_the_border():
    fit = cropped((10, 10), (4, 4), (0, 0))
    cut = fit.polygon([(2, 2), (6, 2), (6, 6), (2, 6)])
    assert sorted(cut) == [(2, 2), (2, 4), (4, 2), (4, 4)]
    assert area(cut) == 4
    assert area(fit.polygon([(0, 0), (8, 0), (0, 8)])) == 16  # a corner is cut off, and the border stays
    assert fit.polygon([(5, 5), (9, 5), (9, 9)]) == []


def test_a_crop_beyond_the_picture_is_an_error():
    with pytest.raises(ValueError, match="a crop of 30x30 at -5,-5 reaches beyond 20x20"):
        cropped((20, 20), (30, 30))


@pytest.mark.parametrize("kind", [PassKind.INSTANCES, PassKind.CLASSES, PassKind.MATERIALS, PassKind.OTHER])
@pytest.mark.parametrize("size", [(2, 3), (8, 12), (3, 5)])
def test_ids_are_never_mixed(kind: PassKind, size: tuple[int, int]):
    stored = np.random.default_rng(0).choice(np.array([3, 16_777_217, 2**40]), (4, 6, 1))
    seen = fit_pass(stored, PassForm(kind), resized((4, 6), size))
    assert (seen.shape, seen.dtype) == ((*size, 1), np.int64)
    assert set(np.unique(seen)) <= {3, 16_777_217, 2**40}


def test_nearest_is_the_pixel_whose_square_holds_the_centre():
    stored = np.arange(6, dtype=np.uint8)[None, :, None]
    assert fit_pass(stored, PassForm(PassKind.CLASSES), resized((1, 6), (1, 2))).ravel().tolist() == [1, 4]
    assert fit_pass(stored, PassForm(PassKind.CLASSES), resized((1, 6), (1, 12))).ravel().tolist() == [n // 2 for n in range(12)]


@pytest.mark.parametrize("far", [1e10, np.inf, np.nan])
def test_depth_is_never_mixed_with_background(far: float):
    seen = fit_pass(column(2, far, 4, 6), DEPTH, HALF)
    assert seen[:, 0, 0].tolist() == [2, 5]
    only = fit_pass(column(far, far, far, 6), DEPTH, HALF)
    assert not np.abs(only[0, 0, 0]) < 1e9
    assert only[1, 0, 0] == 6


def test_depth_of_16_bits_knows_its_background():
    form = PassForm(PassKind.DEPTH, background=(65535.0,))
    seen = fit_pass(column(100, 65535, 65535, 65535, dtype=np.uint16), form, HALF)
    assert (seen.dtype, seen[:, 0, 0].tolist()) == (np.uint16, [100, 65535])


def test_depth_that_grows_keeps_its_edges():
    stored = np.array([[1.0, 1.0, 1e10, 1e10]], np.float32)[..., None]
    seen = fit_pass(stored, DEPTH, resized((1, 4), (1, 8)))[0, :, 0]
    assert seen.tolist() == [1, 1, 1, 1, *[np.float32(1e10)] * 4]


def test_packed_depth_takes_whole_pixels():
    form = PassForm(PassKind.DEPTH, weights=(1.0, 256.0, 65536.0))
    stored = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    seen = fit_pass(stored, form, HALF)
    assert {tuple(pixel) for pixel in seen.reshape(-1, 3)} <= {tuple(pixel) for pixel in stored.reshape(-1, 3)}


def test_normals_keep_length_1():
    form = PassForm(PassKind.NORMALS, scale=2 / 255, offset=-1.0)
    stored = np.zeros((2, 2, 3), np.uint8)
    stored[:] = (127, 127, 127)  # background
    stored[0, 0], stored[0, 1] = (255, 128, 128), (128, 255, 128)
    seen = fit_pass(stored, form, resized((2, 2), (1, 1)))[0, 0] * (2 / 255) - 1
    assert np.linalg.norm(seen) == pytest.approx(1, abs=0.01)
    assert seen == pytest.approx([0.707, 0.707, 0], abs=0.01)


def test_motion_is_as_much_longer_as_the_picture():
    stored = np.full((4, 6, 2), (3.0, -4.0), np.float32)
    seen = fit_pass(stored, PassForm(PassKind.MOTION, factors=(1.0, -1.0)), resized((4, 6), (2, 12)))
    assert seen[0, 0].tolist() == [6, -2]
    # Rows first, in 16 bits between -2 and 6.
    form = PassForm(PassKind.MOTION, take=(1, 0))
    place = Place("a", scale=8 / 65535, offset=-2.0)
    whole = np.full((4, 6, 3), (65535, 16384, 0), np.uint16)
    seen = fit_pass(whole, form, HALF, place)
    assert seen[0, 0, :2] * (8 / 65535) - 2 == pytest.approx([3, 0], abs=1e-3)
    with pytest.raises(ValueError, match="more than its file can hold"):
        fit_pass(whole, form, resized((4, 6), (8, 12)), place)


def test_a_crop_changes_no_value():
    stored = np.random.default_rng(0).random((4, 6, 3)).astype(np.float32)
    for kind in PassKind:
        assert np.array_equal(fit_pass(stored, PassForm(kind), cropped((4, 6), (2, 3), (1, 2))), stored[1:3, 2:5])


@pytest.mark.parametrize(
    ("fit", "rows", "columns"),
    [(resized((8, 12), (4, 6)), [1, 3], [1, 3, 5]), (cropped((8, 12), (4, 6)), [1, 2], [2, 3, 4])],
    ids=["resized", "cropped"],
)
def test_a_pass_of_another_size_than_its_picture_keeps_the_ratio(fit: Fit, rows: list[int], columns: list[int]):
    ids = np.arange(4 * 6, dtype=np.uint8).reshape(4, 6, 1)  # half the picture's size
    assert np.array_equal(fit_pass(ids, PassForm(PassKind.CLASSES), fit), ids[np.ix_(rows, columns)])
    depth = np.full((4, 6, 1), 7.0, np.float32)
    assert (fit_pass(depth, PassForm(PassKind.DEPTH), fit) == 7).all()
    assert fit_pass(depth, PassForm(PassKind.DEPTH), fit).shape == (2, 3, 1)
