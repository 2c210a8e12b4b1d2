"""How sure a figure over estimators and test images is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..components import Task

CONFIDENCE = 0.95

_SETS = 256
"""Sets of images whose figures are asked for at once."""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A mean and its confidence interval."""

    mean: float
    low: float | None
    """None where one run cannot say."""
    high: float | None


def interval(values: np.ndarray) -> Interval:
    """Mean of (runs, images) values with an interval for other seeds of the estimator and other images of the same kind.

    Runs and images are crossed random factors, each with a half width of its own: Student's t times the standard error of the
    runs' means, and of the images' means. The two are added in quadrature. In simulations that covers the truth in 95 to 98 % of
    cases, whichever factor dominates and with three runs too, where one t with the degrees of freedom of Welch and Satterthwaite
    covers 93 % and a bootstrap of three runs still less.

    It knows nothing of other training runs of the refiner, and takes the test images as independent of each other: images of one
    person are less so, and the interval is too narrow for other people.
    """
    runs, images = values.shape
    mean = float(values.mean())
    if runs < 2 or images < 2:
        return Interval(mean=mean, low=None, high=None)
    half = math.hypot(_half_width(values.mean(1)), _half_width(values.mean(0)))
    return Interval(mean=mean, low=mean - half, high=mean + half)


def contributions(task: Task, statistics: Any, count: int) -> np.ndarray:
    """What each of `count` images adds to the figure of all, (count,) float64: their mean is that figure, and their spread says
    how sure it is.

    Where the figure is a mean of errors, these are the errors. Else they come from the figures of all sets that lack one image
    (the jackknife, Tukey 1958), as `interval` needs a value for each image.
    """
    without = []
    for start in range(0, count, _SETS):
        rows = np.arange(start, min(start + _SETS, count))
        sets = np.ones((len(rows), count))
        sets[np.arange(len(rows)), rows] = 0
        without.append(task.aggregate(statistics, sets))
    left = np.concatenate(without)
    found: np.ndarray = figure_of_all(task, statistics, count) + (count - 1) * (left.mean() - left)
    return found


def figure_of_all(task: Task, statistics: Any, count: int) -> float:
    """The figure of all `count` images."""
    return float(task.aggregate(statistics, np.ones((1, count)))[0])


def _half_width(means: np.ndarray) -> float:
    from scipy.stats import t

    return float(t.ppf((1 + CONFIDENCE) / 2, len(means) - 1) * means.std(ddof=1) / math.sqrt(len(means)))
