from __future__ import annotations

import numpy as np
import pytest

from gantool.components import Labels
from gantool.data.annotations.objects import AnnotatedObject
from gantool.data.scenes import Scene
from gantool.errors import GantoolError
from gantool.evaluation.held import HeldImages
from gantool.plugins import load_plugins

pytest.importorskip("pycocotools")
REGISTRY = load_plugins()
NAMES = ("disc", "square")


def make(kind="objects", *, size=None, crop=False, names=NAMES, **options):
    labels = Labels(name="objects", values=[], size=size, crop=crop, kind=kind, names=names)
    return REGISTRY.build("task", "detection", options, labels=labels)


def scene(*objects):
    return Scene(tuple(AnnotatedObject(name, box) for name, box in objects))


def drawn(count, *, seed, size=(48, 64)):
    """Dim noise with a bright square or a dark one, and the scenes."""
    random = np.random.default_rng(seed)
    images, scenes = random.integers(90, 130, (count, *size, 1), np.uint8), []
    for image in images:
        kind, side = int(random.integers(2)), int(random.integers(12, 20))
        top, left = (int(random.integers(0, most - side)) for most in size)
        image[top : top + side, left : left + side] = (20, 235)[kind]
        scenes.append(scene((NAMES[kind], (left, top, left + side, top + side))))
    return HeldImages(images), scenes


def test_boxes_go_to_pixels_of_the_images_that_are_compared():
    values = [scene(("disc", (10.0, 5.0, 30.0, 25.0)), ("other", (0.0, 0.0, 9.0, 9.0)), ("square", (0.0, 0.0, 4.0, 4.0)))]
    sizes = np.array([[40, 60]])
    (row,) = make().load(values, sizes)
    assert row["boxes"].tolist() == [[10, 5, 30, 25], [0, 0, 4, 4]]
    assert row["labels"].tolist() == [0, 1]
    (small,) = make(size=(20, 30)).load(values, sizes)
    assert small["boxes"].tolist() == [[5, 2.5, 15, 12.5], [0, 0, 2, 2]]
    (cut,) = make(size=(20, 30), crop=True).load(values, sizes)
    assert cut["boxes"].tolist() == [[0, 0, 15, 15]]


def test_the_figure_is_a_choice_and_every_class_has_its_own():
    values = [scene(("disc", (0.0, 0.0, 20.0, 20.0)), ("square", (30.0, 0.0, 50.0, 20.0)))] * 2
    task, strict = make(), make(figure="AP")
    targets = task.load(values, np.tile((40, 60), (2, 1)))
    near = [
        {"boxes": row["boxes"] + [[0, 0, 0, 6], [0, 0, 0, 40]], "labels": row["labels"], "scores": np.ones(2)} for row in targets
    ]
    once = np.ones((1, 2))
    assert task.aggregate(task.statistics(near, targets), once)[0] == pytest.approx(0.5)
    assert task.extra(near, targets) == pytest.approx({"mAP": 0.3, "AP50 disc": 1, "AP50 square": 0})
    assert strict.aggregate(strict.statistics(near, targets), once)[0] == pytest.approx(0.3)  # 20/26 is right up to 0.75
    assert strict.unit == "mAP"


def test_detections_of_another_form_are_one_line():
    class Wrong:
        def fit_objects(self, images, targets):
            pass

        def predict_objects(self, images):
            return [{"boxes": np.zeros((2, 4)), "labels": np.zeros(1, int), "scores": np.zeros(2)}] * len(images)

    images, scenes = drawn(2, seed=0)
    task = make()
    predict = task.learn(Wrong(), images, task.load(scenes, np.tile((48, 64), (2, 1))))
    with pytest.raises(GantoolError, match=r"detections have shapes boxes \(2, 4\), labels \(1,\), scores \(2,\)"):
        predict(images)


def test_other_labels_are_refused():
    with pytest.raises(GantoolError, match="--task detection needs objects with boxes"):
        make("classes")


@pytest.mark.parametrize("flips", [True, False])
def test_the_detector_finds_what_it_learnt_in_images_of_another_size(flips):
    task, (images, scenes) = make(), drawn(60, seed=0)
    estimator = REGISTRY.build("estimator", "heatmap-detector", {"steps": 80, "batch_size": 8, "width": 8, "crop": 48, "flips": flips}, outputs=2, seed=0)  # fmt: skip
    predict = task.learn(estimator, images, task.load(scenes, np.tile((48, 64), (60, 1))))
    test, truth = drawn(20, seed=1, size=(60, 50))
    targets = task.load(truth, np.tile((60, 50), (20, 1)))
    figure = task.aggregate(task.statistics(predict(test), targets), np.ones((1, 20)))[0]
    assert figure > 0.7  # sums of other threads give .79 to .95
    _, guess = task.baseline(task.load(scenes, np.tile((48, 64), (60, 1))), 20)
    assert task.aggregate(task.statistics(guess, targets), np.ones((1, 20)))[0] < 0.1


def test_predictions_are_drawn_where_they_are_sure():
    image = np.zeros((20, 30, 3), np.uint8)
    row = {"boxes": np.array([[2.0, 3, 12, 13], [15, 3, 25, 13]]), "labels": np.array([0, 1]), "scores": np.array([0.9, 0.1])}
    drawn = make().picture(image, row)
    assert drawn[3, 2:12].any(1).all()
    assert not drawn[:, 14:].any()
    assert not image.any()
