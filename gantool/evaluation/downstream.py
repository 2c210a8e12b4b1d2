"""Estimators by name, trained on the images of an arm and tested."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch

from ..components import Component, Task
from ..errors import GantoolError, cause
from ..plugins.records import is_reference
from ..plugins.registry import Part, Provided, Registry
from .arms import Arm, Fold
from .peers import Augmentation
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


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """One training: what is learnt from, and what is then predicted."""

    arm: str
    number: int
    """Of the fold among the arm's."""
    fold: Fold
    seed: int


class Learner(Protocol):
    """What learns from images and predicts: an estimator in this process, or a program of the user's."""

    @property
    def component(self) -> str:
        """What results call it."""

    @property
    def options(self) -> Mapping[str, Any]:
        """What results say of how it learns."""

    def __call__(self, lesson: Lesson) -> Any:
        """Learn from scratch; return a prediction for each test image of the fold. Raises `GantoolError`."""


@dataclass(frozen=True, kw_only=True)
class InProcess:
    """An estimator, built anew for each lesson. See `Learner`."""

    chosen: Part
    task: Task
    device: torch.device

    @property
    def component(self) -> str:
        return self.chosen.component

    @property
    def options(self) -> Mapping[str, Any]:
        return self.chosen.options

    def __call__(self, lesson: Lesson) -> Any:
        fold = lesson.fold
        try:
            estimator = self.chosen.build(outputs=self.task.outputs, seed=lesson.seed)
            images = fold.images
            if fold.augment:
                augment = Augmentation(lesson.seed)
                if hasattr(estimator, "augment"):
                    estimator.augment = augment
                else:
                    images = augment(images)
            predict = self.task.learn(estimator, images.to(self.device), fold.targets)
            return predict(fold.test.to(self.device))
        except ValueError as error:
            raise GantoolError(f"estimator {self.component}: {cause(error)}") from None


def run_arm(name: str, arm: Arm, task: Task, truth: Any, learner: Learner, *, seeds: range) -> Outcome:
    """Learn once per seed and fold; `truth`: the targets of the reported images. Raises `GantoolError`."""
    began = time.monotonic()
    figures, extras = [], []
    for seed in seeds:
        predicted = [None] * len(truth)
        for number, fold in enumerate(arm.folds):
            rows = learner(Lesson(arm=name, number=number, fold=fold, seed=seed))
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
