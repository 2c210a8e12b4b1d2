"""Which task labels are for, and a base for tasks: those that come with gantool, and those of plugins."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..components import Estimator, ImageSet, Labels
from ..data.geometry import Fit, cropped, resized
from ..errors import GantoolError
from ..plugins.registry import Provided, Registry

OFFSET_REMOVED = "offset removed"
"""Name of a further figure: the error without the mean of prediction minus target, which a difference in geometry (crop,
scale, pose) of the domains brings about."""


class NumbersTask:
    """A base of tasks: rows are (outputs,) numbers, and the figure is the mean of an error of each image, `errors`.

    Args:
        config: Options of the component.
        labels: What the task is made for.

    Raises `GantoolError` where the labels are not of a kind in `kinds` or their shape does not fit.
    """

    unit = "label units"
    higher_is_better = False
    kinds = "iuf"
    """Kinds of numpy types that labels may have."""
    wants = "numbers"
    """What labels should be, in words."""
    one_scale = True
    """Whether all outputs have one unit, so that they keep their proportions when they are scaled for an estimator."""

    def __init__(self, *, config: Any, labels: Labels) -> None:
        if not isinstance(labels.values, np.ndarray):
            raise GantoolError(f"--task {type(self).__name__.lower()} needs {self.wants}, not {labels}")
        shape = labels.values.shape[1:]
        if labels.values.dtype.kind not in self.kinds or not self.fits(shape):
            raise GantoolError(f"--task {type(self).__name__.lower()} needs {self.wants}, not {labels}")
        self.config, self.labels = config, labels
        self.outputs = math.prod(shape)

    def fits(self, shape: tuple[int, ...]) -> bool:  # noqa: ARG002 - numbers of any shape do
        """Tell whether labels of one image can have this shape."""
        return True

    def load(self, values: np.ndarray, sizes: np.ndarray) -> Tensor:  # noqa: ARG002 - most labels have no place in the image
        """(N, ...) labels to (N, outputs) float32."""
        return torch.from_numpy(np.asarray(values, np.float32).reshape(len(values), -1))

    def learn(self, estimator: Estimator, images: ImageSet, targets: Tensor) -> Callable[[ImageSet], Tensor]:
        """Fit to targets of mean 0 and a spread near 1, which predictions are scaled back from; or to classes, as they are."""
        if not isinstance(estimator, Estimator):
            raise GantoolError(f"the estimator {type(estimator).__name__} lacks fit and predict of numbers or classes")
        mean, spread = torch.zeros(()), torch.ones(())
        if targets.is_floating_point():
            mean, spread = self._scale(targets)
            targets = (targets - mean) / spread
        estimator.fit(images.tensor(), targets.to(images.device))
        return lambda images: self.predict(estimator, images) * spread + mean

    def predict(self, estimator: Any, images: ImageSet) -> Tensor:
        """(N, outputs) float32 on the CPU. Raises `GantoolError` for anything else than a finite row for each image."""
        predicted: Tensor = estimator.predict(images.tensor()).detach().float().cpu()
        if predicted.shape != (len(images), self.outputs):
            raise GantoolError(
                f"the estimator {type(estimator).__name__} predicts {tuple(predicted.shape)} "
                f"for {len(images)} images and {self.outputs} outputs: it must give one row per image"
            )
        if not torch.isfinite(predicted).all():
            raise GantoolError(f"the estimator {type(estimator).__name__} predicts values that are not finite")
        return predicted

    def errors(self, predicted: Tensor, targets: Tensor) -> Tensor:
        """(N, outputs) predictions and targets to (N,) float64 in `unit`."""
        raise NotImplementedError

    def statistics(self, predicted: Tensor, targets: Tensor) -> np.ndarray:
        """(N,) float64 errors."""
        found: np.ndarray = self.errors(predicted, targets).numpy()
        return found

    def aggregate(self, statistics: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """The mean error of each set, of images that have one (it is NaN where nothing is known); 0 where none has."""
        known = ~np.isnan(statistics)
        weights = counts[:, known]
        means: np.ndarray = weights @ statistics[known] / np.maximum(weights.sum(1), np.finfo(float).tiny)
        return means

    def baseline(self, targets: Tensor, count: int) -> tuple[str, Tensor]:
        """Always the mean of the training targets."""
        return "always the mean", targets.nanmean(0).expand(count, -1)

    def extra(self, predicted: Tensor, targets: Tensor) -> dict[str, float]:  # noqa: ARG002
        """None."""
        return {}

    def offset_removed(self, predicted: Tensor, targets: Tensor) -> dict[str, float]:
        """Name and value of the error without a constant offset."""
        offset = (predicted.double() - targets.double()).nanmean(0)
        return {OFFSET_REMOVED: float(self.errors(predicted.double() - offset, targets).nanmean())}

    def picture(self, image: np.ndarray, row: Tensor) -> np.ndarray:  # noqa: ARG002
        """The image as it is."""
        return image

    def _scale(self, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and spread, (outputs,) each."""
        mean, variance = targets.mean(0), targets.var(0, unbiased=False)
        spread = (variance.mean().expand_as(mean) if self.one_scale else variance).sqrt()
        return mean, torch.where(spread > 0, spread, torch.ones_like(spread))


def guess(registry: Registry, labels: Labels) -> Provided:
    """Return the one task that recognises labels. Raises `GantoolError` where none or several do."""
    known = registry.all("task")
    found = [provided for provided in known if _recognises(provided, labels)]
    if len(found) != 1:
        names = ", ".join(task_name(provided) for provided in found or known)
        raise GantoolError(f"{labels} could mean several things: pass --task, one of {names}")
    return found[0]


def _recognises(provided: Provided, labels: Labels) -> bool:
    try:
        return bool(getattr(provided.factory(), "recognises", lambda _: False)(labels))
    except Exception:  # a plugin that cannot be asked stops nobody; whoever names its task is told why
        return False


def task_name(provided: Provided) -> str:
    """What results call a task: by its bare name where it comes with gantool."""
    return provided.record.name if provided.plugin == "gantool" else provided.full_name


def select(rows: Any, chosen: Tensor) -> Any:
    """Some rows of targets or predictions; `chosen`: numbers, or (N,) bool."""
    if isinstance(rows, Tensor):
        return rows[chosen]
    numbers = chosen.nonzero()[:, 0] if chosen.dtype == torch.bool else chosen
    return [rows[number] for number in numbers.tolist()]


def fit_to(size: tuple[int, int], labels: Labels) -> Fit:
    """How an image stored at `size` (H, W) gets to the size that it is compared at."""
    if labels.size is None:
        return resized(size, size)
    return cropped(size, labels.size) if labels.crop else resized(size, labels.size)


def joined(first: Any, second: Any) -> Any:
    """Rows of targets, and others."""
    return torch.cat([first, second]) if isinstance(first, Tensor) else [*first, *second]


def in_pixels(points: np.ndarray, sizes: np.ndarray, *, size: tuple[int, int], crop: bool) -> Tensor:
    """(N, ..., 2) x and y in pixels of images stored at `sizes`, (N, 2) height and width, to (N, K, 2) float32 in pixels of
    images of `size` (H, W), to which they come by resizing, or by a `crop` around their centre."""
    places = np.asarray(points, np.float64).reshape(len(points), -1, 2)
    stored, wanted = sizes[:, None, ::-1], np.array(size[::-1])
    # Pixel centres are at integers, so a resized image's first one lies half a new pixel from its edge.
    moved = places - (stored - wanted) // 2 if crop else (places + 0.5) * (wanted / stored) - 0.5
    return torch.from_numpy(moved.astype(np.float32))
