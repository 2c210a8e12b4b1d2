"""The result of an evaluation as JSON data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from .._version import __version__
from ..options import to_dict
from ..plan.settings import EvaluateSettings
from ..plugins.registry import Part
from .arms import Arm
from .downstream import Outcome
from .gather import Gathered
from .statistics import CONFIDENCE, interval
from .tasks import OFFSET_REMOVED, constant_prediction
from .verdict import caveats, judge, offset_caveat

FORMAT = 1


def make_result(
    *,
    gathered: Gathered,
    settings: EvaluateSettings,
    estimators: Sequence[Part],
    arms: Mapping[str, Arm],
    outcomes: Mapping[str, Mapping[str, Outcome]],
    skipped: Mapping[str, str],
    evidence: Mapping[str, Any],
) -> dict[str, Any]:
    """Put everything in the form of `evaluation.json`; the first estimator decides the verdict."""
    unit = gathered.task.unit
    tables = {name: _table(found, arms, unit) for name, found in outcomes.items()}
    first = outcomes[estimators[0].component]
    verdict = judge(first["refined"].errors, first["synthetic"].errors, unit=unit)
    runs, images = first["refined"].errors.shape
    baseline = _baseline(gathered)
    errors = {arm: outcome.errors for arm, outcome in first.items()}
    refined = first["refined"]
    offset = offset_caveat(float(refined.errors.mean()), refined.extra.get(OFFSET_REMOVED), unit=unit)
    result: dict[str, Any] = {
        "format": FORMAT,
        "gantool": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "verdict": verdict.word,
        "sentence": verdict.sentence,
        "caveats": caveats(errors, baseline["mean"], unit=unit) + offset,
        "difference": {**asdict(verdict.difference), "runs": runs, "n": images, "unit": unit, "confidence": CONFIDENCE},
        "downstream": tables[estimators[0].component],
        "baseline": baseline,
        "skipped": dict(skipped),
        "estimators": tables,
        **evidence,
        "data": gathered.described,
        "settings": {
            **to_dict(settings),
            "estimators": [chosen.component for chosen in estimators],
            "estimator_options": {chosen.component: chosen.options for chosen in estimators},
        },
    }
    finite: dict[str, Any] = _finite(result)
    return finite


def _table(outcomes: Mapping[str, Outcome], arms: Mapping[str, Arm], unit: str) -> dict[str, Any]:
    synthetic = float(outcomes["synthetic"].errors.mean())
    rows = {}
    for name, outcome in outcomes.items():
        runs, images = outcome.errors.shape
        found = interval(outcome.errors)
        rows[name] = {
            **asdict(found),
            "runs": runs,
            "unit": unit,
            "n": images,
            "per_run": outcome.errors.mean(1).tolist(),
            "ratio": found.mean / synthetic if synthetic else None,
            "train_images": outcome.train_images,
            "seconds": round(outcome.seconds, 2),
            "extra": outcome.extra,
            "note": arms[name].note,
        }
    return rows


def _baseline(gathered: Gathered) -> dict[str, Any]:
    task, material = gathered.task, gathered.material
    truth = material.real_targets[material.reported]
    errors = task.errors(constant_prediction(task, material.targets, len(truth)), truth)
    name = "always the commonest" if task.name == "classification" else "always the mean"
    return {"name": name, "mean": float(errors.mean()), "unit": task.unit, "n": len(truth)}


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity: they become null."""
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
