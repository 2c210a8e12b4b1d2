"""What estimators are given to learn."""

from __future__ import annotations

import numpy as np
import torch

from gantool.evaluation.arms import Fold
from gantool.evaluation.downstream import learn_and_predict
from gantool.evaluation.tasks import make_task

POINTS = np.array([[[10.0, 4.0], [20.0, 8.0]], [[30.0, 6.0], [25.0, 0.0]]], np.float32)


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


def learn(estimator, task_name, labels):
    task = make_task(task_name, "label", labels, size=(12, 40), crop=False)
    targets, images = task.targets(labels, (12, 40)), torch.zeros(len(labels), 1, 12, 40)
    fold = Fold(images=images, targets=targets, test=images, rows=torch.arange(len(labels)))
    return learn_and_predict(fold, task, estimator, torch.device("cpu")), targets


def test_targets_are_scaled_and_predictions_scaled_back():
    estimator = Remembers()
    predicted, targets = learn(estimator, "keypoints", POINTS)
    assert estimator.given.mean(0).abs().max() < 1e-6
    assert torch.allclose(predicted, targets, atol=1e-5)


def test_an_estimator_of_key_points_gets_them_in_pixels():
    estimator = RemembersPixels()
    predicted, targets = learn(estimator, "keypoints", POINTS)
    assert torch.equal(estimator.given, torch.from_numpy(POINTS))
    assert torch.equal(predicted, targets)


def test_other_labels_are_no_key_points():
    class Both(RemembersPixels):
        def fit(self, images, targets):
            self.given = targets

    estimator = Both()
    learn(estimator, "regression", POINTS[:, 0])
    assert estimator.given.shape == (2, 2)
    assert estimator.given.mean(0).abs().max() < 1e-6
