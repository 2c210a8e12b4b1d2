from __future__ import annotations

import numpy as np
import pytest
import torch

from gantool.builtin.tasks import direction
from gantool.components import Labels, Task
from gantool.errors import GantoolError
from gantool.evaluation.held import held
from gantool.evaluation.tasks import guess
from gantool.plugins import load_plugins

SIZE = (36, 60)
REGISTRY = load_plugins()


def labels_of(values, name="label", *, crop=False):
    return Labels(name=name, values=np.asarray(values), size=SIZE, crop=crop)


def make(task, values, name="label", *, crop=False, **options):
    return REGISTRY.build("task", task, options, labels=labels_of(values, name, crop=crop))


def load(task, values, size=SIZE):
    """Targets of images that are all stored at one size."""
    return task.load(np.asarray(values), np.tile(size, (len(values), 1)))


def test_angles_are_those_between_directions():
    task = make("angles", np.zeros((1, 2), np.float32))
    targets = load(task, np.array([[0, 0], [0, 0], [0.3, -0.2], [np.pi / 2, 1.0]]))
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
    assert load(task, np.array([[90.0, -45.0]])).tolist() == [pytest.approx([np.pi / 2, -np.pi / 4])]


def test_vectors_may_have_any_length():
    task = make("vectors", np.zeros((1, 3), np.float32))
    targets = load(task, np.array([[0, 0, -2.0], [1, 1, 0]]))
    assert task.errors(torch.tensor([[0, 3.0, 0], [5, 5, 0]]), targets).tolist() == pytest.approx([90, 0], abs=1e-5)


def test_regression_is_the_mean_absolute_error():
    task = make("regression", np.zeros((1, 2), np.float32))
    assert task.errors(torch.tensor([[1.0, 5.0]]), load(task, np.array([[3, 6]]))).tolist() == [1.5]


def test_a_constant_offset_can_be_told_from_the_rest_of_an_error():
    random = np.random.default_rng(0)
    gaze = random.uniform(-0.3, 0.3, (500, 2))
    task = make("angles", gaze)
    targets = load(task, gaze)
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
    same = load(task, points)
    assert same.tolist() == [[10, 4, 20, 8]]
    predicted = same + torch.tensor([[3.0, 4.0, 0, 0]])
    assert task.errors(predicted, same).tolist() == [2.5]
    assert task.extra(predicted, same) == {"pck@0.05w": 0.5, "offset removed": 0.0}  # 5 % of 60 px is 3 px
    assert make("keypoints", points, within_px=5.0).extra(predicted, same).items() >= {"pck@0.05w": 0.5, "pck@5px": 1.0}.items()
    # The middle of a picture stays its middle when it is halved, and pixel centres are at integers.
    assert load(make("keypoints", points[:, 0]), [[59.5, 35.5]], size=(72, 120)).tolist() == [[29.5, 17.5]]
    assert load(make("keypoints", points[:, 0], crop=True), [[40.0, 30.0]], size=(46, 80)).tolist() == [[30, 25]]


def test_key_points_of_images_of_several_sizes():
    task = make("keypoints", np.zeros((1, 2), np.float32))
    assert task.load(np.array([[59.5, 35.5], [10, 4]]), np.array([(72, 120), SIZE])).tolist() == [[29.5, 17.5], [10, 4]]


def test_a_picture_shows_key_points_and_stays_as_it_is_otherwise():
    image = np.zeros((*SIZE, 3), np.uint8)
    drawn = make("keypoints", np.zeros((1, 2, 2), np.float32)).picture(image, torch.tensor([10.0, 5.0, 40.0, 30.0]))
    assert drawn[5, 10, 0] == drawn[30, 40, 0] == 255
    assert not drawn[20, 25].any()
    assert not image.any()
    assert make("angles", np.zeros((1, 2))).picture(image, torch.zeros(2)) is image


@pytest.mark.parametrize("classes", [["shut", "open"], [7, 3], [True, False]])
def test_classes_are_numbers_or_words(classes):
    task = make("classification", classes)
    targets = load(task, np.array([classes[0], classes[1], classes[1]]))
    scores = torch.nn.functional.one_hot(targets, 2).float()
    scores[0] = 1 - scores[0]
    assert task.errors(scores, targets).tolist() == [100, 0, 0]
    assert (task.unit, task.outputs) == ("%", 2)


def test_a_class_that_no_synthetic_image_has():
    with pytest.raises(GantoolError, match=r"class wink of real images is none of .*: open, shut"):
        load(make("classification", ["open", "shut"]), ["wink"])


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
    assert guess(REGISTRY, labels_of(labels, name)).record.name == task


@pytest.mark.parametrize("labels", [np.zeros((4, 2)), np.arange(4), np.ones((4, 3)), np.zeros((4, 2), np.int64)])
def test_what_is_not_clear_is_asked(labels):
    with pytest.raises(GantoolError, match="could mean several things: pass --task, one of angles, vectors"):
        guess(REGISTRY, labels_of(labels, "thing"))


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
    with pytest.raises(GantoolError, match=f"--task {task} needs .*, not labels label "):
        make(task, labels)


class Remembers:
    """Predicts what it was fitted to."""

    def fit(self, images, targets):
        self.given = targets

    def predict(self, images):
        return self.given.flatten(1)


class RemembersPixels(Remembers):
    def fit(self, images, targets):
        raise AssertionError("key points must come in pixels")

    def fit_points(self, images, points):
        self.given = points


IMAGES = held(torch.zeros(2, 1, *SIZE))
POINTS = np.array([[[10.0, 4.0], [20.0, 8.0]], [[30.0, 6.0], [25.0, 0.0]]], np.float32)


@pytest.mark.parametrize(("task", "scales"), [("regression", [1, 10]), ("vectors", [(101 / 2) ** 0.5] * 2)])
def test_targets_are_scaled_and_predictions_scaled_back(task, scales):
    """By one factor, so that proportions stay, but for numbers that may have units of their own."""
    values, estimator = np.array([[0.0, 0.0], [2.0, 20.0]]), Remembers()
    made = make(task, values)
    targets = load(made, values)
    predicted = made.learn(estimator, IMAGES, targets)(IMAGES)
    assert torch.allclose(predicted, targets, atol=1e-5)
    assert estimator.given[1].tolist() == pytest.approx([1 / scales[0], 10 / scales[1]])


def test_labels_that_are_all_alike_divide_by_nothing():
    estimator = Remembers()
    made = make("regression", np.ones((2, 2)))
    assert made.learn(estimator, IMAGES, torch.ones(2, 2))(IMAGES).tolist() == [[1, 1]] * 2
    assert estimator.given.tolist() == [[0, 0]] * 2


def test_an_estimator_of_key_points_gets_them_in_pixels():
    task, estimator = make("keypoints", POINTS), RemembersPixels()
    predicted = task.learn(estimator, IMAGES, load(task, POINTS))(IMAGES)
    assert torch.equal(estimator.given, torch.from_numpy(POINTS))
    assert torch.equal(predicted, torch.from_numpy(POINTS).flatten(1))


@pytest.mark.parametrize("estimator", ["in pixels", "as numbers"])
def test_a_key_point_that_is_not_there_is_neither_learnt_nor_scored(estimator):
    values = np.array([[[10.0, 4.0], [-1.0, -1.0]], [[30.0, 6.0], [25.0, 0.0]], [[-1.0, -1.0], [-1.0, -1.0]]])
    task = make("keypoints", values)
    targets, images = load(task, values), held(torch.zeros(3, 1, *SIZE))
    assert targets.isnan().tolist() == [[False, False, True, True], [False] * 4, [True] * 4]
    remembers = RemembersPixels() if estimator == "in pixels" else Remembers()
    task.learn(remembers, images, targets)
    assert not remembers.given.isnan().any()
    away = targets.nan_to_num(99) + torch.tensor([3.0, 4, 0, 0])
    assert task.statistics(away, targets)[:2].tolist() == [5, 2.5]
    assert task.aggregate(task.statistics(away, targets), np.array([[1.0, 1, 7]])).tolist() == [3.75]
    assert task.extra(away, targets)["pck@0.05w"] == pytest.approx(1 / 3)
    assert not task.baseline(targets, 2)[1].isnan().any()


def test_other_labels_are_no_key_points():
    class Both(RemembersPixels):
        def fit(self, images, targets):
            self.given = targets

    estimator, values = Both(), POINTS[:, 0]
    task = make("regression", values)
    task.learn(estimator, IMAGES, load(task, values))
    assert estimator.given.shape == (2, 2)
    assert estimator.given.mean(0).abs().max() < 1e-6


@pytest.mark.parametrize(
    ("given", "message"), [(torch.zeros(2, 3), r"predicts \(2, 3\) for 2 images and 2 outputs"), (torch.full((2, 2), torch.nan), "not finite")]
)  # fmt: skip
def test_what_is_no_prediction_is_one_line(given, message):
    class Wrong(Remembers):
        def predict(self, images):
            return given

    task = make("regression", POINTS[:, 0])
    with pytest.raises(GantoolError, match=f"the estimator Wrong .*{message}"):
        task.learn(Wrong(), IMAGES, load(task, POINTS[:, 0]))(IMAGES)


def test_constant_predictions():
    task = make("classification", ["a", "b"])
    targets = load(task, ["b", "b", "a"])
    name, rows = task.baseline(targets, 3)
    assert (name, task.errors(rows, targets).tolist()) == ("always the commonest", [0, 0, 100])
    name, rows = make("regression", np.zeros(2, np.float32)).baseline(torch.tensor([[1.0], [3.0]]), 2)
    assert (name, rows.tolist()) == ("always the mean", [[2], [2]])


@pytest.mark.parametrize(
    "name", [each.record.name for each in REGISTRY.all("task") if each.plugin == "gantool" and not each.record.needs]
)
def test_the_figure_of_any_set_of_images_is_its_mean_error(name):
    values = {"angles": np.zeros((3, 2)), "vectors": np.eye(3), "keypoints": np.zeros((3, 2)), "classification": np.arange(3)}
    task = make(name, values.get(name, np.zeros(3)))
    assert isinstance(task, Task)
    assert not task.higher_is_better
    found = task.aggregate(np.array([1.0, 2.0, 6.0]), np.array([[1.0, 1, 1], [0, 2, 1], [0, 0, 3]]))
    assert found.tolist() == pytest.approx([3, 10 / 3, 6])
