"""Estimators by name, trained on the images of an arm and tested."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ..components import Component, Task
from ..errors import GantoolError, cause
from ..plugins.records import is_reference
from ..plugins.registry import Part, Provided, Registry
from .arms import Arm
from .uncertainty import contributions


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How an arm's estimators did."""

    figures: np.ndarray
    """(runs, images) float64: what each image contributes to the figure of each run, in the task's unit."""
    extra: dict[str, float]
    """Further figures of the task, means over runs."""
    train_images: int
    seconds: float
    """All runs together."""


def choose(registry: Registry, name: str, options: Mapping[str, Any]) -> Part:
    """Find an estimator: a component, or `package.module:callable`, which is called as the factory of a component is.

    Raises `GantoolError` for one that does not exist, with the nearest name, and for options that it does not have.
    """
    plugin = name.partition(":")[0]
    known = plugin in registry.plugins or plugin in registry.left_out
    if is_reference(name) and not known:
        return Provided("", "estimator", Component(name=name, factory=name)).with_options(options, where="estimator.")
    return registry.choose("estimator", name, options)


def run_arm(arm: Arm, task: Task, truth: Any, chosen: Part, *, seeds: range, device: torch.device) -> Outcome:
    """Train one estimator per seed and fold; `truth`: the targets of the reported images. Raises `GantoolError`."""
    began = time.monotonic()
    figures, extras = [], []
    for seed in seeds:
        predicted = [None] * len(truth)
        for fold in arm.folds:
            try:
                estimator = chosen.build(outputs=task.outputs, seed=seed)
                predict = task.learn(estimator, fold.images.to(device), fold.targets)
                rows = predict(fold.test.to(device))
            except ValueError as error:
                raise GantoolError(f"estimator {chosen.component}: {cause(error)}") from None
            for place, row in zip(fold.rows.tolist(), rows, strict=True):
                predicted[place] = row
        whole = torch.stack(predicted) if isinstance(rows, torch.Tensor) else predicted  # type: ignore[arg-type]
        figures.append(contributions(task, task.statistics(whole, truth), len(truth)))
        extras.append(task.extra(whole, truth))
    return Outcome(
        figures=np.stack(figures),
        extra={name: float(np.mean([extra[name] for extra in extras])) for name in extras[0]},
        train_images=len(arm.folds[0].images),
        seconds=time.monotonic() - began,
    )
