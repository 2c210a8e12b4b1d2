"""Average precision of any set of images, against pycocotools' own accumulation of that set written out."""

from __future__ import annotations

import io
from contextlib import redirect_stdout

import numpy as np
import pytest

from gantool.evaluation.precision import match, mean_of_classes

pytest.importorskip("pycocotools")
CLASSES = 3


def rows(count, *, seed, scores):
    """Random boxes, some of them crowds; predictions are near targets of `seed` 0, or anywhere."""
    random = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        boxes = int(random.integers(0, 6))
        corner, side = random.uniform(0, 80, (boxes, 2)), random.uniform(5, 40, (boxes, 2))
        row = {"boxes": np.concatenate([corner, corner + side], 1), "labels": random.integers(0, CLASSES, boxes)}
        found.append(row | ({"scores": random.random(boxes)} if scores else {"crowd": random.random(boxes) < 0.2}))
    return found


def predictions(targets, *, seed):
    """Each object with a shift, some twice, some with another class; and boxes that are nowhere."""
    random, found = np.random.default_rng(seed), []
    for target, stray in zip(targets, rows(len(targets), seed=seed, scores=True), strict=True):
        kept = np.repeat(np.arange(len(target["labels"])), random.integers(0, 3, len(target["labels"])))
        boxes = target["boxes"][kept] + random.normal(0, 3, (len(kept), 4))
        other = random.random(len(kept)) < 0.15
        labels = np.where(other, random.integers(0, CLASSES, len(kept)), target["labels"][kept])
        found.append(
            {
                "boxes": np.concatenate([boxes, stray["boxes"]]),
                "labels": np.concatenate([labels, stray["labels"]]),
                "scores": np.concatenate([random.random(len(kept)), stray["scores"]]),
            }
        )
    return found


def by_pycocotools(predicted, targets, masks=False):
    """(AP, AP50) as its `stats` say."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with redirect_stdout(io.StringIO()):
        truth, guess = COCO(), None
        annotations, results = [], []
        for image, (row, target) in enumerate(zip(predicted, targets, strict=True)):
            for number, box in enumerate(target["boxes"]):
                left, top, right, bottom = box
                size = {"bbox": [left, top, right - left, bottom - top], "area": (right - left) * (bottom - top)}
                more = {"segmentation": target["masks"][number]} if masks else {}
                annotations.append({"id": len(annotations) + 1, "image_id": image, "category_id": int(target["labels"][number]), "iscrowd": int(target["crowd"][number]), **size, **more})  # fmt: skip
            for number, box in enumerate(row["boxes"]):
                left, top, right, bottom = box
                place = {"segmentation": row["masks"][number]} if masks else {"bbox": [left, top, right - left, bottom - top]}
                results.append({"image_id": image, "category_id": int(row["labels"][number]), "score": float(row["scores"][number]), **place})  # fmt: skip
        truth.dataset = {"images": [{"id": image, "height": 128, "width": 128} for image in range(len(targets))], "categories": [{"id": k} for k in range(CLASSES)], "annotations": annotations}  # fmt: skip
        truth.createIndex()
        guess = truth.loadRes(results)
        judge = COCOeval(truth, guess, "segm" if masks else "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return judge.stats[:2]


def test_precision_is_pycocotools_own():
    targets = rows(25, seed=0, scores=False)
    predicted = predictions(targets, seed=1)
    found, every = match(predicted, targets, CLASSES), np.ones((1, 25))
    expected = by_pycocotools(predicted, targets)
    assert 0.05 < expected[0] < 0.9
    assert mean_of_classes(found.precision(every))[0] == pytest.approx(expected[0], abs=1e-9)
    assert mean_of_classes(found.precision(every, slice(0, 1)))[0] == pytest.approx(expected[1], abs=1e-9)


def test_a_set_that_has_images_several_times_or_not_has_the_precision_of_its_images():
    targets = rows(12, seed=3, scores=False)
    predicted = predictions(targets, seed=4)
    counts = np.random.default_rng(0).integers(0, 4, (5, 12)).astype(float)
    found = match(predicted, targets, CLASSES).precision(counts)
    for row, figures in zip(counts.astype(int), found.T, strict=True):
        chosen = np.repeat(np.arange(12), row)
        expected = by_pycocotools([predicted[n] for n in chosen], [targets[n] for n in chosen])[0]
        assert mean_of_classes(figures[:, None])[0] == pytest.approx(expected, abs=1e-6)


def test_masks_are_matched_by_their_pixels():
    from pycocotools import mask

    targets = rows(10, seed=5, scores=False)
    predicted = predictions(targets, seed=6)
    for row in (*targets, *predicted):
        bitmaps = np.zeros((128, 128, len(row["labels"])), np.uint8, order="F")
        for number, (left, top, right, bottom) in enumerate(np.clip(np.rint(row["boxes"]).astype(int), 0, 128)):
            bitmaps[top:bottom, left : max(left + 1, right - 3), number] = 1
        row["masks"] = [{**each, "counts": each["counts"].decode()} for each in mask.encode(bitmaps)]
    found = mean_of_classes(match(predicted, targets, CLASSES, "segm").precision(np.ones((1, 10))))[0]
    assert found == pytest.approx(by_pycocotools(predicted, targets, masks=True)[0], abs=1e-9)


def test_a_class_without_objects_does_not_count_and_nothing_at_all_is_0():
    box = {"boxes": np.array([[0.0, 0, 9, 9]]), "labels": np.array([1])}
    found = match([box | {"scores": np.ones(1)}], [box | {"crowd": np.zeros(1, bool)}], CLASSES)
    precision = found.precision(np.array([[1.0], [0.0]]))
    assert np.isnan(precision[[0, 2]]).all()
    assert mean_of_classes(precision).tolist() == [pytest.approx(1), 0]
