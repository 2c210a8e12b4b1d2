from __future__ import annotations

import math

import pytest

pytest.importorskip("scipy")

from gantool.evaluation.turing.statistics import Confusion, format_p, in_words

REFINED = Confusion(224, 276, 207, 293)
"""Table 1 of the paper."""
SYNTHETIC = Confusion(80, 20, 18, 82)
"""As many right as in the paper's second study, 162 of 200."""


def test_the_refined_study_of_the_paper() -> None:
    assert (REFINED.correct, REFINED.trials) == (517, 1000)
    assert REFINED.p_value == pytest.approx(0.14834467538663915, rel=1e-9)
    assert round(REFINED.p_value, 3) == 0.148


def test_the_synthetic_study_of_the_paper() -> None:
    assert (SYNTHETIC.correct, SYNTHETIC.trials) == (162, 200)
    assert SYNTHETIC.p_value < 1e-8
    assert SYNTHETIC.p_value == pytest.approx(9.921850443705584e-20, rel=1e-6)


def test_p_is_the_sum_of_binomial_probabilities() -> None:
    found = Confusion(6, 2, 1, 3).p_value  # 9 of 12
    assert found == pytest.approx(sum(math.comb(12, k) for k in range(9, 13)) / 2**12)


def test_the_interval_is_exact() -> None:
    # All of 10 right: the lower bound solves p^10 = 0.025.
    low, high = Confusion(5, 0, 0, 5).interval
    assert low == pytest.approx(0.025**0.1)
    assert high == 1


def test_the_answer_for_the_refined_study_says_no_and_what_it_does_not_show() -> None:
    text = in_words(REFINED, "refined")
    assert text.startswith("Not different from chance: 517 of 1,000 answers are right (51.7 %, 95 % interval 48.6 to 54.8 %)")
    assert "p = 0.148" in text
    assert "does not show that people cannot tell refined from real" in text


def test_the_answer_for_the_synthetic_study_says_yes() -> None:
    assert in_words(SYNTHETIC, "synthetic").startswith("Yes, people can tell synthetic from real images: 162 of 200")


def test_people_who_are_wrong_more_often_than_chance_do_not_tell_apart() -> None:
    assert in_words(Confusion(10, 90, 90, 10), "refined").startswith("Not different from chance")


def test_without_answers_nothing_is_claimed() -> None:
    assert in_words(Confusion(), "refined") == "No answers yet."
    assert math.isnan(Confusion().p_value)


@pytest.mark.parametrize(("p", "text"), [(0.14834, "0.148"), (0.0499, "0.050"), (0.00123, "0.0012"), (9.92e-20, "9.9e-20")])
def test_p_never_reads_as_zero(p: float, text: str) -> None:
    assert format_p(p) == text
