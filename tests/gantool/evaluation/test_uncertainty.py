from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from planted_figures import figures
from simulated_studies import FIGURES, REGIMES, Regime, study

from gantool.evaluation.uncertainty import draw_sets, figures_of, interval

scipy_stats = pytest.importorskip("scipy.stats")


@pytest.mark.parametrize("figure", sorted(FIGURES))
@pytest.mark.parametrize("shares", ["runs and images", "all alike", "what estimators make of images"])
def test_what_studies_claim_is_true(figure, shares):
    """Twenty studies of each kind, with fixed seeds; `benchmarks/simulated_studies.py` makes hundreds."""
    regime = Regime(shares=REGIMES[shares], runs=3, seeds=3, images=40)
    found = study(regime, FIGURES[figure], 20, seed=3)
    assert found.covered >= 0.9
    assert found.power >= 160
    assert found.width < 2


def test_runs_that_differ_are_not_taken_for_images():
    """The spread of runs is in the interval: without it, a fifth of the truth would be covered."""
    regime = Regime(shares=REGIMES["runs"], runs=3, seeds=3, images=40)
    found = list(regime.differences(FIGURES["mean error"], 60, seed=5))
    assert np.mean([each.low < 0 < each.high for each in map(interval, found)]) > 0.88
    blind = [replace(each, whole=each.whole[:1], sets=each.sets[:1]) for each in found]
    assert np.mean([each.low < 0 < each.high for each in map(interval, blind)]) < 0.5


def test_runs_that_agree_leave_the_interval_of_the_images():
    values = np.random.default_rng(1).normal(3, 1, 50)
    found = interval(figures([values] * 4))
    expected = scipy_stats.ttest_1samp(values, 0).confidence_interval()
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=0.03)


def test_images_that_agree_leave_the_interval_of_the_runs():
    runs = np.array([1.0, 2.0, 4.0])
    found = interval(figures(np.repeat(runs[:, None], 30, axis=1)))
    expected = scipy_stats.ttest_1samp(runs, 0).confidence_interval()
    assert (found.mean, found.low, found.high) == pytest.approx((7 / 3, expected.low, expected.high))


def test_one_run_has_no_interval_and_no_spread_has_a_point():
    assert interval(figures(np.ones((1, 9)))).low is None
    found = interval(figures(np.full((3, 9), 2.0)))
    assert (found.low, found.mean, found.high) == (2.0, 2.0, 2.0)


class Ratio:
    """A figure of all images that is no mean over them."""

    def aggregate(self, statistics, counts):
        first, second = (counts @ statistics).T
        return first / second


def test_sets_of_images_spread_as_other_images_would():
    random = np.random.default_rng(0)

    def draw():
        size = random.gamma(2, 3, 400)
        return np.stack([size * random.uniform(0.2, 0.9, 400), size], axis=1)

    draws = [draw() for _ in range(80)]
    found = [figures_of(Ratio(), [[each]], draw_sets(400)) for each in draws]
    ratios = [each[:, 0].sum() / each[:, 1].sum() for each in draws]
    assert [each.mean for each in found] == pytest.approx(ratios)
    assert np.mean([each.sets.std() for each in found]) == pytest.approx(np.std(ratios), rel=0.25)
