"""The result of an evaluation as JSON data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from .._version import __version__
from ..components import Task
from ..options import to_dict
from ..plan.settings import EvaluateSettings
from .downstream import Learner, Outcome
from .material import Compared
from .names import FEW
from .pooling import Runs
from .tasks import OFFSET_REMOVED, select
from .uncertainty import CONFIDENCE, Figures, draw_sets, figure_of_all, figures_of, interval
from .verdict import caveats, compare, offset_caveat
from .worth import worth

FORMAT = 1


def make_result(
    *,
    runs: Runs,
    compared: Compared,
    settings: EvaluateSettings,
    learners: Sequence[Learner],
    outcomes: Mapping[str, Mapping[str, Outcome]],
    skipped: Mapping[str, str],
    evidence: Mapping[str, Any],
) -> dict[str, Any]:
    """Put everything in the form of `evaluation.json`; the first learner decides the verdict."""
    task, first = compared.task, learners[0].component
    kind: dict[str, Any] = {"unit": task.unit, "higher_is_better": task.higher_is_better}
    truth = select(compared.material.real_targets, compared.material.reported)
    judged = {name: _judge(found, task, truth) for name, found in outcomes.items()}
    tables = {name: _table(arms, outcomes[name], task.unit) for name, arms in judged.items()}
    figures = {arm: each.figures for arm, each in judged[first].items()}
    refined = judged[first]["refined"]
    verdict = compare(refined.figures, figures["synthetic"], **kind)
    counts = sorted({int(few[1]) for name in figures if (few := FEW.fullmatch(name))})
    labels = worth(figures, counts, higher_is_better=task.higher_is_better)
    baseline = _baseline(compared, truth)
    offset = offset_caveat(refined.figures.mean, refined.extra.get(OFFSET_REMOVED), unit=task.unit)
    result: dict[str, Any] = {
        "format": FORMAT,
        "gantool": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "verdict": verdict.word,
        "sentence": verdict.sentence + (f" {labels['sentence']}" if labels else ""),
        "worth": labels,
        "caveats": caveats(figures, baseline["mean"], **kind) + offset,
        "difference": {
            **asdict(verdict.difference),
            **_counts(refined.figures),
            "unit": task.unit,
            "confidence": CONFIDENCE,
        },
        "downstream": tables[first],
        "baseline": baseline,
        "skipped": dict(skipped),
        "estimators": tables,
        **evidence,
        "data": {**compared.described, "runs": [str(run) for run in runs.folders]},
        "settings": {
            **to_dict(settings),
            "estimators": [learner.component for learner in learners],
            "estimator_options": {learner.component: learner.options for learner in learners},
        },
    }
    finite: dict[str, Any] = _finite(result)
    return finite


@dataclass(frozen=True, kw_only=True)
class Judged:
    """The figures of an arm."""

    figures: Figures
    extra: dict[str, float]
    """Further figures of the task, means over runs and seeds."""


def _judge(outcomes: Mapping[str, Outcome], task: Task, truth: Any) -> dict[str, Judged]:
    sets, found = draw_sets(len(truth)), {}
    for name, outcome in outcomes.items():
        statistics = [[task.statistics(rows, truth) for rows in seeds] for seeds in outcome.predicted]
        extras = [task.extra(rows, truth) for seeds in outcome.predicted for rows in seeds]
        means = {key: float(np.mean([extra[key] for extra in extras])) for key in extras[0]}
        found[name] = Judged(figures=figures_of(task, statistics, sets), extra=means)
    return found


def _counts(figures: Figures) -> dict[str, int]:
    refiners, seeds = figures.whole.shape
    return {"refiners": refiners, "runs": seeds, "n": figures.images}


def _table(judged: Mapping[str, Judged], outcomes: Mapping[str, Outcome], unit: str) -> dict[str, Any]:
    synthetic = judged["synthetic"].figures.mean
    rows = {}
    for name, each in judged.items():
        found = interval(each.figures)
        rows[name] = {
            **asdict(found),
            **_counts(each.figures),
            "unit": unit,
            "per_run": each.figures.per_seed,
            "ratio": found.mean / synthetic if synthetic else None,
            "train_images": outcomes[name].train_images,
            "seconds": round(outcomes[name].seconds, 2),
            "extra": each.extra,
            "note": outcomes[name].note,
        }
    return rows


def _baseline(compared: Compared, truth: Any) -> dict[str, Any]:
    task = compared.task
    name, predicted = task.baseline(compared.material.targets, len(truth))
    mean = figure_of_all(task, task.statistics(predicted, truth), len(truth))
    return {"name": name, "mean": mean, "unit": task.unit, "n": len(truth)}


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity: they become null."""
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
