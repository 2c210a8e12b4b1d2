from __future__ import annotations

import numpy as np
import pytest
from planted_figures import figures

from gantool.evaluation.uncertainty import draw_sets, figures_of, interval

scipy_stats = pytest.importorskip("scipy.stats")


def crossed(random, *, runs=3, images=40, mean=1.0, run_spread=0.5, image_spread=2.0, noise=1.0):
    """Values with an effect of each run, one of each image, and noise."""
    rows, columns = random.normal(0, run_spread, (runs, 1)), random.normal(0, image_spread, (1, images))
    return mean + rows + columns + random.normal(0, noise, (runs, images))


def coverage(draw, count=400):
    found = [interval(figures(draw())) for _ in range(count)]
    return np.mean([one.low <= 1.0 <= one.high for one in found])


@pytest.mark.parametrize(("run_spread", "image_spread"), [(0.5, 2.0), (1.0, 0.1), (0.0, 2.0)])
def test_it_covers_the_truth_about_as_often_as_it_says(run_spread, image_spread):
    random = np.random.default_rng(0)
    share = coverage(lambda: crossed(random, run_spread=run_spread, image_spread=image_spread))
    assert share > 0.93  # 0.95 or more is meant; 400 draws leave 0.011 of error


def test_without_the_spread_of_runs_it_would_be_far_too_narrow():
    random = np.random.default_rng(0)
    draws = [crossed(random, run_spread=1.0, image_spread=0.1) for _ in range(200)]
    naive = [scipy_stats.ttest_1samp(draw.mean(0), 1.0).pvalue > 0.05 for draw in draws]
    assert np.mean(naive) < 0.5


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

    draws = [draw() for _ in range(200)]
    found = [figures_of(Ratio(), [[each]], draw_sets(400)) for each in draws]
    ratios = [each[:, 0].sum() / each[:, 1].sum() for each in draws]
    assert [each.mean for each in found] == pytest.approx(ratios)
    assert np.mean([each.sets.std() for each in found]) == pytest.approx(np.std(ratios), rel=0.15)
