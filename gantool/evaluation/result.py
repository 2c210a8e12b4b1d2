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
from .arms import Arm
from .downstream import Learner, Outcome
from .material import Compared
from .tasks import OFFSET_REMOVED, select
from .uncertainty import CONFIDENCE, figure_of_all, interval
from .verdict import caveats, compare, offset_caveat

FORMAT = 1


def make_result(
    *,
    compared: Compared,
    settings: EvaluateSettings,
    learners: Sequence[Learner],
    arms: Mapping[str, Arm],
    outcomes: Mapping[str, Mapping[str, Outcome]],
    skipped: Mapping[str, str],
    evidence: Mapping[str, Any],
) -> dict[str, Any]:
    """Put everything in the form of `evaluation.json`; the first learner decides the verdict."""
    task = compared.task
    kind: dict[str, Any] = {"unit": task.unit, "higher_is_better": task.higher_is_better}
    tables = {name: _table(found, arms, task.unit) for name, found in outcomes.items()}
    first = outcomes[learners[0].component]
    refined = first["refined"]
    verdict = compare(refined.figures, first["synthetic"].figures, **kind)
    runs, images = refined.figures.shape
    baseline = _baseline(compared)
    figures = {arm: outcome.figures for arm, outcome in first.items()}
    offset = offset_caveat(float(refined.figures.mean()), refined.extra.get(OFFSET_REMOVED), unit=task.unit)
    result: dict[str, Any] = {
        "format": FORMAT,
        "gantool": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "verdict": verdict.word,
        "sentence": verdict.sentence,
        "caveats": caveats(figures, baseline["mean"], **kind) + offset,
        "difference": {**asdict(verdict.difference), "runs": runs, "n": images, "unit": task.unit, "confidence": CONFIDENCE},
        "downstream": tables[learners[0].component],
        "baseline": baseline,
        "skipped": dict(skipped),
        "estimators": tables,
        **evidence,
        "data": compared.described,
        "settings": {
            **to_dict(settings),
            "estimators": [learner.component for learner in learners],
            "estimator_options": {learner.component: learner.options for learner in learners},
        },
    }
    finite: dict[str, Any] = _finite(result)
    return finite


def _table(outcomes: Mapping[str, Outcome], arms: Mapping[str, Arm], unit: str) -> dict[str, Any]:
    synthetic = float(outcomes["synthetic"].figures.mean())
    rows = {}
    for name, outcome in outcomes.items():
        runs, images = outcome.figures.shape
        found = interval(outcome.figures)
        rows[name] = {
            **asdict(found),
            "runs": runs,
            "unit": unit,
            "n": images,
            "per_run": outcome.figures.mean(1).tolist(),
            "ratio": found.mean / synthetic if synthetic else None,
            "train_images": outcome.train_images,
            "seconds": round(outcome.seconds, 2),
            "extra": outcome.extra,
            "note": arms[name].note,
        }
    return rows


def _baseline(compared: Compared) -> dict[str, Any]:
    task, material = compared.task, compared.material
    truth = select(material.real_targets, material.reported)
    name, predicted = task.baseline(material.targets, len(truth))
    mean = figure_of_all(task, task.statistics(predicted, truth), len(truth))
    return {"name": name, "mean": mean, "unit": task.unit, "n": len(truth)}


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity: they become null."""
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
