from __future__ import annotations

import numpy as np
import pytest

from gantool.data.frames import PassForm, PassKind, Place
from gantool.data.passes import background, boundaries, channels, condition, depth_range, known_ids, look, unit, values

DEPTH = PassForm(PassKind.DEPTH, unit="m")


def column(*numbers: float, dtype: type = np.float32) -> np.ndarray:
    """(N, 1, 1)."""
    return np.array(numbers, dtype)[:, None, None]


@pytest.mark.parametrize("far", [1e9, 1e10, 1e11, np.inf, -np.inf, np.nan, float(np.finfo(np.float32).min)])
def test_background_of_depth_is_never_a_value(far: float):
    stored = column(2.0, 4.0, far)
    assert background(stored, DEPTH)[:, 0].tolist() == [False, False, True]
    seen = look(stored, DEPTH)
    assert (seen.low, seen.high, seen.empty) == (2.0, 4.0, pytest.approx(1 / 3))
    assert condition(stored, DEPTH)[:, 0].tolist() == [[-1, 0], [1, 0], [1, 1]]


@pytest.mark.parametrize("value", [65535, 0])
def test_sentinels_of_whole_numbers_are_warned_of_unless_they_are_said_to_be_background(value: int):
    stored = np.full((10, 10, 1), 300, np.uint16)
    stored[:2] = value
    form = PassForm(PassKind.DEPTH)
    assert look(stored, form).warnings(form)[0] == f"20.0% of its pixels are {value}: a sentinel, no depth"
    said = PassForm(PassKind.DEPTH, background=(float(value),))
    assert look(stored, said).sentinels == ()
    assert background(stored, said).mean() == pytest.approx(0.2)


def test_a_pass_that_says_nothing_is_named():
    empty = PassForm(PassKind.DEPTH, background=(65535.0,))
    assert look(np.full((4, 4, 1), 65535, np.uint16), empty).warnings(empty) == ["it holds background alone"]
    flat = look(np.full((4, 4, 1), 7, np.uint16), DEPTH)
    assert flat.warnings(DEPTH) == ["every pixel that is not background is 7: it says nothing"]


def test_values_have_the_unit_of_the_form_or_of_the_frame():
    form = PassForm(PassKind.DEPTH, unit="mm", scale=0.5)
    stored = column(10, dtype=np.uint16)
    assert values(stored, form)[0, 0, 0] == 5
    assert values(stored, form, Place("a.png", scale=0.1))[0, 0, 0] == pytest.approx(1)


def test_ids_stay_whole_whatever_they_are_stored_as():
    form = PassForm(PassKind.INSTANCES)
    assert values(column(0, 300, 16_777_217, dtype=np.int64), form).ravel().tolist() == [0, 300, 16_777_217]
    assert values(column(0, 299.9999, 3.4e38), form).ravel().tolist() == [0, 300, -1]
    # In colours, alpha alone tells background and what has no label apart.
    two = np.array([[[0, 0, 0, 0], [0, 0, 0, 255]]], np.uint8)
    assert len(np.unique(values(two, form))) == 2


def test_instances_are_shown_as_boundaries_and_their_numbers_make_no_difference():
    ids = np.zeros((4, 6, 1), np.uint8)
    ids[:, 3:] = 7
    seen = condition(ids, PassForm(PassKind.INSTANCES))
    assert seen[..., 0].tolist() == [[0, 0, 1, 1, 0, 0]] * 4
    other = np.where(ids == 7, 201, 13).astype(np.uint8)
    assert np.array_equal(condition(other, PassForm(PassKind.INSTANCES)), seen)
    assert boundaries(np.array([[1], [1], [2]])).ravel().tolist() == [0, 1, 1]


def test_classes_are_one_hot_over_the_ids_of_the_set():
    form = PassForm(PassKind.CLASSES, take=(0,))
    red = np.zeros((1, 3, 3), np.uint8)
    red[0, :, 0] = (1, 14, 12)
    ids = known_ids([(red, form)])
    assert ids == (1, 12, 14)
    assert condition(red, form, ids=ids[:2])[0].tolist() == [[1, 0], [0, 0], [0, 1]]
    assert channels(form, ids) == 3


def test_normals_come_out_with_length_1_and_0_on_background():
    form = PassForm(PassKind.NORMALS, scale=2 / 255, offset=-1.0)
    stored = np.array([[[128, 128, 160], [127, 127, 127], [255, 128, 128]]], np.uint8)
    seen = condition(stored, form)[0]
    assert np.linalg.norm(seen, axis=1) == pytest.approx([1, 0, 1])
    # Renderers average over samples, so normals come short.
    assert unit(np.array([[0.0, 0.0, 0.25], [0, 0, 0]])).tolist() == [[0, 0, 1], [0, 0, 0]]


def test_motion_stays_in_pixels_and_albedo_is_a_colour():
    motion = PassForm(PassKind.MOTION, unit="px", factors=(1.0, -1.0))
    assert condition(np.array([[[3.0, 4.0], [np.nan, 1.0]]], np.float32), motion)[0].tolist() == [[3, -4], [0, 0]]
    albedo = np.array([[[0, 255, 51]]], np.uint8)
    assert condition(albedo, PassForm(PassKind.ALBEDO))[0, 0] == pytest.approx([-1, 1, -0.6])


def test_depth_is_scaled_by_the_set_where_its_range_is_known():
    stored = column(*np.linspace(0.5, 10, 100), 1e10)
    low, high = depth_range([(stored, DEPTH)])
    assert (low, high) == (pytest.approx(0.69, abs=0.01), pytest.approx(9.81, abs=0.01))
    near = condition(column(low, (low + high) / 2, 99), DEPTH, limits=(low, high))
    assert near[:, 0, 0] == pytest.approx([-1, 0, 1], abs=1e-5)
    with pytest.raises(ValueError, match="background everywhere"):
        depth_range([(column(1e10), DEPTH)])


@pytest.mark.parametrize("kind", list(PassKind))
def test_every_kind_has_the_channels_it_says_and_nothing_that_is_not_finite(kind: PassKind):
    stored = np.random.default_rng(0).random((5, 6, 3)).astype(np.float32) * 9
    stored[0, 0], stored[1, 1], stored[2, 2] = np.nan, np.inf, -np.inf
    form = PassForm(kind)
    ids = known_ids([(stored, form)]) if kind in (PassKind.CLASSES, PassKind.MATERIALS) else ()
    seen = condition(stored, form, ids=ids)
    assert seen.shape == (5, 6, channels(form, ids))
    assert (seen.dtype, bool(np.isfinite(seen).all())) == (np.float32, True)


def test_too_few_channels_are_an_error():
    with pytest.raises(ValueError, match="it has 1 channels, 3 are needed"):
        values(column(1), PassForm(PassKind.DEPTH, weights=(1.0, 256.0, 65536.0)))
