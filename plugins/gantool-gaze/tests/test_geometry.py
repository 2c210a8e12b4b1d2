"""Each source's axes, against vectors computed by hand."""

import cv2
import numpy as np
import pytest
from gantool_gaze import geometry

DEGREE = np.pi / 180


def angles(vector):
    return (geometry.pitch_yaw([vector])[0] / DEGREE).tolist()


@pytest.mark.parametrize(
    ("vector", "pitch", "yaw"),
    [
        ((0, 0, -1), 0, 0),  # into the camera
        ((0, -1, -1), 45, 0),  # y points down, so this is up
        ((0, 1, -1), -45, 0),
        ((-1, 0, -1), 0, 45),  # to the image's left
        ((1, 0, -np.sqrt(3)), 0, -30),
        ((0, 0, -7), 0, 0),  # of any length
        ((-3, 0, 0), 0, 90),
    ],
)
def test_angles_of_camera_vectors(vector, pitch, yaw):
    assert angles(vector) == pytest.approx([pitch, yaw], abs=1e-9)


def test_unityeyes_counts_y_upwards():
    # An eye that looks up and to the image's right; the numbers are in public use as an example: 0.2209, 0.4703, -0.8544.
    found = geometry.pitch_yaw(geometry.from_unity([[0.2209, 0.4703, -0.8544]]))[0]
    assert found == pytest.approx([0.48968, -0.25300], abs=1e-4)


@pytest.mark.parametrize(
    ("euler", "pitch", "yaw"),
    [
        ((0, 180, 0), 0, 0),  # the camera faces the head
        ((10, 180, 0), -10, 0),  # it looks down on it: the face looks below the camera
        ((350, 180, 0), 10, 0),
        ((0, 190, 0), 0, -10),
        ((0, 180, 90), 0, 0),
        ((0, 190, 90), -10, 0),  # the camera lies on its side: left and right become up and down
    ],
)
def test_unityeyes_heads_from_the_camera_that_turns(euler, pitch, yaw):
    assert angles(geometry.facing_from_unity([euler])[0]) == pytest.approx([pitch, yaw], abs=1e-9)


def test_unityeyes_heads_agree_with_multiplied_matrices():
    euler = np.random.default_rng(0).uniform(-180, 180, (50, 3))
    for (x, y, z), found in zip(euler * DEGREE, geometry.facing_from_unity(euler), strict=True):
        about_x = [[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]]
        about_y = [[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]]
        about_z = [[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]]
        camera = np.array(about_y) @ about_x @ about_z
        assert found * (1, -1, 1) == pytest.approx(camera.T @ (0, 0, 1))


@pytest.mark.parametrize(
    ("vector", "pitch", "yaw"),
    [((0, 0, 0), 0, 0), ((20 * DEGREE, 0, 0), -20, 0), ((0, 20 * DEGREE, 0), 0, 20), ((0, 0, 1), 0, 0)],
)
def test_mpiigaze_heads(vector, pitch, yaw):
    assert angles(geometry.facing_from_rotation([vector])[0]) == pytest.approx([pitch, yaw], abs=1e-9)


def test_mpiigaze_heads_agree_with_opencv():
    vectors = np.random.default_rng(0).uniform(-2, 2, (50, 3))
    for vector, found in zip(vectors, geometry.facing_from_rotation(vectors), strict=True):
        z = cv2.Rodrigues(vector)[0][:, 2]
        # What is in public use for this data set.
        expected = [np.arcsin(z[1]), np.arctan2(z[0], z[2])]
        assert geometry.pitch_yaw([found])[0] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("vertical", "horizontal", "pitch", "yaw"),
    [(0, 0, 0, 0), (10, 0, 10, 0), (-10, 0, -10, 0), (0, 15, 0, -15), (0, -15, 0, 15), (10, 15, 9.6649, -15)],
)
def test_columbia_marks_on_a_wall(vertical, horizontal, pitch, yaw):
    assert angles(geometry.from_wall([vertical], [horizontal])[0]) == pytest.approx([pitch, yaw], abs=1e-3)


def test_mirroring_changes_the_sign_of_yaw_alone():
    vectors = np.random.default_rng(0).normal(size=(20, 3))
    assert geometry.pitch_yaw(geometry.mirrored(vectors)) == pytest.approx(geometry.pitch_yaw(vectors) * (1, -1))


@pytest.mark.parametrize("row", [(0, 0, 0), (np.nan, 0, 1)])
def test_what_is_no_direction_is_refused(row):
    with pytest.raises(ValueError, match="row 1 is no direction"):
        geometry.pitch_yaw([(0, 0, -1), row])
