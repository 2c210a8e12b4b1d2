"""What labels mean: how an estimator learns them, and how wrong it is. Lower is better in every task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from ..errors import GantoolError
from .names import TASKS

OFFSET_REMOVED = "offset removed"
"""Name of a further figure: the error without the mean of prediction minus target, which a difference in geometry (crop,
scale, pose) of the domains brings about."""
PCK_WIDTHS = 0.05
"""A key point counts as correct within this distance, in widths of the image."""


class Task(Protocol):
    """Labels as numbers. N images, `outputs` numbers each."""

    @property
    def name(self) -> str:
        """One of `names.TASKS`."""

    @property
    def unit(self) -> str:
        """Of the error: "deg", "px", "%" or "label units"."""

    @property
    def outputs(self) -> int:
        """Numbers that an estimator gives for each image."""

    def targets(self, labels: np.ndarray, size: tuple[int, int]) -> Tensor:
        """(N, ...) labels of images stored at `size` (H, W) to what an estimator learns: (N, outputs) float32, or (N,) int64
        class numbers."""

    def errors(self, predicted: Tensor, targets: Tensor) -> Tensor:
        """(N, outputs) predictions and what `targets` returned to (N,) float64 errors in `unit`."""

    def extra(self, predicted: Tensor, targets: Tensor) -> dict[str, float]:
        """Further figures of a field's custom."""


@dataclass(frozen=True, kw_only=True)
class _Numbers:
    """What tasks with float targets share."""

    name: str
    unit: str
    shape: tuple[int, ...]
    """Of the labels of one image."""
    factor: float = 1.0
    """Turns stored labels into the task's own unit."""

    @property
    def outputs(self) -> int:
        return int(np.prod(self.shape, dtype=int))

    def targets(self, labels: np.ndarray, size: tuple[int, int]) -> Tensor:  # noqa: ARG002 - only key points have a size
        """See `Task.targets`."""
        return torch.from_numpy(np.asarray(labels, np.float32).reshape(len(labels), -1) * np.float32(self.factor))

    def extra(self, predicted: Tensor, targets: Tensor) -> dict[str, float]:  # noqa: ARG002
        """See `Task.extra`."""
        return {}


class Angles(_Numbers):
    """(N, 2) pitch and yaw, learnt in radians: the error is the angle between the two directions."""

    def errors(self, predicted: Tensor, targets: Tensor) -> Tensor:
        """See `Task.errors`."""
        return _angle(direction(predicted), direction(targets))

    def extra(self, predicted: Tensor, targets: Tensor) -> dict[str, float]:
        """See `Task.extra`."""
        return _offset_removed(self, predicted, targets)


class Vectors(_Numbers):
    """(N, D) directions of any length: the error is the angle between the two."""

    def errors(self, predicted: Tensor, targets: Tensor) -> Tensor:
        """See `Task.errors`."""
        return _angle(predicted, targets)


class Regression(_Numbers):
    """(N, ...) numbers: the error is the mean absolute one, in the unit of the labels."""

    def errors(self, predicted: Tensor, targets: Tensor) -> Tensor:
        """See `Task.errors`."""
        return (predicted.double() - targets.double()).abs().mean(1)

    def extra(self, predicted: Tensor, targets: Tensor) -> dict[str, float]:
        """See `Task.extra`."""
        return _offset_removed(self, predicted, targets)


@dataclass(frozen=True, kw_only=True)
class Keypoints(_Numbers):
    """(N, K, 2) or (N, 2) positions x, y in pixels of the stored image: the error is the mean distance, in pixels of the images
    that the run was trained on."""

    size: tuple[int, int]
    """(H, W) in pixels of these images."""
    crop: bool = False
    """Whether images get there by a crop around the centre instead of resizing."""
    within_px: float | None = None
    """A distance in pixels of these images within which a key point counts as found, beside `PCK_WIDTHS`."""

    def targets(self, labels: np.ndarray, size: tuple[int, int]) -> Tensor:
        """See `Task.targets`."""
        points = np.asarray(labels, np.float64).reshape(len(labels), -1, 2)
        stored, wanted = np.array(size[::-1]), np.array(self.size[::-1])
        # Pixel centres are at integers, so a resized image's first one lies half a new pixel from its edge.
        moved = points - (stored - wanted) // 2 if self.crop else (points + 0.5) * (wanted / stored) - 0.5
        return torch.from_numpy(moved.reshape(len(labels), -1).astype(np.float32))

    def errors(self, predicted: Tensor, targets: Tensor) -> Tensor:
        """See `Task.errors`."""
        return self._distances(predicted, targets).mean(1)

    def extra(self, predicted: Tensor, targets: Tensor) -> dict[str, float]:
        """See `Task.extra`: the share of key points that are found, PCK at 5 % of the image's width and at `within_px`."""
        limits = {f"pck@{PCK_WIDTHS:g}w": PCK_WIDTHS * self.size[1]}
        if self.within_px is not None:
            limits[f"pck@{self.within_px:g}px"] = self.within_px
        distances = self._distances(predicted, targets)
        found = {name: float((distances <= limit).double().mean()) for name, limit in limits.items()}
        return _offset_removed(self, predicted, targets) | found

    def _distances(self, predicted: Tensor, targets: Tensor) -> Tensor:
        apart = (predicted.double() - targets.double()).reshape(len(targets), -1, 2)
        distances: Tensor = torch.linalg.vector_norm(apart, dim=2)
        return distances


@dataclass(frozen=True, kw_only=True)
class Classification:
    """(N,) classes, numbers or text: the error is 0 or 100 %."""

    classes: np.ndarray
    """The classes of the synthetic images, sorted; predictions are scores, one column per class."""
    name: str = "classification"
    unit: str = "%"

    @property
    def outputs(self) -> int:
        """Number of classes."""
        return len(self.classes)

    def targets(self, labels: np.ndarray, size: tuple[int, int]) -> Tensor:  # noqa: ARG002
        """See `Task.targets`. Raises `GantoolError` for a class that no synthetic image has."""
        strange = np.setdiff1d(labels, self.classes)
        if len(strange):
            known = ", ".join(map(str, self.classes[:10]))
            raise GantoolError(f"class {strange[0]} of real images is none of the synthetic images' classes: {known}")
        return torch.from_numpy(np.searchsorted(self.classes, labels).astype(np.int64))

    def errors(self, predicted: Tensor, targets: Tensor) -> Tensor:
        """See `Task.errors`."""
        return (predicted.argmax(1) != targets).double() * 100

    def extra(self, predicted: Tensor, targets: Tensor) -> dict[str, float]:  # noqa: ARG002
        """See `Task.extra`."""
        return {}


def _offset_removed(task: Task, predicted: Tensor, targets: Tensor) -> dict[str, float]:
    offset = (predicted.double() - targets.double()).mean(0)
    return {OFFSET_REMOVED: float(task.errors(predicted.double() - offset, targets).mean())}


def guess(name: str, labels: np.ndarray) -> str:
    """Name the task of labels (N, ...) where their name and shape leave no doubt. Raises `GantoolError` where they do not."""
    shape, kind, word = labels.shape[1:], labels.dtype.kind, name.lower()
    if shape == () and kind in "USb":
        return "classification"
    if kind == "f":
        if shape == (2,) and "pitch" in word and "yaw" in word:
            return "angles"
        if shape and shape[-1] == 2 and (len(shape) == 2 or word.endswith("_xy")):
            return "keypoints"
        if shape == (3,) and np.allclose(np.linalg.norm(labels, axis=1), 1, atol=1e-3):
            return "vectors"
        if shape == ():
            return "regression"
    what = f"{'x'.join(map(str, labels.shape))} {labels.dtype}"
    raise GantoolError(f"labels {name} ({what}) could mean several things: pass --task, one of {', '.join(TASKS)}")


def make_task(
    task: str, name: str, labels: np.ndarray, *, size: tuple[int, int], crop: bool, within_px: float | None = None
) -> Task:
    """Make a task for labels (N, ...) of the synthetic images. `size`: (H, W) of the run's images; `crop`: how they got to it;
    `within_px`: see `Keypoints`.

    Raises `GantoolError` for labels that do not fit the task.
    """
    shape = labels.shape[1:]
    if task == "classification":
        if shape != () or labels.dtype.kind == "f":
            raise _unfit(name, labels, task, "one whole number or word per image")
        return Classification(classes=np.unique(labels))
    if labels.dtype.kind not in "iuf":
        raise _unfit(name, labels, task, "numbers")
    if task == "angles":
        if shape != (2,):
            raise _unfit(name, labels, task, "pitch and yaw, N x 2")
        return Angles(name=task, unit="deg", shape=shape, factor=np.pi / 180 if name.lower().endswith("_deg") else 1.0)
    if task == "vectors":
        if len(shape) != 1 or shape[0] < 2:
            raise _unfit(name, labels, task, "one vector per image, N x 3")
        return Vectors(name=task, unit="deg", shape=shape)
    if task == "keypoints":
        if not shape or shape[-1] != 2 or len(shape) > 2:
            raise _unfit(name, labels, task, "x and y of key points, N x 2 or N x K x 2")
        return Keypoints(name=task, unit="px", shape=shape, size=size, crop=crop, within_px=within_px)
    return Regression(name=task, unit="label units", shape=shape)


def scale_of(task: Task, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and spread (outputs,) of float targets: estimators learn (targets - mean) / spread.

    Outputs of one unit keep their proportions; those of a regression, which may have units of their own, are scaled one by one.
    """
    mean = targets.mean(0)
    variance = targets.var(0, unbiased=False)
    spread = (variance if task.name == "regression" else variance.mean().expand_as(mean)).sqrt()
    return mean, torch.where(spread > 0, spread, torch.ones_like(spread))


def constant_prediction(task: Task, train: Tensor, count: int) -> Tensor:
    """(count, outputs): always the mean of the training targets, or the commonest class."""
    if train.dtype == torch.int64:
        commonest = torch.bincount(train, minlength=task.outputs).argmax()
        return torch.nn.functional.one_hot(commonest, task.outputs).float().expand(count, -1)
    return train.mean(0).expand(count, -1)


def direction(angles: Tensor) -> Tensor:
    """(N, 2) pitch and yaw in radians to (N, 3) unit vectors: x right, y down, z away from the camera.

    The convention of MPIIGaze (Zhang et al. 2015): pitch = asin(-y), yaw = atan2(-x, -z).
    """
    pitch, yaw = angles.double().unbind(1)
    return torch.stack((-pitch.cos() * yaw.sin(), -pitch.sin(), -pitch.cos() * yaw.cos()), 1)


def _angle(a: Tensor, b: Tensor) -> Tensor:
    """(N,) angles in degrees between rows of any length; a zero vector is at 90° to everything."""
    return torch.rad2deg(torch.nn.functional.cosine_similarity(a.double(), b.double(), dim=1).clamp(-1, 1).acos())


def _unfit(name: str, labels: np.ndarray, task: str, wanted: str) -> GantoolError:
    what = f"{'x'.join(map(str, labels.shape))} {labels.dtype}"
    return GantoolError(f"--task {task} needs {wanted}; labels {name} are {what}")


def check_alike(name: str, synthetic: np.ndarray, real: np.ndarray) -> None:
    """Raise `GantoolError` unless labels of both domains have one shape and kind."""
    shapes: Mapping[str, tuple[tuple[int, ...], bool]] = {
        domain: (labels.shape[1:], labels.dtype.kind in "US") for domain, labels in (("synthetic", synthetic), ("real", real))
    }
    if shapes["synthetic"] != shapes["real"]:
        what = [f"{'x'.join(map(str, labels.shape))} {labels.dtype}" for labels in (synthetic, real)]
        raise GantoolError(f"labels {name} differ: {what[0]} for the synthetic images, {what[1]} for the real ones")
