"""Objects in images: boxes or masks, scored as COCO does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from ..components import ImageSet, Labels, ObjectEstimator
from ..errors import GantoolError, require
from ..evaluation.masks import borders, box_around, decode, encode, masks_of
from ..evaluation.precision import Matches, match, mean_of_classes
from ..evaluation.tasks import fit_to
from .part_options import DetectionOptions

Row = Mapping[str, Any]
Rows = Sequence[Row]

_MARGIN = 2
"""Pixels around boxes and borders of masks where an edge of the picture is theirs."""
_SURE = 0.3
"""Score from which on a prediction is drawn."""
_COLOURS = ((230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0), (204, 121, 167))
"""Okabe and Ito's, which colour-blind people can tell apart."""


def colour(label: int) -> tuple[int, int, int]:
    """RGB of a class."""
    return _COLOURS[label % len(_COLOURS)]


class Detection:
    """Objects with boxes: the figure is COCO's average precision, the mean over classes.

    A row is a mapping of arrays as of torchvision: "boxes" (M, 4) left, top, right, bottom in pixels of the image, "labels" (M,)
    numbers of classes, and "scores" (M,) of predictions or "crowd" (M,) bool of targets. Lin et al., *Microsoft COCO* (2014); at
    most 100 detections of a class and image count, objects of all sizes together. Raises `MissingExtra`.
    """

    higher_is_better = True
    kinds: tuple[str, ...] = ("objects", "outlines")
    wants = "objects with boxes, such as COCO, YOLO or VOC annotations"
    iou = "bbox"

    def __init__(self, *, config: DetectionOptions, labels: Labels) -> None:
        if labels.kind not in self.kinds:
            raise GantoolError(f"--task {type(self).__name__.lower()} needs {self.wants}, not {labels}")
        require(f"--task {type(self).__name__.lower()}", "evaluate", "pycocotools")
        self.config, self.labels, self.classes = config, labels, labels.names
        self.unit, self.outputs = f"m{config.figure}", len(labels.names)

    @staticmethod
    def recognises(labels: Labels) -> bool:
        """Objects, whether or not they have outlines, too."""
        return labels.kind in Detection.kinds

    def load(self, values: Sequence[Any], sizes: np.ndarray) -> list[dict[str, Any]]:
        """Scenes to rows, in pixels of the images as they are compared. Objects of other classes are left out."""
        return [self._row(scene, tuple(size)) for scene, size in zip(values, sizes.tolist(), strict=True)]

    def learn(self, estimator: Any, images: ImageSet, targets: Rows) -> Callable[[ImageSet], list[Row]]:
        """For estimators that find objects. Raises `GantoolError` for others."""
        if not isinstance(estimator, ObjectEstimator):
            raise GantoolError(f"the estimator {type(estimator).__name__} finds no objects: name another --estimator")
        estimator.fit_objects(images, targets)
        return lambda images: [self.checked(row) for row in estimator.predict_objects(images)]

    def checked(self, row: Row) -> Row:
        """A prediction. Raises `GantoolError` for one that is none."""
        arrays = {name: np.asarray(row[name]) for name in ("boxes", "labels", "scores")}
        count = len(arrays["scores"])
        if [each.shape for each in arrays.values()] != [(count, 4), (count,), (count,)]:
            raise GantoolError(f"detections have shapes {', '.join(f'{name} {each.shape}' for name, each in arrays.items())}")
        if not all(np.isfinite(each).all() for each in arrays.values()):
            raise GantoolError("detections have values that are not finite")
        return row

    def statistics(self, predicted: Rows, targets: Rows) -> Matches:
        """What COCO's matching says of each class."""
        return match(predicted, targets, self.outputs, self.iou)

    def aggregate(self, statistics: Matches, counts: np.ndarray) -> np.ndarray:
        """The mean over classes that a set has objects of; 0 where it has none."""
        first = slice(0, 1) if self.config.figure == "AP50" else slice(None)
        return mean_of_classes(statistics.precision(counts, first))

    def baseline(self, targets: Rows, count: int) -> tuple[str, list[Row]]:
        """Always the objects of the training image that has most: who knows what images hold and sees none."""
        most = max(targets, key=lambda row: len(row["labels"]))
        row = {name: most[name] for name in ("boxes", "labels", "masks") if name in most} | {
            "scores": np.ones(len(most["labels"]))
        }
        return "always one image's objects", [row] * count

    def extra(self, predicted: Rows, targets: Rows) -> dict[str, float]:
        """The other average precision, and the figure of each class."""
        found = self.statistics(predicted, targets)
        every = np.ones((1, len(targets)))
        by_name = {"AP50": found.precision(every, slice(0, 1)), "AP": found.precision(every)}
        classes = by_name[self.config.figure][:, 0]
        other = "AP" if self.config.figure == "AP50" else "AP50"
        named = zip(self.classes, classes.tolist(), strict=True)
        return {f"m{other}": float(mean_of_classes(by_name[other])[0])} | {
            f"{self.config.figure} {name}": value for name, value in named if not np.isnan(value)
        }

    def picture(self, image: np.ndarray, row: Row) -> np.ndarray:
        """A frame around each object, in the colour of its class; of predictions those that are rather sure."""
        drawn, thick = image.copy(), max(1, image.shape[1] // 256)
        for box, label, score in zip(row["boxes"], row["labels"], row.get("scores", np.ones(len(row["labels"]))), strict=True):
            if score >= _SURE:
                left, top, right, bottom = np.rint(box).astype(int).tolist()
                cv2.rectangle(drawn, (left, top), (right - 1, bottom - 1), colour(int(label)), thick)
        return drawn

    def area(self, row: Row, size: tuple[int, int]) -> np.ndarray:
        """(H, W) bool: boxes, and 2 px around them."""
        found = np.zeros(size, bool)
        for left, top, right, bottom in np.rint(row["boxes"]).astype(int):
            found[max(0, top - _MARGIN) : bottom + _MARGIN, max(0, left - _MARGIN) : right + _MARGIN] = True
        return found

    def _row(self, scene: Any, size: tuple[int, int]) -> dict[str, Any]:
        fit = fit_to(size, self.labels)
        known = [each for each in scene.objects if each.name in self.classes and each.box is not None]
        placed = [(each, box) for each in known if (box := fit.box(*each.box)) is not None]
        kept = [(each, box) for each, box in placed if box[2] > box[0] and box[3] > box[1]]
        return {
            "boxes": np.array([box for _, box in kept], np.float64).reshape(-1, 4),
            "labels": np.array([self.classes.index(each.name) for each, _ in kept], np.int64),
            "crowd": np.array([each.crowd for each, _ in kept], bool),
        }


class Masks(Detection):
    """Objects with the mask of each: COCO's average precision, detections and objects being matched by their pixels.

    Rows are those of `Detection` and have "masks", too, a list of M run lengths of COCO.
    """

    kinds = ("outlines",)
    wants = "objects with outlines, such as polygons or ids of instances"
    iou = "segm"

    @staticmethod
    def recognises(labels: Labels) -> bool:  # noqa: ARG004 - what has outlines has boxes, which are found sooner
        """Never."""
        return False

    def checked(self, row: Row) -> Row:
        """As with boxes."""
        if len(row.get("masks", ())) != len(row["scores"]):
            raise GantoolError(f"detections have {len(row.get('masks', ()))} masks for {len(row['scores'])} scores")
        return super().checked(row)

    def picture(self, image: np.ndarray, row: Row) -> np.ndarray:
        """A frame around each object, and its pixels in the colour of its class."""
        drawn = super().picture(image, row)
        scores = row.get("scores", np.ones(len(row["labels"])))
        for mask, label, score in zip(row["masks"], row["labels"], scores, strict=True):
            if score >= _SURE:
                inside = decode(mask)
                drawn[inside] = drawn[inside] // 2 + np.array(colour(int(label)), np.uint8) // 2
        return drawn

    def area(self, row: Row, size: tuple[int, int]) -> np.ndarray:
        """(H, W) bool: within 2 px of the border of a mask."""
        found = np.zeros(size, bool)
        for mask in row["masks"]:
            found |= borders(decode(mask), _MARGIN)
        return found

    def _row(self, scene: Any, size: tuple[int, int]) -> dict[str, Any]:
        """Boxes are those around masks."""
        fit = fit_to(size, self.labels)
        named = zip(scene.objects, masks_of(scene, size), strict=True)
        known = [(each, fit.ids(mask)) for each, mask in named if each.name in self.classes]
        seen = [(each, mask) for each, mask in known if mask.any()]
        return {
            "boxes": np.array([box_around(mask) for _, mask in seen], np.float64).reshape(-1, 4),
            "labels": np.array([self.classes.index(each.name) for each, _ in seen], np.int64),
            "crowd": np.array([each.crowd for each, _ in seen], bool),
            "masks": [encode(mask) for _, mask in seen],
        }
