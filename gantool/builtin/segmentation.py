"""Maps of the image: classes of pixels, and numbers such as depth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np

from ..components import ImageSet, Labels, MapEstimator
from ..errors import GantoolError, require
from ..evaluation.masks import borders, paint
from ..evaluation.tasks import fit_to
from .detection import colour
from .part_options import SegmentationOptions

Maps = Sequence[np.ndarray]
"""(H, W) of each image; (1, 1) where all its pixels have one value."""

_DELTA = 1.25
"""Ratio of two depths below which one is near the other (Ladický et al. 2014)."""


class _MapTask:
    """What tasks of maps share."""

    kinds: tuple[str, ...]
    wants: str
    unit: str
    outputs: int

    def __init__(self, *, config: Any, labels: Labels) -> None:
        if labels.kind not in self.kinds:
            raise GantoolError(f"--task {type(self).__name__.lower()} needs {self.wants}, not {labels}")
        self.config, self.labels = config, labels

    def learn(self, estimator: Any, images: ImageSet, targets: Maps) -> Callable[[ImageSet], Maps]:
        """For estimators of maps. Raises `GantoolError` for others."""
        if not isinstance(estimator, MapEstimator):
            raise GantoolError(f"the estimator {type(estimator).__name__} makes no maps: name another --estimator")
        estimator.fit_maps(images, targets)

        def predict(images: ImageSet) -> Maps:
            found = estimator.predict_maps(images)
            for row, maps in enumerate(found):
                if maps.shape != images[row].shape[:2] or not np.isfinite(maps).all():
                    raise GantoolError(f"the estimator {type(estimator).__name__} makes a map of {maps.shape}, or not finite")
            return found

        return predict


class Segmentation(_MapTask):
    """A class for each pixel: the figure is the mean over classes of their intersection over union, of all pixels together.

    Everingham et al., *The PASCAL Visual Object Classes Challenge* (2010), section 4.3. Rows are (H, W) int16 numbers of classes,
    -1 where nothing is known, which does not count. Of objects with outlines, what no object covers is a class of its own.
    """

    unit = "mIoU"
    higher_is_better = True
    kinds = ("classes", "materials", "outlines")
    wants = "a class of every pixel, such as a folder of masks, a pass of classes, or objects with outlines"
    config: SegmentationOptions

    def __init__(self, *, config: SegmentationOptions, labels: Labels) -> None:
        super().__init__(config=config, labels=labels)
        self._painted = labels.kind == "outlines"
        if self._painted:
            require("--task segmentation", "evaluate", "pycocotools")
        names = ("background", *labels.names) if self._painted else labels.names
        self.classes = tuple(name for name in names if name not in config.ignore)
        if len(self.classes) < 2:
            raise GantoolError(f"--task segmentation needs two classes at least, {labels.name} has {', '.join(self.classes)}")
        places = [self.classes.index(name) if name in self.classes else -1 for name in names]
        self._places = np.array([*places, -1], np.int16)  # -1, of no class, is the last one
        self.outputs = len(self.classes)

    @staticmethod
    def recognises(labels: Labels) -> bool:
        """A pass of classes."""
        return labels.kind == "classes"

    def load(self, values: Sequence[Any], sizes: np.ndarray) -> list[np.ndarray]:
        """Numbers of classes, for images as they are compared."""
        found = []
        for value, size in zip(values, sizes.tolist(), strict=True):
            numbers = paint(value, self.labels.names, tuple(size)) if self._painted else value
            found.append(fit_to(tuple(size), self.labels).ids(self._places[numbers]))
        return found

    def statistics(self, predicted: Maps, targets: Maps) -> np.ndarray:
        """(N, K, K) int64: pixels of a class in each row that are taken for that of each column."""
        count = self.outputs
        found = np.zeros((len(targets), count, count), np.int64)
        for number, (guess, truth) in enumerate(zip(predicted, targets, strict=True)):
            known = truth >= 0
            pairs = truth[known].astype(np.int64) * count + np.broadcast_to(guess, truth.shape)[known]
            found[number] = np.bincount(pairs, minlength=count * count).reshape(count, count)
        return found

    def aggregate(self, statistics: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """The mean over classes that a set has, or that are taken for something in it; 0 where it has none."""
        shares = self._shares(statistics, counts)
        known = ~np.isnan(shares)
        mean: np.ndarray = np.where(known, shares, 0).sum(1) / np.maximum(known.sum(1), 1)
        return mean

    def _shares(self, statistics: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """(S, K) intersection over union of each class, NaN where there is neither."""
        confused = np.tensordot(counts, statistics, 1)
        common = np.diagonal(confused, axis1=1, axis2=2)
        union = confused.sum(1) + confused.sum(2) - common
        found: np.ndarray = np.where(union > 0, common / np.maximum(union, 1), np.nan)
        return found

    def baseline(self, targets: Maps, count: int) -> tuple[str, Maps]:
        """Always the commonest class."""
        total = sum(np.bincount(each[each >= 0], minlength=self.outputs) for each in targets)
        return "always the commonest", [np.array([[np.argmax(total)]], np.int16)] * count

    def extra(self, predicted: Maps, targets: Maps) -> dict[str, float]:
        """The intersection over union of each class that is there."""
        found = self.statistics(predicted, targets)
        (shares,), there = self._shares(found, np.ones((1, len(targets)))), found.sum((0, 2)) > 0
        named = zip(self.classes, shares.tolist(), there, strict=True)
        return {f"IoU {name}": share for name, share, is_there in named if is_there}

    def area(self, row: np.ndarray, size: tuple[int, int]) -> np.ndarray:  # noqa: ARG002 - the row has it
        """(H, W) bool: within 2 px of where classes meet."""
        return borders(row, 2)

    def picture(self, image: np.ndarray, row: np.ndarray) -> np.ndarray:
        """Half of each pixel in the colour of its class, but for the first one."""
        colours = np.array([(0, 0, 0), *(colour(number) for number in range(self.outputs))])
        shown = (row > 0)[..., None]
        drawn: np.ndarray = np.where(shown, image // 2 + (colours[row.clip(0)] // 2).astype(np.uint8), image)
        return drawn


class Depth(_MapTask):
    """Distances: the figure is the mean over images of the mean relative error of their pixels, those of background left out.

    Eigen, Puhrsch and Fergus, *Depth Map Prediction from a Single Image* (2014), section 4.2: "AbsRel", and the share of pixels
    within a factor of 1.25. Rows are (H, W) float32, in one unit for both domains, NaN where nothing is known. Logarithms are
    learnt, since the error is a ratio.
    """

    unit = "AbsRel"
    higher_is_better = False
    kinds = ("depth", "distance")
    wants = "a pass of depth"
    outputs = 1

    @staticmethod
    def recognises(labels: Labels) -> bool:
        """A pass of depth, or of distances to the camera."""
        return labels.kind in Depth.kinds

    def load(self, values: Sequence[np.ndarray], sizes: np.ndarray) -> list[np.ndarray]:
        """Depths for images as they are compared; what is not above 0 is not known."""
        maps = [np.where(value > 0, value, np.float32(np.nan)) for value in values]
        return [fit_to(tuple(size), self.labels).ids(each) for each, size in zip(maps, sizes.tolist(), strict=True)]

    def learn(self, estimator: Any, images: ImageSet, targets: Maps) -> Callable[[ImageSet], Maps]:
        """Fit to logarithms of mean 0 and spread 1."""
        logs = [np.log(each) for each in targets]
        known = np.concatenate([each[~np.isnan(each)] for each in logs])
        if not known.size:
            raise GantoolError("no pixel of the training images has a depth")
        mean, spread = float(known.mean()), float(known.std()) or 1.0
        predict = super().learn(estimator, images, [((each - mean) / spread).astype(np.float32) for each in logs])
        # Far beyond what was learnt is no number any more.
        return lambda images: [np.exp(each.clip(-10, 10) * spread + mean) for each in predict(images)]

    def statistics(self, predicted: Maps, targets: Maps) -> np.ndarray:
        """(N, 2): the mean relative error of each image, and its share of near pixels; NaN where no pixel is known."""
        found = np.full((len(targets), 2), np.nan)
        for number, (guess, truth) in enumerate(zip(predicted, targets, strict=True)):
            known = ~np.isnan(truth)
            if known.any():
                ratio = np.broadcast_to(guess, truth.shape)[known].astype(np.float64) / truth[known]
                found[number] = np.abs(ratio - 1).mean(), (np.maximum(ratio, 1 / ratio) < _DELTA).mean()
        return found

    def aggregate(self, statistics: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """The mean over the images of each set of which something is known; 0 where there is none."""
        known = ~np.isnan(statistics[:, 0])
        weights = counts[:, known]
        means: np.ndarray = weights @ statistics[known, 0] / np.maximum(weights.sum(1), 1)
        return means

    def baseline(self, targets: Maps, count: int) -> tuple[str, Maps]:
        """Always the median, which is the best constant for relative errors but for a little."""
        known = np.concatenate([each[~np.isnan(each)] for each in targets])
        return "always the median", [np.array([[np.median(known)]], np.float32)] * count

    def extra(self, predicted: Maps, targets: Maps) -> dict[str, float]:
        """The share of pixels within a factor of 1.25."""
        return {f"δ<{_DELTA}": float(np.nanmean(self.statistics(predicted, targets)[:, 1]))}

    def picture(self, image: np.ndarray, row: np.ndarray) -> np.ndarray:
        """The depth in colours, near ones bright, in place of the image."""
        known = ~np.isnan(row)
        if not known.any():
            return image
        low, high = np.nanpercentile(row, (2, 98))
        near = 1 - ((np.nan_to_num(row, nan=high) - low) / max(high - low, 1e-9)).clip(0, 1)
        colours = cv2.applyColorMap(np.rint(255 * near).astype(np.uint8), cv2.COLORMAP_VIRIDIS)[..., ::-1]
        drawn: np.ndarray = np.where(known[..., None], colours, np.uint8(0))
        return np.ascontiguousarray(np.broadcast_to(drawn, image.shape))
