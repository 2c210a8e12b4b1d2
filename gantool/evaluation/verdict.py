"""One word and one sentence: does refining help?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ..values import figure
from .names import ARMS, CLASSICAL, FEW
from .uncertainty import Figures, Interval, interval

MIN_SEEDS = 3
"""Estimators per arm and run below which nothing is claimed."""

OFFSET_SHARE = 0.2
"""Part of the error that a constant offset must make up to be worth a word."""

ONE_RUN = (
    "This is one run of the refiner; the interval does not cover its training seed: `gantool train --repeat 3` makes several, "
    "which are evaluated as one."
)

Word = Literal["helps", "no difference", "hurts", "undecided"]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the refined images are worth."""

    word: Word
    sentence: str
    difference: Interval
    """Figure with refined minus figure with synthetic images."""


def compare(refined: Figures, synthetic: Figures, *, unit: str, higher_is_better: bool = False) -> Verdict:
    """Compare what estimators that learnt from refined and from synthetic images got, paired by seed and image.

    "undecided" below `MIN_SEEDS`; "helps" and "hurts" only where the 95 % interval of the difference excludes 0.
    """
    found = interval(refined - synthetic)
    means = f"{figure(refined.mean, unit)} against {figure(synthetic.mean, unit)}"
    counts, seeds = _counted(refined), refined.whole.shape[1]
    if found.low is None or found.high is None or seeds < MIN_SEEDS:
        sentence = f"Too few repeats to tell: {means} ({counts}); pass --repeats {MIN_SEEDS} or more."
        return Verdict(word="undecided", sentence=sentence, difference=found)
    sure = found.low > 0 or found.high < 0
    word: Word = "no difference" if not sure else "helps" if (found.low > 0) is higher_is_better else "hurts"
    start = {"helps": "Refining helps", "hurts": "Refining hurts", "no difference": "No measurable difference"}[word]
    ends = f"{figure(found.low, unit, sign=True)} to {figure(found.high, unit, sign=True)}"
    sentence = f"{start}: {means} (95 % interval of the difference {ends}, {counts})."
    return Verdict(word=word, sentence=sentence, difference=found)


def _counted(figures: Figures) -> str:
    runs, seeds = figures.whole.shape
    trained = f"{runs} runs of the refiner, " if runs > 1 else ""
    return f"{trained}{seeds} estimator{'s' if seeds != 1 else ''} each, {figures.images:,} images"


def caveats(figures: Mapping[str, Figures], baseline: float, *, unit: str, higher_is_better: bool = False) -> list[str]:
    """What a verdict does not say: how refining stands to the best peer, a code in the pixels, a figure no better than guessing.

    `figures`: by arm; `baseline`: the figure of a constant prediction.
    """
    sign = -1 if higher_is_better else 1
    refined, found = figures["refined"], []
    own = [arm for arm in figures if not (arm in ARMS or FEW.fullmatch(arm))]
    if refined.whole.shape[0] == 1:
        found.append(ONE_RUN)
    if refined.whole.shape[1] >= MIN_SEEDS:
        for kind, arms in (("classical arm", CLASSICAL & figures.keys()), ("arm", own)):
            if arms:
                best = min(sorted(arms), key=lambda arm: sign * figures[arm].mean)
                found.append(_against(refined, f"{kind} {best}", figures[best], unit=unit, sign=sign))
        if "refined-degraded" in figures and _better(refined, figures["refined-degraded"], sign):
            found.append(
                "Slight noise and JPEG take from refined images what is learnt from them: a code in the pixels, not a look?"
            )
    if sign * refined.mean >= sign * baseline:
        found.append(f"What learns from refined images is no better than a constant prediction, {figure(baseline, unit)}.")
    return found


def _against(refined: Figures, name: str, peer: Figures, *, unit: str, sign: int) -> str:
    means = [figure(each.mean, unit) for each in (refined, peer)]
    if _better(peer, refined, sign):
        return f"The {name} is better than refining: {means[1]} against {means[0]}."
    beats = "beats" if _better(refined, peer, sign) else "does not measurably beat"
    return f"Refining {beats} the best {name}: {means[0]} against {means[1]}."


def _better(one: Figures, other: Figures, sign: int) -> bool:
    """Whether the interval of the difference says so. `sign`: 1 for errors, -1 for scores."""
    high = interval((one - other) * sign).high
    return high is not None and high < 0


def offset_caveat(error: float, removed: float | None, *, unit: str) -> list[str]:
    """Say so where a constant offset makes up much of the error with refined images. `removed`: the error without it."""
    if removed is None or removed > (1 - OFFSET_SHARE) * error:
        return []
    # Geometry is the usual cause on real data; on the built-in eyes, whose geometry is the same, looks alone did it, too.
    return [
        f"Predictions on real images are off by a constant: without it, the error with refined images is {figure(removed, unit)} "
        f"instead of {figure(error, unit)}. Where the domains differ in geometry (crop, scale, pose), refining leaves it so."
    ]
