"""What learns from the images of an arm: once per seed, tested on real images. Each result is a cell, which is kept."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch

from ..components import Component, Task
from ..errors import GantoolError, cause
from ..plugins.records import is_reference
from ..plugins.registry import Part, Provided, Registry
from .arms import Arm, Fold
from .cells import Cells, digest_of
from .peers import Augmentation
from .progress import Progress


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """One training: what is learnt from, and what is then predicted."""

    arm: str
    number: int
    """Of the fold among the arm's."""
    fold: Fold
    seed: int
    run: Path
    """Whose folder takes what is left of it."""


class Learner(Protocol):
    """What learns from images and predicts: an estimator in this process, or a program of the user's."""

    @property
    def component(self) -> str:
        """What results call it."""

    @property
    def options(self) -> Mapping[str, Any]:
        """What results say of how it learns."""

    @property
    def key(self) -> Any:
        """All that decides predictions beside images, labels and seed (options, budget, versions), as `digest_of` takes it."""

    def __call__(self, lesson: Lesson) -> Any:
        """Learn from scratch; return a prediction for each test image of the fold. Raises `GantoolError`."""


@dataclass(frozen=True, kw_only=True)
class InProcess:
    """An estimator, built anew for each lesson. See `Learner`."""

    chosen: Part
    version: str
    """Of its plugin."""
    task: Task
    task_key: Any
    """Name and options of the task."""
    device: torch.device

    @property
    def component(self) -> str:
        """Full name of the estimator."""
        return self.chosen.component

    @property
    def options(self) -> Mapping[str, Any]:
        """Of the estimator."""
        return self.chosen.options

    @property
    def key(self) -> Any:
        """Where it computes counts, too: the last bits differ."""
        return [self.component, self.version, self.options, self.task_key, self.device.type]

    def __call__(self, lesson: Lesson) -> Any:
        """As of `Learner`."""
        fold = lesson.fold
        try:
            estimator = self.chosen.build(outputs=self.task.outputs, seed=lesson.seed)
            images = fold.images
            if fold.augment:
                augment = Augmentation(lesson.seed)
                if hasattr(estimator, "augment"):
                    estimator.augment = augment
                else:
                    images = images.changed(augment)
            predict = self.task.learn(estimator, images.to(self.device), fold.targets)
            return predict(fold.test.to(self.device))
        except ValueError as error:
            raise GantoolError(f"estimator {self.component}: {cause(error)}") from None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What those who learnt from an arm predicted."""

    predicted: list[list[Any]]
    """Rows for all reported images, by run of the refiner and by seed; one run where the arm has nothing to do with runs."""
    train_images: int
    seconds: float
    """All of them together."""
    note: str


def choose(registry: Registry, name: str, options: Mapping[str, Any], task: Provided) -> Part:
    """Find an estimator: a component, or `package.module:callable`, which is called as the factory of a component is; "auto" is
    the first one that provides what the task needs.

    Raises `GantoolError` for one that does not exist, with the nearest name, for one that does not fit the task, and for options
    that it does not have.
    """
    needs = task.record.needs
    able = [each.full_name for each in registry.all("estimator") if _fits(each.record.provides, needs)]
    if name == "auto" and not able:
        raise GantoolError(f"--task {task.record.name} needs an estimator that provides {', '.join(needs)}: no plugin has one")
    if name == "auto":
        name = next((each for each in able if each.startswith("gantool:")), able[0])
    plugin = name.partition(":")[0]
    known = plugin in registry.plugins or plugin in registry.left_out
    if is_reference(name) and not known:
        return Provided("", "estimator", Component(name=name, factory=name)).with_options(options, where="estimator.")
    part = registry.choose("estimator", name, options)
    if part.component not in able:
        raise GantoolError(f"--estimator {name} is not for --task {task.record.name}: take one of {', '.join(able)}")
    return part


def _fits(provides: frozenset[str], needs: frozenset[str]) -> bool:
    """Whether an estimator is for a task; numbers and classes, which need nothing, are for those that provide nothing."""
    return needs <= provides if needs else not provides


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Where learners are set to work, or what they predicted before is found."""

    cells: Cells
    progress: Progress
    seeds: range
    count: int
    """Of reported images."""

    def run(self, learner: Learner, name: str, arms: Mapping[Path, Arm]) -> Outcome:
        """Let a learner learn from an arm with each seed. `arms`: it, by the run that it was made with. Raises `GantoolError`."""
        found = {}
        for run, arm in arms.items():
            text = f"{learner.component}: {name}" + (f" of {run.name}" if len(arms) > 1 else "")
            found[run] = [self._cell(learner, text, name, arm, run, seed) for seed in self.seeds]
        first = next(iter(arms.values()))
        return Outcome(
            predicted=[[cell["predicted"] for cell in cells] for cells in found.values()],
            train_images=len(first.folds[0].images),
            seconds=sum(cell["seconds"] for cells in found.values() for cell in cells),
            note=first.note,
        )

    def _cell(self, learner: Learner, text: str, name: str, arm: Arm, run: Path, seed: int) -> Mapping[str, Any]:
        key = digest_of(learner.key, seed, arm.key)
        if (kept := self.cells.find(key)) is not None:
            self.progress.skip(learner.component)
            return kept
        with self.progress.part(learner.component, f"{text}, seed {seed}"):
            began = time.monotonic()
            predicted = self._predict(learner, name, arm, run, seed)
            cell = {"predicted": predicted, "seconds": time.monotonic() - began}
        self.cells.keep(key, cell, run)
        return cell

    def _predict(self, learner: Learner, name: str, arm: Arm, run: Path, seed: int) -> Any:
        """Rows of all reported images: each fold tests some."""
        predicted: list[Any] = [None] * self.count
        for number, fold in enumerate(arm.folds):
            rows = learner(Lesson(arm=name, number=number, fold=fold, seed=seed, run=run))
            for place, row in zip(fold.rows.tolist(), rows, strict=True):
                predicted[place] = row
        return torch.stack(predicted) if isinstance(rows, torch.Tensor) else predicted
