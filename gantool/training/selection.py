"""Which checkpoint is the best: the one that the run's metric likes most."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from ..components import Component, Metric, SourceMetric
from ..errors import GantoolError
from ..runs.checkpoints import kept_random_state
from .session import Session


def choose_best(
    session: Session, best: dict[str, Any] | None, *, step: int, batch_size: int, at_once: int
) -> tuple[dict[str, float], dict[str, Any] | None]:
    """Measure the refiner as it is after `step` steps; return the metric's figures, and the best checkpoint so far.

    `at_once`: images that are refined at a time, so that it takes no more memory than a step does. The metric sees batches of
    `batch_size`, whatever the number of processes. Its first figure decides; one that is not finite never wins. Raises
    `GantoolError` where the metric saw too little.
    """
    metric, refine = session.metric.build(), session.recipe.refine
    batches = zip(session.held_source.split(batch_size), session.held_target.split(batch_size), strict=True)  # type: ignore[no-untyped-call]
    with kept_random_state():
        try:
            for source, target in batches:
                refined = torch.cat([refine(part) for part in source.split(at_once)])
                update_metric(metric, session.metric.provided.record, refined, target, source)
            values = metric.compute()
        except ValueError as error:
            raise GantoolError(f"{session.metric.component}: {error}") from None
    name, value = next(iter(values.items()))
    sign = -1 if "higher-is-better" in session.metric.provided.record.provides else 1
    if math.isfinite(value) and (best is None or sign * value < sign * best["value"]):
        best = {"step": step, "name": name, "value": value}
    return values, best


def update_metric(metric: Metric | SourceMetric, component: Component, refined: Tensor, target: Tensor, source: Tensor) -> None:
    """Give a metric a batch of refined and of target images, and of the source images if it asked for them."""
    extra = {"source": source} if "sees-source" in component.provides else {}
    metric.update(refined, target, **extra)
