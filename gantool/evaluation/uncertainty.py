"""How sure a figure over runs of the refiner, estimators and test images is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..components import Task

CONFIDENCE = 0.95
SETS = 500
"""Sets of test images that are drawn to see what other images would give: the spread over them is known to 3 %."""
_AT_ONCE = 64
"""Sets whose figures are asked for at once."""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A mean and its confidence interval."""

    mean: float
    low: float | None
    """None where one estimator cannot say."""
    high: float | None


@dataclass(frozen=True, kw_only=True)
class Figures:
    """The figures of an arm, in the unit of the task. Two arms are compared by their difference, pair by pair."""

    whole: np.ndarray
    """(runs, seeds) float64: of all test images, for each run of the refiner and each estimator."""
    sets: np.ndarray
    """(runs, seeds, SETS) float64: of sets of as many images drawn from them with replacement, the same for every arm (the
    bootstrap, Efron 1979)."""
    images: int

    @property
    def mean(self) -> float:
        """Over runs and seeds."""
        return float(self.whole.mean())

    @property
    def per_seed(self) -> list[float]:
        """Of each estimator, those of the first run first."""
        return [float(value) for value in self.whole.flatten()]

    def __sub__(self, other: Figures) -> Figures:
        """An arm that has nothing to do with runs is the same for all of them."""
        return Figures(whole=self.whole - other.whole, sets=self.sets - other.sets, images=self.images)

    def __mul__(self, sign: float) -> Figures:
        return Figures(whole=sign * self.whole, sets=sign * self.sets, images=self.images)


def draw_sets(count: int) -> np.ndarray:
    """(SETS, count) float64: how often each of `count` images is in each set."""
    return np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), size=SETS).astype(np.float64)


def figures_of(task: Task, statistics: Sequence[Sequence[Any]], sets: np.ndarray) -> Figures:
    """Figures from what the task's `statistics` gave, by run and seed. `sets`: as of `draw_sets`."""
    count = sets.shape[1]
    whole = [[figure_of_all(task, each, count) for each in seeds] for seeds in statistics]
    parts = [sets[start : start + _AT_ONCE] for start in range(0, len(sets), _AT_ONCE)]
    drawn = [[np.concatenate([task.aggregate(each, part) for part in parts]) for each in seeds] for seeds in statistics]
    return Figures(whole=np.array(whole), sets=np.array(drawn), images=count)


def figure_of_all(task: Task, statistics: Any, count: int) -> float:
    """The figure of all `count` images."""
    return float(task.aggregate(statistics, np.ones((1, count)))[0])


def interval(figures: Figures) -> Interval:
    """Mean of figures with an interval for other runs of the refiner, other seeds of the estimator and other images of the kind.

    The three are crossed random factors, each with a half width of its own: Student's t times the standard error of the means of
    runs, and of those of seeds, and 1.96 times the spread over sets of images. They are added in quadrature.

    Of one run it knows nothing of others. It takes the test images as independent of each other: images of one person are less
    so, and the interval is too narrow for other people.
    """
    runs, seeds = figures.whole.shape
    if seeds < 2 or figures.images < 2:
        return Interval(mean=figures.mean, low=None, high=None)
    halves = [_half_width(figures.whole.mean(1))] if runs > 1 else []
    halves += [_half_width(figures.whole.mean(0)), 1.96 * float(np.nanstd(figures.sets.mean((0, 1)), ddof=1))]
    half = math.hypot(*halves)
    return Interval(mean=figures.mean, low=figures.mean - half, high=figures.mean + half)


def _half_width(means: np.ndarray) -> float:
    from scipy.stats import t

    return float(t.ppf((1 + CONFIDENCE) / 2, len(means) - 1) * means.std(ddof=1) / math.sqrt(len(means)))
