"""COCO's average precision of any set of images, with how often each is in it: matched once by pycocotools, then counted."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Any

import numpy as np

THRESHOLDS = np.linspace(0.5, 0.95, 10)
"""IoUs from which on a detection is right."""
RECALLS = np.linspace(0, 1, 101)
"""Recalls at which precision is averaged."""
_SETS = 2**23
"""Values that are computed with at once."""


@dataclass(frozen=True)
class Matches:
    """What COCO's matching says of each class."""

    images: list[np.ndarray]
    """Of each class (D,) int64: the image of each detection, best first."""
    right: list[np.ndarray]
    """(T, D) bool: whether it found an object, at each threshold."""
    wrong: list[np.ndarray]
    """(T, D) bool: whether it found none. Some are neither: they found what does not count."""
    objects: np.ndarray
    """(K, N) int64: objects of each class in each image."""

    def precision(self, counts: np.ndarray, thresholds: slice = slice(None)) -> np.ndarray:
        """Average precision of S sets of images, (K, S), the mean over `thresholds`; NaN where a set has no object of a class.

        `counts`, (S, N): how often each set has each image.
        """
        found = []
        for images, right, wrong, objects in zip(self.images, self.right, self.wrong, self.objects, strict=True):
            step = max(1, _SETS // (max(1, right[thresholds].size)))
            parts = np.split(counts, range(step, len(counts), step))
            found.append(
                np.concatenate([_average(part, images, right[thresholds], wrong[thresholds], objects) for part in parts])
            )
        return np.stack(found)


def _average(counts: np.ndarray, images: np.ndarray, right: np.ndarray, wrong: np.ndarray, objects: np.ndarray) -> np.ndarray:
    """(S,) average precision of one class, by COCO's interpolation."""
    total = counts @ objects
    weights = counts[:, None, images]
    hits, misses = (weights * right).cumsum(2), (weights * wrong).cumsum(2)
    precision = hits / np.maximum(hits + misses, np.spacing(1))
    best = np.maximum.accumulate(precision[..., ::-1], axis=2)[..., ::-1]
    recall = hits / np.maximum(total, 1)[:, None, None]
    found = np.full(len(counts), np.nan)
    for row in np.flatnonzero(total):
        places = [np.searchsorted(each, RECALLS) for each in recall[row]]
        reached = [curve[place[place < len(curve)]].sum() for curve, place in zip(best[row], places, strict=True)]
        found[row] = np.mean(reached) / len(RECALLS)
    return found


def mean_of_classes(precision: np.ndarray) -> np.ndarray:
    """(K, S) with NaN where a set has no object of a class to the mean over the others, (S,); 0 where there is none at all."""
    known = ~np.isnan(precision)
    mean: np.ndarray = np.where(known, precision, 0).sum(0) / np.maximum(known.sum(0), 1)
    return mean


def match(
    predicted: Sequence[Mapping[str, Any]], targets: Sequence[Mapping[str, Any]], classes: int, iou: str = "bbox"
) -> Matches:
    """Match predictions and targets, rows as of `gantool.components.ObjectEstimator`, by "boxes" ("bbox") or "masks" ("segm")."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with redirect_stdout(io.StringIO()):
        sides = [COCO(), COCO()]
        for side, rows in zip(sides, (targets, predicted), strict=True):
            side.dataset = _as_coco(rows, classes)
            side.createIndex()
        judge = COCOeval(*sides, iou)
        judge.params.maxDets, judge.params.areaRng, judge.params.areaRngLbl = [100], [[0, 1e10]], ["all"]
        judge.evaluate()
    per_class = np.array(judge.evalImgs, dtype=object).reshape(classes, len(targets))
    found = [_joined(list(row)) for row in per_class]
    objects = [[0 if each is None else int((1 - each["gtIgnore"]).sum()) for each in row] for row in per_class]
    images, right, wrong = zip(*found, strict=True) if found else ((), (), ())
    return Matches(images=list(images), right=list(right), wrong=list(wrong), objects=np.array(objects, np.int64))


def _as_coco(rows: Sequence[Mapping[str, Any]], classes: int) -> dict[str, Any]:
    annotations: list[dict[str, Any]] = []
    for image, row in enumerate(rows):
        scores, crowd, masks = row.get("scores"), row.get("crowd"), row.get("masks")
        for number, (box, label) in enumerate(zip(row["boxes"].tolist(), row["labels"].tolist(), strict=True)):
            width, height = box[2] - box[0], box[3] - box[1]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": label,
                    "bbox": [box[0], box[1], width, height],
                    "area": width * height,
                    "iscrowd": int(crowd[number]) if crowd is not None else 0,
                    **({"score": float(scores[number])} if scores is not None else {}),
                    **({"segmentation": masks[number]} if masks is not None else {}),
                }
            )
    return {
        # Asked for where masks are run lengths, and then not used.
        "images": [{"id": image, "height": 0, "width": 0} for image in range(len(rows))],
        "categories": [{"id": label} for label in range(classes)],
        "annotations": annotations,
    }


def _joined(found: list[Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Detections of one class in all images, best first, as COCO sorts them."""
    known = [(image, each) for image, each in enumerate(found) if each is not None]
    if not known:
        none = np.zeros((len(THRESHOLDS), 0), bool)
        return np.zeros(0, np.int64), none, none
    scores = np.concatenate([each["dtScores"] for _, each in known])
    order = np.argsort(-scores, kind="mergesort")
    images = np.repeat([image for image, _ in known], [len(each["dtScores"]) for _, each in known])[order]
    matched, ignored = (
        np.concatenate([each[name].reshape(len(THRESHOLDS), -1) for _, each in known], axis=1)[:, order].astype(bool)
        for name in ("dtMatches", "dtIgnore")
    )
    return images.astype(np.int64), matched & ~ignored, ~matched & ~ignored
