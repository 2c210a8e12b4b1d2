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
_KNOWN, _CAUTION = 0.5, 0.35
"""See `spread_of` and `interval`. Chosen in simulations of other seeds than those that the page on statistics reports."""
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
    """Mean of figures with a 95 % interval for other runs of the refiner, other estimators and other images of the kind.

    The three are crossed random factors. `Spread` says how much of the variance of the mean each gives. Two half widths are
    known for such a sum: Satterthwaite's (1946), one t whose degrees of freedom follow from the parts, which is too narrow where
    few runs happen to agree; and the parts' own half widths added in quadrature (Howe 1974), which is too wide. The square used
    is `_CAUTION` of the way from the first to the second. The page on statistics says how often that covers the truth, and how
    wide it is.

    Of one run it knows nothing of others. It takes the test images as independent of each other: images of one person are less
    so, and the interval is too narrow for other people.
    """
    from scipy.stats import t

    if figures.whole.shape[1] < 2 or figures.images < 2:
        return Interval(mean=figures.mean, low=None, high=None)
    spread = spread_of(figures)
    parts, freedom = spread.parts, spread.freedom
    total = max(parts.sum(), spread.images)
    half = 0.0
    if total > 0:
        # What the parts lack of the images' own variance has as many degrees of freedom as there are images.
        parts = parts + np.array([0, 0, total - parts.sum()])
        own = t.ppf((1 + CONFIDENCE) / 2, freedom) ** 2
        one = t.ppf((1 + CONFIDENCE) / 2, max(1.0, 1 / ((parts / total) ** 2 / freedom).sum())) ** 2 * total
        half = math.sqrt((1 - _CAUTION) * one + _CAUTION * max((own * spread.parts).sum(), own[2] * spread.images))
    return Interval(mean=figures.mean, low=figures.mean - half, high=figures.mean + half)


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Where the variance of a mean of figures comes from."""

    parts: np.ndarray
    """(3,) float64: runs, seeds, and what images give that is in neither of these."""
    images: float
    """What images give in all. Predictions of one estimator for other images differ in a way of their own, so that means of
    runs, and of seeds, differ by their images, too."""
    freedom: np.ndarray
    """(3,) float64: degrees of freedom of the parts."""


def spread_of(figures: Figures) -> Spread:
    """Mean squares of the table of runs and seeds, and of its bootstrap over images (Owen and Eckles 2012 for crossed factors).

    `_KNOWN` of what images let means of runs, and of seeds, differ by counts as the images', which are many and tell it well. All
    of it would leave nothing where few runs happen to agree.
    """
    (runs, seeds), count = figures.whole.shape, figures.images
    # The bootstrap of n images has the variance of n - 1.
    larger = count / (count - 1)
    moved = figures.sets - np.nanmean(figures.sets, axis=2, keepdims=True)
    images = larger * float(np.nanmean(moved.mean((0, 1)) ** 2))
    known = _KNOWN * larger * np.array([float(np.nanmean(each)) for each in _mean_squares(moved)])
    by_run, by_seed, both = np.maximum(np.array(_mean_squares(figures.whole)) - known, 0)
    # What single estimators differ by is in both, and would count twice.
    share = max(by_run + by_seed - both, by_run, by_seed) / max(by_run + by_seed, 1e-300)
    parts = np.array([share * by_run, share * by_seed, max(images - known[0] - known[1], 0.0)])
    return Spread(parts=parts, images=images, freedom=np.array([max(runs - 1, 1), seeds - 1, count - 1], float))


def _mean_squares(table: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of (runs, seeds, ...) figures, each as a variance of the mean of all: of runs, of seeds, and of what is beside these."""
    runs, seeds = table.shape[:2]
    beside = table - table.mean(1, keepdims=True) - table.mean(0, keepdims=True) + table.mean((0, 1), keepdims=True)
    both = (beside**2).sum((0, 1)) / max((runs - 1) * (seeds - 1), 1) / (runs * seeds)
    return _of_means(table.mean(1)), _of_means(table.mean(0)), both


def _of_means(means: np.ndarray) -> np.ndarray:
    """Variance of the mean of independent (n, ...) means; of one nothing is known."""
    found: np.ndarray = means.var(axis=0, ddof=1) / len(means) if len(means) > 1 else np.zeros(means.shape[1:])
    return found
