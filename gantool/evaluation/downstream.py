"""Trains the estimators of an arm and tests them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..components import Estimator, KeypointEstimator
from ..errors import GantoolError
from .arms import Arm, Fold
from .tasks import Task, scale_of

MakeEstimator = Callable[[int], Estimator]
"""seed -> an estimator that has learnt nothing."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What an arm's estimators got wrong."""

    errors: np.ndarray
    """(runs, images) float64, in the task's unit."""
    extra: dict[str, float]
    """Further figures of the task, means over runs."""
    train_images: int
    seconds: float
    """All runs together."""


def run_arm(arm: Arm, task: Task, truth: Tensor, make: MakeEstimator, *, seeds: range, device: torch.device) -> Outcome:
    """Train one estimator per seed and fold; `truth`: the targets of the reported images. Raises `GantoolError`."""
    began = time.monotonic()
    errors, extras = [], []
    for seed in seeds:
        predicted = torch.empty(len(truth), task.outputs)
        for fold in arm.folds:
            predicted[fold.rows] = learn_and_predict(fold, task, make(seed), device)
        errors.append(task.errors(predicted, truth).numpy())
        extras.append(task.extra(predicted, truth))
    return Outcome(
        errors=np.stack(errors),
        extra={name: float(np.mean([extra[name] for extra in extras])) for name in extras[0]},
        train_images=len(arm.folds[0].images),
        seconds=time.monotonic() - began,
    )


def learn_and_predict(fold: Fold, task: Task, estimator: Estimator, device: torch.device) -> Tensor:
    """(n, outputs) predictions for the fold's test images, in the task's own scale, on the CPU."""
    targets = fold.targets
    mean, spread = torch.zeros(()), torch.ones(())
    if task.name == "keypoints" and isinstance(estimator, KeypointEstimator):
        estimator.fit_points(fold.images.to(device), targets.reshape(len(targets), -1, 2).to(device))
    else:
        if targets.is_floating_point():
            mean, spread = scale_of(task, targets)
            targets = (targets - mean) / spread
        estimator.fit(fold.images.to(device), targets.to(device))
    predicted = estimator.predict(fold.test.to(device)).detach().float().cpu()
    if predicted.shape != (len(fold.test), task.outputs):
        raise GantoolError(
            f"the estimator {type(estimator).__name__} predicts {tuple(predicted.shape)} "
            f"for {len(fold.test)} images and {task.outputs} outputs: it must give one row per image"
        )
    if not torch.isfinite(predicted).all():
        raise GantoolError(f"the estimator {type(estimator).__name__} predicts values that are not finite")
    return predicted * spread + mean
