"""Checks of tasks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from torch.nn import functional as F

from ..components import Labels, Task
from ..data.annotations.objects import of_bitmap
from ..data.scenes import Scene
from ..errors import GantoolError
from ..evaluation.held import held
from .material import smooth
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


def check_is_better_when_learnt_by_heart(subject: Subject) -> None:
    """The targets themselves, as predictions of who was fitted to them, have a finite figure, better than the baseline's."""
    for task, labels, targets in _tasks(subject):
        images = held(smooth(_IMAGES, subject.channels[0], subject.size))
        with subject.calling(f"learn of {labels}"):
            rows = task.learn(_ByHeart(), images, targets)(images)
        whole = np.ones((1, _IMAGES))
        figures = [
            float(task.aggregate(task.statistics(each, targets), whole)[0]) for each in (rows, task.baseline(targets, _IMAGES)[1])
        ]
        better = figures[0] > figures[1] if task.higher_is_better else figures[0] < figures[1]
        words = f"learnt by heart, {labels} have the figure {figures[0]:.3g}, and {figures[1]:.3g} with its baseline"
        subject.require(better, f"{words}: {'higher' if task.higher_is_better else 'lower'} is better, it says")


CHECKS = {
    "task": (
        check_says_in_one_line_what_it_cannot_mean,
        check_figures_are_of_any_set,
        check_is_better_when_learnt_by_heart,
        check_pictures_keep_their_size,
    )
}


class _ByHeart:
    """An estimator of everything that predicts what it was fitted to."""

    def fit(self, images: Any, targets: Any) -> None:  # noqa: ARG002
        self.rows = targets if targets.is_floating_point() else F.one_hot(targets).float()

    def fit_points(self, images: Any, targets: Any) -> None:  # noqa: ARG002
        self.rows = targets.flatten(1)

    def fit_objects(self, images: Any, targets: Any) -> None:  # noqa: ARG002
        self.rows = [{**row, "scores": np.ones(len(row["labels"]))} for row in targets]

    def fit_maps(self, images: Any, targets: Any) -> None:  # noqa: ARG002
        self.rows = [np.maximum(row, 0) if row.dtype.kind == "i" else np.nan_to_num(row) for row in targets]

    def predict(self, images: Any) -> Any:  # noqa: ARG002
        return self.rows

    predict_objects = predict_maps = predict


def _labels(subject: Subject) -> list[Labels]:
    """Labels of many forms: figures, positions, directions, classes by number and by word, objects, maps."""
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
    plain = [Labels(name=name, values=values, size=subject.size, crop=False) for name, values in arrays.items()]
    return plain + [
        Labels(name=kind, values=values, size=None, crop=False, kind=kind, names=names)
        for kind, values, names in _pixels(draw, subject.size)
    ]


def _pixels(draw: np.random.Generator, size: tuple[int, int]) -> Iterator[tuple[str, list[Any], tuple[str, ...]]]:
    """Labels of one rectangle in each image, of one of two classes: its box, its pixels, a map of classes, one of depth."""
    maps, scenes = [], []
    for number in range(_IMAGES):
        top, left = (int(draw.integers(side - 6)) for side in size)
        area = np.zeros(size, bool)
        area[top : top + 5, left : left + 6] = True
        maps.append(area * np.int16(1 + number % 2))
        scenes.append(Scene((of_bitmap(("cup", "jug")[number % 2], area),)))
    yield "objects", scenes, ("cup", "jug")
    yield "outlines", scenes, ("cup", "jug")
    yield "classes", maps, ("wall", "cup", "jug")
    yield "depth", [np.float32(1) + each + np.linspace(0, 1, size[1], dtype=np.float32) for each in maps], ()


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
