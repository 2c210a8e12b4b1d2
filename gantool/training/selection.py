"""Which checkpoint is the best: the one that the run's metric likes most."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ..ambient import kept_random_state
from ..components import Component
from ..errors import raised
from .session import Session


def choose_best(
    session: Session, best: dict[str, Any] | None, *, step: int, batch_size: int, at_once: int, warn: Callable[[str], None]
) -> tuple[dict[str, float], dict[str, Any] | None]:
    """Measure the refiner as it is after `step` steps; return the metric's figures, and the best checkpoint so far.

    A metric that fails is a note to `warn`, and has no figures: nobody loses a checkpoint for it. `at_once`: images that are
    refined at a time, so that it takes no more memory than a step does. The metric sees batches of `batch_size`, whatever the
    number of processes. Its first figure decides; one that is not finite never wins.
    """
    refine = session.recipe.refine
    with kept_random_state():
        try:
            metric = session.metric.build()
            for start in range(0, len(session.held_source), batch_size):
                rows = range(start, min(start + batch_size, len(session.held_source)))
                refined = torch.cat([refine(session.held(slice(at, min(at + at_once, rows.stop)))) for at in rows[::at_once]])
                source, target = session.held(slice(rows.start, rows.stop)), session.held_target[rows.start : rows.stop]
                record = session.metric.provided.record
                update_metric(metric, record, refined, target, source=source.images, labels=source.labels)
            values = {name: float(value) for name, value in metric.compute().items()}
        except Exception as error:  # whatever a plugin's metric raises
            warn(f"step {step} is not judged: {session.metric.component}: {raised(error)}")
            return {}, best
    name, value = next(iter(values.items()))
    sign = -1 if "higher-is-better" in session.metric.provided.record.provides else 1
    if math.isfinite(value) and (best is None or sign * value < sign * best["value"]):
        best = {"step": step, "name": name, "value": value}
    return values, best


def update_metric(
    metric: Any,
    component: Component,
    refined: Tensor,
    target: Tensor,
    *,
    source: Tensor,
    labels: Sequence[Mapping[str, Any]] | None,
) -> None:
    """Give a metric a batch of refined and of target images, and of the source images and their labels if it asked for them."""
    more = {"source": source, "labels": labels}
    metric.update(refined, target, **{name: value for name, value in more.items() if f"sees-{name}" in component.provides})
