"""The exact test of a study, its interval and its words."""

from __future__ import annotations

import math

import pytest

pytest.importorskip("scipy")

from gantool.evaluation.turing.results import LEVEL, Confusion, format_p, in_words

REFINED = Confusion(224, 276, 207, 293)
"""Table 1 of the paper."""
SYNTHETIC = Confusion(80, 20, 18, 82)
"""As many right as in the paper's second study, 162 of 200."""


def of(right: int, trials: int) -> Confusion:
    """So many right answers of so many."""
    return Confusion(real_as_real=right, real_as_fake=trials - right)


def test_the_refined_study_of_the_paper() -> None:
    assert (REFINED.correct, REFINED.trials) == (517, 1000)
    assert REFINED.p_one_sided == pytest.approx(0.14834467538663915, rel=1e-9)
    assert REFINED.p_value == pytest.approx(2 * 0.14834467538663915, rel=1e-9)


def test_the_synthetic_study_of_the_paper() -> None:
    assert (SYNTHETIC.correct, SYNTHETIC.trials) == (162, 200)
    assert SYNTHETIC.p_one_sided == pytest.approx(9.921850443705584e-20, rel=1e-6)
    assert SYNTHETIC.p_value == pytest.approx(2 * 9.921850443705584e-20, rel=1e-6)


def test_p_is_the_sum_of_binomial_probabilities() -> None:
    tail = sum(math.comb(12, k) for k in range(9, 13)) / 2**12
    assert of(9, 12).p_one_sided == pytest.approx(tail)
    assert of(9, 12).p_value == of(3, 12).p_value == pytest.approx(2 * tail)
    assert of(6, 12).p_value == 1


def test_the_interval_is_exact() -> None:
    # All of 10 right: the lower bound solves p^10 = 0.025.
    low, high = Confusion(5, 0, 0, 5).interval
    assert low == pytest.approx(0.025**0.1)
    assert high == 1


@pytest.mark.parametrize("trials", [1, 2, 5, 6, 7, 20, 51])
def test_verdict_and_interval_agree_whatever_the_answers(trials: int) -> None:
    for right in range(trials + 1):
        check_words(right, trials)


@pytest.mark.parametrize("right", [0, 400, 468, 469, 470, 473, 500, 517, 527, 530, 531, 532, 600, 1000])
def test_verdict_and_interval_agree_in_studies_as_large_as_the_papers(right: int) -> None:
    check_words(right, 1000)


def check_words(right: int, trials: int) -> None:
    found = of(right, trials)
    low, high = found.interval
    text = in_words(found, "refined")
    word = "Yes, people can tell" if low > 0.5 else "Worse than chance" if high < 0.5 else "Not different from chance"
    assert text.startswith(word)
    assert (found.p_value < LEVEL) is not (low <= 0.5 <= high)
    # What is printed agrees, too.
    shown_low, shown_high = (float(end) for end in text.split("interval ")[1].split(" %")[0].split(" to "))
    assert (shown_low <= 50 <= shown_high) is (low <= 0.5 <= high)
    assert (float(text.split("p = ")[1].split(",")[0]) < LEVEL) is (found.p_value < LEVEL)


@pytest.mark.parametrize(
    ("right", "word"),
    [(527, "Not different from chance"), (400, "Worse than chance"), (473, "Not different from chance"), (600, "Yes")],
)
def test_words_of_a_thousand_answers(right: int, word: str) -> None:
    assert in_words(of(right, 1000), "refined").startswith(word)


def test_the_answer_for_the_refined_study_says_no_and_what_it_does_not_show() -> None:
    text = in_words(REFINED, "refined")
    assert text.startswith("Not different from chance: 517 of 1,000 answers are right (51.7 %, 95 % interval 48.6 to 54.8 %")
    assert "p = 0.297, exact two-sided binomial test; one-sided, as in the paper, 0.148)" in text
    assert "does not show that people cannot tell refined from real" in text


def test_the_answer_for_the_synthetic_study_says_yes() -> None:
    assert in_words(SYNTHETIC, "synthetic").startswith("Yes, people can tell synthetic from real images: 162 of 200")


def test_without_answers_nothing_is_claimed() -> None:
    assert in_words(Confusion(), "refined") == "No answers yet."
    assert math.isnan(Confusion().p_value)
    assert math.isnan(Confusion().p_one_sided)


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.14834, "0.148"), (0.0499, "0.0499"), (0.05, "0.050"), (0.0123, "0.012"), (0.00123, "0.0012"), (9.92e-20, "9.9e-20")],
)
def test_p_reads_neither_as_zero_nor_as_the_level_that_it_is_beside(p: float, text: str) -> None:
    assert format_p(p) == text
