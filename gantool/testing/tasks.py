"""Checks of tasks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..components import Labels, Task
from ..errors import GantoolError
from .subject import Subject

_IMAGES = 12


def check_says_in_one_line_what_it_cannot_mean(subject: Subject) -> None:
    """Labels that the task is not for are a `GantoolError` of one line."""
    for labels in _labels(subject):
        try:
            subject.build(labels=labels)
        except Exception as error:
            known = isinstance(error.__cause__, GantoolError)
            subject.require(known, f"{labels}: {error}; it must raise GantoolError")
            subject.require("\n" not in str(error.__cause__), f"what it says of {labels} has several lines: {error.__cause__}")


def check_figures_are_of_any_set(subject: Subject) -> None:
    """`aggregate` gives a finite figure of each set of images: of one that has all twice, the whole's; of a part, its own."""
    for task, labels, targets in _tasks(subject):
        words, rows = task.baseline(targets, _IMAGES)
        subject.require(isinstance(words, str) and len(rows) == _IMAGES, f"its baseline for {labels} has {len(rows)} rows")
        some, numbers = _IMAGES // 2, np.arange(_IMAGES)
        counts = np.stack([numbers >= 0, 2 * (numbers >= 0), numbers % 3, numbers < some]).astype(float)
        with subject.calling(f"statistics and aggregate of {labels}"):
            figures = np.asarray(task.aggregate(task.statistics(rows, targets), counts))
            alone = task.aggregate(task.statistics(rows[:some], targets[:some]), np.ones((1, some)))
        subject.require(figures.shape == (4,), f"aggregate of 4 sets gives {figures.shape}, not (4,)")
        subject.require(bool(np.isfinite(figures).all()), f"aggregate gives {figures.tolist()}")
        subject.require(bool(np.isclose(*figures[:2])), "a set that has every image twice has another figure than the whole")
        subject.require(bool(np.isclose(figures[3], alone[0])), "a set of some images has another figure than these images alone")


def check_pictures_keep_their_size(subject: Subject) -> None:
    """`picture` draws on (H, W, 3) uint8 and gives the same form; what it is given stays as it was."""
    for task, labels, targets in _tasks(subject):
        image = np.full((*subject.size, 3), 99, np.uint8)
        with subject.calling(f"picture of {labels}"):
            drawn = task.picture(image, targets[0])
        subject.require(drawn.shape == image.shape and drawn.dtype == np.uint8, f"picture gives {drawn.shape} {drawn.dtype}")
        subject.require(bool((image == 99).all()), "picture changes the image that it is given")


CHECKS = {"task": (check_says_in_one_line_what_it_cannot_mean, check_figures_are_of_any_set, check_pictures_keep_their_size)}


def _labels(subject: Subject) -> list[Labels]:
    """Labels of many forms: figures, positions, directions, classes by number and by word."""
    draw, (height, width) = np.random.default_rng(0), subject.size
    points = draw.uniform(1, (width - 2, height - 2), (_IMAGES, 3, 2))
    arrays = {
        "age": draw.uniform(0, 90, _IMAGES),
        "pitch_yaw": draw.uniform(-0.5, 0.5, (_IMAGES, 2)),
        "direction": draw.normal(size=(_IMAGES, 3)),
        "corners_xy": points,
        "class": np.arange(_IMAGES) % 3,
        "kind": np.array(["cat", "dog", "hen"] * (_IMAGES // 3)),
    }
    return [Labels(name=name, values=values, size=subject.size, crop=False) for name, values in arrays.items()]


def _tasks(subject: Subject) -> Iterator[tuple[Task, Labels, Any]]:
    """The task of each of these labels that it is for, and their targets."""
    sizes = np.tile(subject.size, (_IMAGES, 1))
    for labels in _labels(subject):
        try:
            task = subject.build(labels=labels)
        except Exception:
            continue
        with subject.calling(f"load of {labels}"):
            targets = task.load(labels.values, sizes)
        yield task, labels, targets
