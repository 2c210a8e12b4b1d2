"""How many labelled real pictures refining is worth."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .names import few_name
from .uncertainty import SETS, Figures, interval

_ENDS = (2.5, 97.5)
"""Percentiles that an interval lies between."""


def worth(figures: Mapping[str, Figures], few: Sequence[int], *, higher_is_better: bool) -> dict[str, Any] | None:
    """Compare refined images without a label with synthetic ones beside so many labelled real pictures, and with these alone.

    Returns "sentence"; "beside" and "alone", {"value", "low", "high"} in pictures each, with a 95 % interval, infinity for more
    than the most of `few` and 0 for fewer than the fewest; and "curves", {name: [[pictures, mean, low, high], …]}. None where
    fewer than two of the arms of `few` were learnt from.

    Figures are taken to improve with labels: they are made monotone first (Ayer et al. 1955), and read between two counts on
    a logarithmic scale. The interval is a bootstrap over images, runs and seeds at once (Owen and Eckles 2012); it does not cover
    which pictures were labelled.
    """
    names = {kind: [few_name(count, kind) for count in few] for kind in ("", "synthetic", "refined")}
    if len(few) < 2 or any(name not in figures for each in names.values() for name in each):
        return None
    sign = 1 if higher_is_better else -1
    drawn = {name: _draws(sign * each.whole, sign * each.sets) for name, each in figures.items()}
    found: dict[str, Any] = {
        "beside": _summary(drawn, names["synthetic"], few),
        "alone": _summary(drawn, names[""], few),
        "curves": {kind or "labelled": _curve(figures, kind, names[kind], few) for kind in names},
    }
    beside, alone = (_words(found[key], few) for key in ("beside", "alone"))
    found["sentence"] = (
        f"Refining is worth {beside} beside the synthetic ones; refined pictures without a label are worth {alone} alone."
    )
    return found


def _draws(whole: np.ndarray, sets: np.ndarray) -> np.ndarray:
    """(1 + SETS,) figures, of what was measured first, then of other images, runs and seeds."""
    random = np.random.default_rng(0)  # the same runs and seeds for all arms
    runs, seeds = (random.integers(10**6, size=(SETS, count)) % count for count in whole.shape)
    others = [sets[np.ix_(run, seed)][..., number].mean() for number, (run, seed) in enumerate(zip(runs, seeds, strict=True))]
    return np.array([whole.mean(), *others])


def _summary(drawn: Mapping[str, np.ndarray], names: Sequence[str], few: Sequence[int]) -> dict[str, float]:
    curves = np.stack([drawn[name] for name in names], axis=1)
    values = [_count(curve, few, target) for curve, target in zip(curves, drawn["refined"], strict=True)]
    low, high = np.percentile(values[1:], _ENDS, method="nearest")
    return {"value": values[0], "low": float(low), "high": float(high)}


def _count(curve: np.ndarray, few: Sequence[int], target: float) -> float:
    """Pictures at which a score that grows with them reaches `target`."""
    from scipy.optimize import isotonic_regression

    grown = isotonic_regression(curve).x
    if target <= grown[0]:
        return 0.0
    if target > grown[-1]:
        return math.inf
    at = int(np.searchsorted(grown, target))
    share = (target - grown[at - 1]) / (grown[at] - grown[at - 1])
    return float(math.exp((1 - share) * math.log(few[at - 1]) + share * math.log(few[at])))


def _curve(figures: Mapping[str, Figures], kind: str, names: Sequence[str], few: Sequence[int]) -> list[list[float | None]]:
    start = [(0, kind)] if kind else []
    found = [(count, interval(figures[name])) for count, name in [*start, *zip(few, names, strict=True)]]
    return [[count, each.mean, each.low, each.high] for count, each in found]


def _words(found: Mapping[str, float], few: Sequence[int]) -> str:
    low, high = (_number(found[end], few) for end in ("low", "high"))
    about = "about " if few[0] <= found["value"] <= few[-1] else ""
    interval_text = f"{low} to {high}" if low != high else f"{low} at both ends"
    return f"{about}{_number(found['value'], few)} labelled pictures (95 % interval {interval_text})"


def _number(value: float, few: Sequence[int]) -> str:
    if value < few[0]:
        return f"fewer than {few[0]}"
    return f"more than {few[-1]}" if value > few[-1] else f"{value:.2g}" if value < 100 else f"{round(value, -1):.0f}"
