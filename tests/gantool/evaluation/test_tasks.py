from __future__ import annotations

import numpy as np
import pytest
import torch

from gantool.errors import GantoolError
from gantool.evaluation.tasks import check_alike, constant_prediction, direction, guess, make_task, scale_of

SIZE = (36, 60)


def make(task, labels, name="label", **options):
    return make_task(task, name, np.asarray(labels), **{"size": SIZE, "crop": False, **options})


def test_angles_are_those_between_directions():
    task = make("angles", np.zeros((1, 2), np.float32))
    targets = task.targets(np.array([[0, 0], [0, 0], [0.3, -0.2], [np.pi / 2, 1.0]]), SIZE)
    predicted = torch.tensor([[0, np.pi / 2], [0.1, 0], [0.3, -0.2], [np.pi / 2, -2.0]])
    # Straight up has no yaw.
    assert task.errors(predicted, targets).tolist() == pytest.approx([90, np.rad2deg(0.1), 0, 0], abs=1e-3)
    assert (task.unit, task.outputs) == ("deg", 2)


def test_the_convention_is_that_of_the_built_in_eyes():
    from simgan_plugin.eyes import geometry

    eyes = geometry.draw(0, np.arange(20), (35, 55))
    assert direction(torch.from_numpy(eyes.gaze)).numpy() == pytest.approx(eyes.direction, abs=1e-6)


def test_labels_in_degrees_are_learnt_in_radians():
    task = make("angles", np.zeros((1, 2), np.float32), name="gaze_pitch_yaw_deg")
    assert task.targets(np.array([[90.0, -45.0]]), SIZE).tolist() == [pytest.approx([np.pi / 2, -np.pi / 4])]


def test_vectors_may_have_any_length():
    task = make("vectors", np.zeros((1, 3), np.float32))
    targets = task.targets(np.array([[0, 0, -2.0], [1, 1, 0]]), SIZE)
    assert task.errors(torch.tensor([[0, 3.0, 0], [5, 5, 0]]), targets).tolist() == pytest.approx([90, 0], abs=1e-5)


def test_regression_is_the_mean_absolute_error():
    task = make("regression", np.zeros((1, 2), np.float32))
    assert task.errors(torch.tensor([[1.0, 5.0]]), task.targets(np.array([[3, 6]]), SIZE)).tolist() == [1.5]


def test_a_constant_offset_can_be_told_from_the_rest_of_an_error():
    random = np.random.default_rng(0)
    gaze = random.uniform(-0.3, 0.3, (500, 2))
    task = make("angles", gaze)
    targets = task.targets(gaze, SIZE)
    noisy = targets + torch.from_numpy(random.normal(0, 0.02, (500, 2))).float()
    shifted = noisy + torch.tensor([0.1, 0.0])
    noise = float(task.errors(noisy, targets).mean())
    assert float(task.errors(shifted, targets).mean()) > 3 * noise
    assert task.extra(shifted, targets)["offset removed"] == pytest.approx(noise, rel=0.02)
    # Of directions in space and of classes nothing can be subtracted.
    assert make("vectors", np.zeros((1, 3), np.float32)).extra(torch.ones(2, 3), torch.ones(2, 3)) == {}


def test_key_points_in_pixels_of_the_runs_images():
    points = np.array([[[10.0, 4.0], [20.0, 8.0]]], np.float32)
    task = make("keypoints", points)
    same = task.targets(points, SIZE)
    assert same.tolist() == [[10, 4, 20, 8]]
    predicted = same + torch.tensor([[3.0, 4.0, 0, 0]])
    assert task.errors(predicted, same).tolist() == [2.5]
    assert task.extra(predicted, same) == {"pck@0.05w": 0.5, "offset removed": 0.0}  # 5 % of 60 px is 3 px
    assert make("keypoints", points, within_px=5.0).extra(predicted, same).items() >= {"pck@0.05w": 0.5, "pck@5px": 1.0}.items()
    # The middle of a picture stays its middle when it is halved, and pixel centres are at integers.
    assert make("keypoints", points[:, 0]).targets(np.array([[59.5, 35.5]]), (72, 120)).tolist() == [[29.5, 17.5]]
    assert make("keypoints", points[:, 0], crop=True).targets(np.array([[40.0, 30.0]]), (46, 80)).tolist() == [[30, 25]]


@pytest.mark.parametrize("classes", [["shut", "open"], [7, 3], [True, False]])
def test_classes_are_numbers_or_words(classes):
    task = make("classification", classes)
    targets = task.targets(np.array([classes[0], classes[1], classes[1]]), SIZE)
    scores = torch.nn.functional.one_hot(targets, 2).float()
    scores[0] = 1 - scores[0]
    assert task.errors(scores, targets).tolist() == [100, 0, 0]
    assert (task.unit, task.outputs) == ("%", 2)


def test_a_class_that_no_synthetic_image_has():
    with pytest.raises(GantoolError, match=r"class wink of real images is none of .*: open, shut"):
        make("classification", ["open", "shut"]).targets(np.array(["wink"]), SIZE)


@pytest.mark.parametrize(
    ("name", "labels", "task"),
    [
        ("gaze_pitch_yaw_rad", np.zeros((4, 2), np.float32), "angles"),
        ("pupil_xy", np.zeros((4, 2), np.float32), "keypoints"),
        ("lids", np.zeros((4, 10, 2), np.float32), "keypoints"),
        ("gaze", np.eye(3, dtype=np.float32), "vectors"),
        ("distance", np.zeros(4, np.float32), "regression"),
        ("state", np.array(["open", "shut"]), "classification"),
        ("open", np.array([True, False]), "classification"),
    ],
)
def test_what_is_clear_is_guessed(name, labels, task):
    assert guess(name, labels) == task


@pytest.mark.parametrize("labels", [np.zeros((4, 2)), np.arange(4), np.ones((4, 3)), np.zeros((4, 2), np.int64)])
def test_what_is_not_clear_is_asked(labels):
    with pytest.raises(GantoolError, match="could mean several things: pass --task, one of angles, vectors"):
        guess("thing", labels)


@pytest.mark.parametrize(
    ("task", "labels"),
    [
        ("angles", np.zeros((4, 3))),
        ("vectors", np.zeros(4)),
        ("keypoints", np.zeros((4, 3))),
        ("keypoints", np.zeros((4, 2, 2, 2))),
        ("classification", np.zeros(4)),
        ("regression", np.array(["a", "b"])),
    ],
)
def test_labels_that_do_not_fit_the_task(task, labels):
    with pytest.raises(GantoolError, match=f"--task {task} needs .*; labels label are "):
        make(task, labels)


def test_scaling_keeps_proportions_but_for_units_of_their_own():
    targets = torch.tensor([[0.0, 0.0], [2.0, 20.0]])
    mean, spread = scale_of(make("regression", targets.numpy()), targets)
    assert (mean.tolist(), spread.tolist()) == ([1, 10], [1, 10])
    _, spread = scale_of(make("angles", targets.numpy()), targets)
    assert spread[0] == spread[1] == pytest.approx((101 / 2) ** 0.5)
    _, spread = scale_of(make("regression", targets.numpy()), torch.ones(3, 2))
    assert spread.tolist() == [1, 1]  # labels that are all alike divide by nothing


def test_constant_predictions():
    task = make("classification", ["a", "b"])
    targets = task.targets(np.array(["b", "b", "a"]), SIZE)
    assert task.errors(constant_prediction(task, targets, 3), targets).tolist() == [0, 0, 100]
    task = make("regression", np.zeros(2, np.float32))
    assert constant_prediction(task, torch.tensor([[1.0], [3.0]]), 2).tolist() == [[2], [2]]


def test_labels_of_different_shape_in_the_two_domains():
    check_alike("gaze", np.zeros((4, 2)), np.zeros((9, 2), np.float32))
    with pytest.raises(GantoolError, match="labels gaze differ: 4x2 float64 for the synthetic images, 9x3 float64"):
        check_alike("gaze", np.zeros((4, 2)), np.zeros((9, 3)))
