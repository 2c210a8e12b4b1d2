from __future__ import annotations

import numpy as np
import pytest

from gantool.components import Labels
from gantool.data.annotations.objects import AnnotatedObject, of_bitmap
from gantool.data.scenes import Scene
from gantool.errors import GantoolError
from gantool.evaluation.held import HeldImages
from gantool.plugins import load_plugins

pytest.importorskip("pycocotools")
REGISTRY = load_plugins()
SIZE = (48, 64)
FAST = {"steps": 80, "batch_size": 8, "width": 8, "crop": 48}


def make(task, kind, names=(), *, size=None, **options):
    return REGISTRY.build("task", task, options, labels=Labels(name="it", values=[], size=size, crop=False, kind=kind, names=names))  # fmt: skip


def sizes(count):
    return np.tile(SIZE, (count, 1))


def discs(count, *, seed):
    """Images of a bright and of a dark disc on noise, and their bitmaps."""
    random = np.random.default_rng(seed)
    images, bitmaps = random.integers(90, 130, (count, *SIZE, 1), np.uint8), []
    y, x = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    for image in images:
        middles = random.uniform((12, 12), (22, 36)), random.uniform((12, 40), (36, 52))
        found = [(x - column) ** 2 + (y - row) ** 2 < 81 for row, column in middles]
        for bitmap, value in zip(found, (235, 20), strict=True):
            image[bitmap] = value
        bitmaps.append(found)
    return HeldImages(images), bitmaps


def scenes(bitmaps):
    return [Scene(tuple(of_bitmap(name, each) for name, each in zip(("bright", "dark"), found, strict=True))) for found in bitmaps]  # fmt: skip


def test_mean_iou_is_that_of_all_pixels_together():
    random = np.random.default_rng(0)
    truth, guess = random.integers(-1, 4, (6, 20, 30)).astype(np.int16), random.integers(0, 4, (6, 20, 30)).astype(np.int16)
    task = make("segmentation", "classes", ("a", "b", "c", "d"))
    counts = np.array([[1.0] * 6, [3, 0, 0, 0, 1, 0]])
    figures = task.aggregate(task.statistics(guess, truth), counts)
    for row, figure in zip(counts.astype(int), figures, strict=True):
        chosen = np.repeat(np.arange(6), row)
        known = truth[chosen] >= 0
        a, b = truth[chosen][known], guess[chosen][known]
        plain = [((a == k) & (b == k)).sum() / ((a == k) | (b == k)).sum() for k in range(4)]
        assert figure == pytest.approx(np.mean(plain), abs=1e-12)
    assert task.extra(guess, truth).keys() == {"IoU a", "IoU b", "IoU c", "IoU d"}


def test_what_is_ignored_and_what_no_object_covers():
    task = make("segmentation", "classes", ("sky", "255", "road"))
    assert task.classes == ("sky", "road")
    assert task.load([np.array([[0, 1, 2, -1]], np.int16)], np.array([[1, 4]]))[0].tolist() == [[0, -1, 1, -1]]
    painted = make("segmentation", "outlines", ("bright",))
    assert painted.classes == ("background", "bright")
    square = np.zeros(SIZE, bool)
    square[:4, :4] = True
    small, crowd = square.copy(), AnnotatedObject("bright", (0, 8, 4, 12), crowd=True, polygons=((0, 8, 4, 8, 4, 12, 0, 12),))
    small[2:] = False
    (rows,) = painted.load([Scene((of_bitmap("other", small), of_bitmap("bright", square), crowd))], sizes(1))
    assert rows[:4, 0].tolist() == [-1, -1, 1, 1]  # the smaller one is in front; it is of a class that only one domain has
    assert rows[9, 1] == -1
    assert rows[20, 20] == 0
    with pytest.raises(GantoolError, match="needs two classes at least, it has sky"):
        make("segmentation", "classes", ("sky", "void"))


def test_the_unet_and_an_arm_that_was_made_worse():
    """Better and worse by what was done to the images that are learnt from."""
    task, (images, bitmaps), (test, truth) = make("segmentation", "outlines", ("bright", "dark")), discs(40, seed=0), discs(20, seed=1)  # fmt: skip
    targets, wanted = task.load(scenes(bitmaps), sizes(40)), task.load(scenes(truth), sizes(20))
    inverted = HeldImages([255 - image for image in images])
    figures = []
    for arm in (images, inverted):
        estimator = REGISTRY.build("estimator", "small-unet", FAST, outputs=task.outputs, seed=0)
        predicted = task.learn(estimator, arm, targets)(test)
        figures.append(task.aggregate(task.statistics(predicted, wanted), np.ones((1, 20)))[0])
    assert figures[0] > 0.7
    assert figures[1] < 0.5
    _, constant = task.baseline(targets, 20)
    assert task.aggregate(task.statistics(constant, wanted), np.ones((1, 20)))[0] < 0.34


def test_masks_of_objects_are_found():
    task, (images, bitmaps), (test, truth) = make("masks", "outlines", ("bright", "dark")), discs(40, seed=0), discs(15, seed=1)
    targets, wanted = task.load(scenes(bitmaps), sizes(40)), task.load(scenes(truth), sizes(15))
    assert wanted[0]["boxes"].tolist() == [list(of_bitmap("", each).box) for each in truth[0]]
    estimator = REGISTRY.build("estimator", "mask-detector", {**FAST, "steps": 150, "width": 12}, outputs=2, seed=0)
    predicted = task.learn(estimator, images, targets)(test)
    assert task.aggregate(task.statistics(predicted, wanted), np.ones((1, 15)))[0] > 0.8
    assert task.picture(np.zeros((*SIZE, 3), np.uint8), predicted[0]).any()
    with pytest.raises(ValueError, match="objects with masks"):
        estimator.fit_objects(images, [{"boxes": np.zeros((0, 4))}] * 40)


def test_depth_is_relative_and_background_is_left_out():
    task = make("depth", "depth")
    truth = task.load(
        [np.array([[1.0, 2.0], [np.nan, 0.0]], np.float32), np.full((2, 2), np.nan, np.float32)], np.array([[2, 2]] * 2)
    )
    found = task.statistics([np.array([[1.1, 1.0], [9, 9]])] * 2, truth)
    assert found[0].tolist() == pytest.approx([0.3, 0.5])
    assert task.aggregate(found, np.array([[1.0, 5.0], [0, 1]])).tolist() == pytest.approx([0.3, 0])
    assert task.extra([np.array([[1.1, 1.0], [9, 9]])] * 2, truth) == pytest.approx({"δ<1.25": 0.5})
    assert task.baseline(truth, 1)[1][0].tolist() == [[1.5]]


def test_depth_is_learnt_from_logarithms():
    task, (images, bitmaps), (test, truth) = make("depth", "depth"), discs(40, seed=0), discs(10, seed=1)

    def depths(found):
        maps = [np.where(bright, 1, np.where(dark, 8, np.nan)).astype(np.float32) for bright, dark in found]
        return task.load(maps, sizes(len(maps)))

    estimator = REGISTRY.build("estimator", "small-unet", FAST, outputs=1, seed=0)
    predicted = task.learn(estimator, images, depths(bitmaps))(test)
    error = task.aggregate(task.statistics(predicted, depths(truth)), np.ones((1, 10)))[0]
    assert error < 0.2
    assert task.picture(np.zeros((*SIZE, 3), np.uint8), predicted[0]).shape == (*SIZE, 3)
