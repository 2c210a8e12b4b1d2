from __future__ import annotations

import numpy as np
import pytest
from planted_figures import figures

from gantool.evaluation.verdict import ONE_RUN, compare, offset_caveat
from gantool.evaluation.verdict import caveats as all_caveats

pytest.importorskip("scipy")


def caveats(*arguments, **more):
    """Those beside the one on a single run, which all of these arms are of."""
    first, *others = all_caveats(*arguments, **more)
    assert first == ONE_RUN
    return others


def errors(mean, *, seed, runs=5, images=300):
    """Errors of so many seeds and images: hard and easy images are the same for all seeds."""
    hard = np.random.default_rng(99).gamma(2, 1, (1, images))
    noise = np.random.default_rng(seed).normal(0, 0.3, (runs, images)) + np.random.default_rng(seed).normal(0, 0.1, (runs, 1))
    return mean + hard + noise


@pytest.mark.parametrize(
    ("mean", "word", "sentence"),
    [
        (5.0, "helps", "Refining helps: "),
        (6.02, "no difference", "No measurable difference: "),
        (7.0, "hurts", "Refining hurts: "),
    ],
)
def test_planted_differences(mean, word, sentence):
    verdict = compare(figures(errors(mean, seed=1)), figures(errors(6.0, seed=2)), unit="deg")
    assert verdict.word == word
    assert verdict.sentence.startswith(sentence)
    assert "5 estimators each, 300 images" in verdict.sentence
    assert (verdict.difference.low <= 0 <= verdict.difference.high) is (word == "no difference")


@pytest.mark.parametrize("runs", [1, 2])
def test_too_few_runs_never_claim(runs):
    verdict = compare(figures(errors(1.0, seed=1, runs=runs)), figures(errors(9.0, seed=2, runs=runs)), unit="deg")
    assert verdict.word == "undecided"
    assert "Too few repeats to tell" in verdict.sentence
    assert "--repeats 3" in verdict.sentence


def test_runs_that_contradict_each_other_are_no_difference():
    """One of three seeds gains much, two lose a little: a mean gain that says nothing."""
    base = errors(6.0, seed=3, runs=3)
    verdict = compare(figures(base + np.array([[-3.0], [0.2], [0.3]])), figures(base), unit="deg")
    assert verdict.difference.mean < -0.5
    assert verdict.word == "no difference"


def test_the_sentence_in_full():
    base = np.tile([6.0, 6.0, 7.0, 5.0], (3, 1))
    verdict = compare(figures(base - [[1.0], [1.01], [0.99]]), figures(base), unit="deg")
    assert verdict.sentence == (
        "Refining helps: 5.00° against 6.00° (95 % interval of the difference -1.02° to -0.98°, 3 estimators each, 4 images)."
    )


def test_a_classical_peer_that_is_better_is_named():
    arms = {
        "synthetic": figures(errors(7.0, seed=1)),
        "refined": figures(errors(6.0, seed=2)),
        "fda": figures(errors(5.0, seed=3)),
        "real": figures(errors(1.0, seed=4)),
    }
    (caveat,) = caveats(arms | {"reinhard": figures(errors(5.5, seed=5))}, 20.0, unit="deg")
    assert caveat.startswith("The classical arm fda is better than refining: ")
    (caveat,) = caveats(arms | {"fda": figures(errors(6.0, seed=3))}, 20.0, unit="deg")
    assert caveat.startswith("Refining does not measurably beat the best classical arm fda: ")
    (caveat,) = caveats(arms | {"fda": figures(errors(8.0, seed=3))}, 20.0, unit="deg")
    assert caveat.startswith("Refining beats the best classical arm fda: ")
    others = ("refined-augmented", "mix", "refined-degraded")
    assert caveats({"refined": arms["refined"], **{arm: figures(errors(5.0, seed=8)) for arm in others}}, 20.0, unit="deg") == []
    assert caveats({arm: figures(errors(5.0, seed=1, runs=1)) for arm in arms}, 20.0, unit="deg") == []


def test_arms_of_the_users_are_told_apart_from_classical_ones():
    arms = {
        "synthetic": figures(errors(7.0, seed=1)),
        "refined": figures(errors(6.0, seed=2)),
        "fda": figures(errors(6.5, seed=4)),
    }
    classical, own = caveats(arms | {"edited": figures(errors(5.0, seed=3))}, 20.0, unit="deg")
    assert "classical arm fda" in classical
    assert own.startswith("The arm edited is better than refining: ")


def test_a_drop_after_slight_noise_and_jpeg_is_named():
    arms = {"refined": figures(errors(6.0, seed=2)), "refined-degraded": figures(errors(9.0, seed=3))}
    (caveat,) = caveats(arms, 20.0, unit="deg")
    assert "a code in the pixels" in caveat
    assert caveats(arms, 2.0, unit="deg", higher_is_better=True) == []


def test_an_error_no_better_than_guessing_is_named():
    arms = {"synthetic": figures(errors(7.0, seed=1)), "refined": figures(errors(6.0, seed=2))}
    (constant,) = caveats(arms, 3.0, unit="deg")
    assert constant == "What learns from refined images is no better than a constant prediction, 3.00°."
    several = {name: figures(np.stack([errors(6.0, seed=seed) for seed in range(3)])) for name in arms}
    assert all_caveats(several, 30.0, unit="deg") == []
    assert (
        "3 runs of the refiner, 5 estimators each, 300 images"
        in compare(several["refined"], arms["synthetic"], unit="deg").sentence
    )


def test_a_constant_offset_is_worth_a_word_where_it_is_large():
    (caveat,) = offset_caveat(8.5, 6.1, unit="deg")
    assert "6.10° instead of 8.50°" in caveat
    assert "Where the domains differ in geometry" in caveat, "it may be looks, too"
    assert offset_caveat(8.5, 7.5, unit="deg") == []
    assert offset_caveat(8.5, None, unit="deg") == []
