"""The built-in tasks: directions, numbers, key points, classes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from ..components import Estimator, ImageSet, KeypointEstimator, Labels
from ..errors import GantoolError
from ..evaluation.tasks import NumbersTask, in_pixels
from .part_options import KeypointsOptions

_NOT_THERE = -1
"""Both coordinates of a key point that is not labelled."""
PCK_WIDTHS = 0.05
"""A key point counts as correct within this distance, in widths of the image."""


class Angles(NumbersTask):
    """(N, 2) pitch and yaw, learnt in radians: the error is the angle between the two directions."""

    unit = "deg"
    wants = "pitch and yaw, N x 2"

    @staticmethod
    def recognises(labels: Labels) -> bool:
        """Two floats whose name has both words."""
        return _floats(labels) == (2,) and all(word in labels.name.lower() for word in ("pitch", "yaw"))

    def fits(self, shape: tuple[int, ...]) -> bool:
        return shape == (2,)

    def load(self, values: np.ndarray, sizes: np.ndarray) -> Tensor:
        """Radians. Labels whose name ends in "_deg" are in degrees."""
        return super().load(values, sizes) * (math.pi / 180 if self.labels.name.lower().endswith("_deg") else 1)

    def errors(self, predicted: Tensor, targets: Tensor) -> Tensor:
        return _angle(direction(predicted), direction(targets))

    def extra(self, predicted: Tensor, targets: Tensor) -> dict[str, float]:
        return self.offset_removed(predicted, targets)


class Vectors(NumbersTask):
    """(N, D) directions of any length: the error is the angle between the two."""

    unit = "deg"
    wants = "one vector per image, N x 3"

    @staticmethod
    def recognises(labels: Labels) -> bool:
        """Three floats of length 1."""
        return _floats(labels) == (3,) and np.allclose(np.linalg.norm(labels.values, axis=1), 1, atol=1e-3)

    def fits(self, shape: tuple[int, ...]) -> bool:
        return len(shape) == 1 and shape[0] > 1

    def errors(self, predicted: Tensor, targets: Tensor) -> Tensor:
        return _angle(predicted, targets)


class Regression(NumbersTask):
    """(N, ...) numbers: the error is the mean absolute one, in the unit of the labels. Each may have a unit of its own."""

    one_scale = False

    @staticmethod
    def recognises(labels: Labels) -> bool:
        """One float."""
        return _floats(labels) == ()

    def errors(self, predicted: Tensor, targets: Tensor) -> Tensor:
        return (predicted.double() - targets.double()).abs().mean(1)

    def extra(self, predicted: Tensor, targets: Tensor) -> dict[str, float]:
        return self.offset_removed(predicted, targets)


class Keypoints(NumbersTask):
    """(N, K, 2) or (N, 2) positions x, y in pixels of the stored image: the error is the mean distance, in pixels of the images
    that the run was trained on. A point at (-1, -1) is not labelled: neither learnt nor scored."""

    unit = "px"
    wants = "x and y of key points, N x 2 or N x K x 2"
    config: KeypointsOptions

    @staticmethod
    def recognises(labels: Labels) -> bool:
        """Pairs of floats, more than one or with a name that ends in "_xy"."""
        shape, name = _floats(labels) or (), labels.name.lower()
        pairs = shape[-1:] == (2,) and (len(shape) == 2 or name.endswith("_xy"))
        return pairs and not Angles.recognises(labels)

    def fits(self, shape: tuple[int, ...]) -> bool:
        return len(shape) in (1, 2) and shape[-1] == 2

    def load(self, values: np.ndarray, sizes: np.ndarray) -> Tensor:
        """(N, 2·K), x and y in pixels of the run's images, NaN where a point is not there."""
        found = in_pixels(values, sizes, size=self.labels.one_size, crop=self.labels.crop)
        missing = (np.asarray(values).reshape(len(values), -1, 2) == _NOT_THERE).all(2)
        found[torch.from_numpy(missing)] = torch.nan
        return found.flatten(1)

    def learn(self, estimator: Estimator, images: ImageSet, targets: Tensor) -> Callable[[ImageSet], Tensor]:
        """As other numbers, but in pixels where the estimator asks for these. In place of a point that is not there stands the
        mean of the others of its kind, which teaches nothing."""
        targets = torch.where(targets.isnan(), targets.nanmean(0).nan_to_num(), targets)
        if not isinstance(estimator, KeypointEstimator):
            return super().learn(estimator, images, targets)
        estimator.fit_points(images.tensor(), targets.reshape(len(targets), -1, 2).to(images.device))
        return lambda images: self.predict(estimator, images)

    def errors(self, predicted: Tensor, targets: Tensor) -> Tensor:
        return self._distances(predicted, targets).nanmean(1)

    def extra(self, predicted: Tensor, targets: Tensor) -> dict[str, float]:
        """The share of key points that are found, PCK at 5 % of the image's width and at `within_px`."""
        limits = {f"pck@{PCK_WIDTHS:g}w": PCK_WIDTHS * self.labels.one_size[1]}
        if self.config.within_px is not None:
            limits[f"pck@{self.config.within_px:g}px"] = self.config.within_px
        distances = self._distances(predicted, targets)
        known = distances[~distances.isnan()]
        found = {name: float((known <= limit).double().mean()) for name, limit in limits.items()}
        return self.offset_removed(predicted, targets) | found

    def picture(self, image: np.ndarray, row: Tensor) -> np.ndarray:
        """A cross at each point."""
        drawn = image.copy()
        points = row.reshape(-1, 2)
        for x, y in points[~points.isnan().any(1)].round().int().tolist():
            cv2.drawMarker(drawn, (x, y), (255, 0, 0), markerSize=max(3, image.shape[1] // 20))
        return drawn

    def _distances(self, predicted: Tensor, targets: Tensor) -> Tensor:
        apart = (predicted.double() - targets.double()).reshape(len(targets), -1, 2)
        distances: Tensor = torch.linalg.vector_norm(apart, dim=2)
        return distances


class Classification(NumbersTask):
    """(N,) classes, numbers or text, those of the synthetic images: the error is 0 or 100 %. Predictions are scores."""

    unit = "%"
    kinds = "biuUS"
    wants = "one whole number or word per image"

    def __init__(self, *, config: Any, labels: Labels) -> None:
        super().__init__(config=config, labels=labels)
        self.classes = np.unique(labels.values)
        self.outputs = len(self.classes)

    @staticmethod
    def recognises(labels: Labels) -> bool:
        """One word or truth value. Whole numbers may be amounts, too."""
        return labels.values.ndim == 1 and labels.values.dtype.kind in "bUS"

    def fits(self, shape: tuple[int, ...]) -> bool:
        return shape == ()

    def load(self, values: np.ndarray, sizes: np.ndarray) -> Tensor:  # noqa: ARG002
        """(N,) int64 class numbers. Raises `GantoolError` for a class that no synthetic image has."""
        strange = np.setdiff1d(values, self.classes)
        if len(strange):
            known = ", ".join(map(str, self.classes[:10]))
            raise GantoolError(f"class {strange[0]} of real images is none of the synthetic images' classes: {known}")
        return torch.from_numpy(np.searchsorted(self.classes, values).astype(np.int64))

    def errors(self, predicted: Tensor, targets: Tensor) -> Tensor:
        return (predicted.argmax(1) != targets).double() * 100

    def baseline(self, targets: Tensor, count: int) -> tuple[str, Tensor]:
        """Always the commonest class."""
        commonest = torch.bincount(targets, minlength=self.outputs).argmax()
        return "always the commonest", torch.nn.functional.one_hot(commonest, self.outputs).float().expand(count, -1)


def direction(angles: Tensor) -> Tensor:
    """(N, 2) pitch and yaw in radians to (N, 3) unit vectors: x right, y down, z away from the camera.

    The convention of MPIIGaze (Zhang et al. 2015): pitch = asin(-y), yaw = atan2(-x, -z).
    """
    pitch, yaw = angles.double().unbind(1)
    return torch.stack((-pitch.cos() * yaw.sin(), -pitch.sin(), -pitch.cos() * yaw.cos()), 1)


def _angle(a: Tensor, b: Tensor) -> Tensor:
    """(N,) angles in degrees between rows of any length; a zero vector is at 90° to everything."""
    return torch.rad2deg(torch.nn.functional.cosine_similarity(a.double(), b.double(), dim=1).clamp(-1, 1).acos())


def _floats(labels: Labels) -> tuple[int, ...] | None:
    """The shape of what each image has, if it is of floats."""
    return labels.values.shape[1:] if labels.values.dtype.kind == "f" else None
