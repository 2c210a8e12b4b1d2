"""What refining is worth in labelled pictures, where it is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from planted_figures import figures

import gantool
from gantool import GantoolError
from gantool.evaluation.names import in_order
from gantool.evaluation.worth import worth

from .conftest import spots
from .test_command import run_evaluate

pytest.importorskip("scipy")
FEW = (10, 30, 100)


def arms(refined: float, spread: float = 0.02):
    """Errors of 3 seeds in 80 images: labels alone give 8, 6 and 4, beside synthetic images 5, 4 and 3."""
    means = {"synthetic": 5.5, "refined": refined}
    means |= {f"few-{count}": 10.0 - 2 * rank for rank, count in enumerate(FEW, 1)}
    means |= {f"few-{count}-synthetic": 6.0 - rank for rank, count in enumerate(FEW, 1)}
    means |= {f"few-{count}-refined": 5.0 - rank for rank, count in enumerate(FEW, 1)}
    random = np.random.default_rng(0)
    return {
        name: figures(mean + random.normal(0, spread, (3, 1)) + random.normal(0, 1, (3, 80)) * spread)
        for name, mean in means.items()
    }


def test_half_way_between_two_counts_on_a_logarithmic_scale():
    found = worth(arms(4.5), FEW, higher_is_better=False)
    assert found["beside"]["value"] == pytest.approx(math.sqrt(300), rel=0.05)
    assert found["beside"]["low"] < found["beside"]["value"] < found["beside"]["high"]
    assert found["alone"]["value"] == pytest.approx(30 * (100 / 30) ** 0.75, rel=0.05)
    assert found["sentence"].startswith("Refining is worth about 17 labelled pictures (95 % interval 1")
    assert [point[0] for point in found["curves"]["synthetic"]] == [0, 10, 30, 100]
    assert [point[0] for point in found["curves"]["labelled"]] == [10, 30, 100]


@pytest.mark.parametrize(("refined", "words"), [(7.0, "fewer than 10"), (2.0, "more than 100")])
def test_beyond_the_ends_nothing_is_made_up(refined, words):
    found = worth(arms(refined), FEW, higher_is_better=False)
    assert f"worth {words} labelled pictures (95 % interval {words} at both ends) beside" in found["sentence"]


def test_a_score_is_read_the_other_way_and_a_curve_that_dips_is_made_monotone():
    scores = {name: each * -1 for name, each in arms(4.5).items()}
    assert worth(scores, FEW, higher_is_better=True)["beside"] == worth(arms(4.5), FEW, higher_is_better=False)["beside"]
    dipping = arms(4.0) | {"few-30-synthetic": figures(np.full((3, 80), 5.5))}
    assert 30 < worth(dipping, FEW, higher_is_better=False)["beside"]["value"] < 100


def test_wide_spreads_give_wide_intervals_and_missing_arms_none():
    narrow, wide = (worth(arms(4.5, spread), FEW, higher_is_better=False)["beside"] for spread in (0.02, 0.6))
    assert wide["high"] - wide["low"] > 3 * (narrow["high"] - narrow["low"])
    assert worth({name: each for name, each in arms(4.5).items() if name != "few-30"}, FEW, higher_is_better=False) is None


def test_arms_of_few_labels_stand_together_before_the_ceiling():
    names = ["real", "few-100", "few-10-refined", "few-10", "zeta", "synthetic", "few-100-refined", "few-30"]
    assert in_order(names) == ("synthetic", "zeta", "few-10", "few-30", "few-100", "few-10-refined", "few-100-refined", "real")


def save(path, count, *, seed):
    image, at = spots(count, seed=seed)
    np.savez(path, image=image, spot_xy=at)
    return path


def test_an_evaluation_with_labelled_pictures_says_what_refining_is_worth(planted):
    run = planted("invert", inverted=True)
    test, labelled = save(run.parent / "few.npz", 60, seed=21), save(run.parent / "labelled.npz", 90, seed=22)
    choices = {"real_labelled": test, "real_train_labelled": labelled, "arms": ["synthetic", "refined", "real"]}
    result = run_evaluate(run, **choices, few=[8, 40, 500])
    rows = result["downstream"]
    few = ["few-8", "few-40", "few-8-refined", "few-40-refined", "few-8-synthetic", "few-40-synthetic"]
    assert list(rows) == ["synthetic", "refined", *few, "real"]
    assert result["skipped"]["few-500"] == "--real-train-labelled has 90 pictures"
    assert rows["few-8-refined"]["train_images"] == 320
    assert rows["real"]["note"] == "learnt from 90 labelled real images"
    assert rows["real"]["mean"] < rows["few-40"]["mean"] < rows["few-8"]["mean"]
    assert result["worth"]["beside"]["value"] is None, "more than any: what it refines is as good as real"
    assert "Refining is worth more than 40 labelled pictures" in result["sentence"]
    with pytest.raises(GantoolError, match=r"60 of the 60 pictures of --real-train-labelled .*few\.npz are tested on, too"):
        run_evaluate(run, **{**choices, "real_train_labelled": test})
    with pytest.raises(GantoolError, match="--few says how many of the pictures of --real-train-labelled"):
        gantool.evaluate(run, real_labelled=test, few=[2, 3])
