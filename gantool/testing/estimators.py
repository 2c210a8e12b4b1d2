"""Checks of estimators."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from ..components import Estimator, KeypointEstimator, MapEstimator, ObjectEstimator
from ..evaluation.held import HeldImages, held
from ..evaluation.masks import encode
from .material import finite, leaves, noise
from .subject import Subject

_IMAGES = 24
_OUTPUTS = 2


@dataclass(frozen=True)
class _Lesson:
    """One thing that estimators learn."""

    what: str
    able: type
    """The protocol of those that do."""
    fit: str
    predict: str
    images: Any
    targets: Any
    some: Callable[[Any, int], Any]
    """The first few images."""


def check_predicts_what_it_was_fitted_to(subject: Subject) -> None:
    """There is a prediction of the right form for each image, finite, and the same when asked again."""
    asked = [(lesson, estimator) for lesson in _lessons(subject) if (estimator := _fitted(subject, lesson)) is not None]
    for lesson, estimator in asked:
        for count in (_IMAGES, 1):
            images = lesson.some(lesson.images, count)
            result = _predict(subject, lesson, estimator, images)
            _check_form(subject, lesson, result, count, images)
            values = _values(result)
            subject.require(
                not any(value.requires_grad for value in values), "predict keeps a graph: it must run without gradients"
            )
            subject.require(all(map(finite, values)), f"predict gives values that are not finite for {lesson.what}")
            again = _predict(subject, lesson, estimator, images)
            subject.require(_close(result, again), "predict gives two results for one image")
    subject.require(
        bool(asked), f"fit refuses values, classes and key points alike, {_IMAGES} images of {tuple(subject.size)} px"
    )


def check_follows_its_seed_alone(subject: Subject) -> None:
    """All that is drawn comes from `seed`, fitting again begins anew, and what it is given stays as it was."""
    for lesson in _lessons(subject):
        kept = deepcopy((list(lesson.images), lesson.targets))
        first = _fitted(subject, lesson, seed=7)
        if first is None:
            continue
        given = list(lesson.images), lesson.targets
        subject.require(_close(kept, given, tolerance=0), "fit changes the images or targets that it is given")
        predicted = _predict(subject, lesson, first, lesson.images)
        torch.manual_seed(4321)
        subject.require(
            _close(predicted, _predict(subject, lesson, _fitted(subject, lesson, seed=7), lesson.images)),
            f"two estimators with one seed predict different values after fitting one set ({lesson.what})",
        )
        for images in (_reversed(lesson.images), lesson.images):
            _fit(subject, first, lesson, images)
        subject.require(
            _close(predicted, _predict(subject, lesson, first, lesson.images)),
            f"after fitting something else in between it predicts other values: fit must learn anew ({lesson.what})",
        )


def check_heeds_its_seed(subject: Subject) -> None:
    """One that draws random numbers draws others with another seed: the spread over seeds is in the interval of a verdict."""
    for lesson in _lessons(subject):
        with _SeesDraws() as draws:
            fitted = [_fitted(subject, lesson, seed=seed) for seed in (7, 8)]
        if None not in fitted and draws.seen:
            same = _close(*(_predict(subject, lesson, estimator, lesson.images) for estimator in fitted), tolerance=1e-6)
            subject.require(
                not same,
                "it draws random numbers, but with the seeds 7 and 8 it predicts the same: its seed is not heeded "
                f"({lesson.what})",
            )


CHECKS = {"estimator": (check_predicts_what_it_was_fitted_to, check_follows_its_seed_alone, check_heeds_its_seed)}


class _SeesDraws(TorchDispatchMode):
    """Notes whether random numbers are drawn by torch, from whatever generator."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seen = False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.seen = self.seen or torch.Tag.nondeterministic_seeded in func.tags
        return func(*args, **(kwargs or {}))


def _lessons(subject: Subject) -> list[_Lesson]:
    """Images with two values each, with one of two classes each, and with one point each; all follow from brightness. And a
    bright square in noise: its box and class, a map of classes, a map of numbers."""
    shift = torch.linspace(-0.5, 0.5, _IMAGES)
    images = noise(_IMAGES, subject.channels[0], subject.size) * 0.5 + shift[:, None, None, None]
    values = torch.stack((shift, -shift), dim=1) / shift.std()
    height, width = subject.size
    points = torch.stack(((0.5 + shift) * (width - 1), (0.5 - shift) * (height - 1)), dim=1)[:, None]
    squares, objects, maps = _squares(subject)

    def first(images: Tensor, count: int) -> Tensor:
        return images[:count]

    def taken(images: HeldImages, count: int) -> HeldImages:
        return images.take(range(count))

    return [
        _Lesson("values", Estimator, "fit", "predict", images, values, first),
        _Lesson("classes", Estimator, "fit", "predict", images, (shift > 0).long(), first),
        _Lesson("key points", KeypointEstimator, "fit_points", "predict", images, points, first),
        _Lesson("objects", ObjectEstimator, "fit_objects", "predict_objects", squares, objects, taken),
        _Lesson("maps of classes", MapEstimator, "fit_maps", "predict_maps", squares, maps, taken),
        _Lesson(
            "maps of numbers", MapEstimator, "fit_maps", "predict_maps", squares, [each.astype("f4") for each in maps], taken
        ),
    ]


def _squares(subject: Subject) -> tuple[HeldImages, list[dict[str, Any]], list[np.ndarray]]:
    random, (height, width), side = np.random.default_rng(0), subject.size, min(subject.size) // 3
    images, objects = noise(_IMAGES, subject.channels[0], subject.size) * 0.3, []
    maps = [np.zeros((height, width), np.int16) for _ in range(_IMAGES)]
    for number, (pixels, area) in enumerate(zip(images, maps, strict=True)):
        top, left = int(random.integers(height - side)), int(random.integers(width - side))
        pixels[:, top : top + side, left : left + side] += 0.6
        area[top : top + side, left : left + side] = 1
        box = np.array([[left, top, left + side, top + side]], np.float64)
        masks = {"masks": [encode(area > 0)]} if "masks" in subject.provided.record.provides else {}
        objects.append({"boxes": box, "labels": np.array([number % _OUTPUTS]), "crowd": np.zeros(1, bool), **masks})
    return held(images), objects, maps


def _check_form(subject: Subject, lesson: _Lesson, result: Any, count: int, images: Any) -> None:
    if lesson.able in (Estimator, KeypointEstimator):
        got, wanted = tuple(result.shape), (count, _OUTPUTS)
        subject.require(got == wanted, f"predict of {count} images gives {got}, not {wanted}, for {lesson.what}")
        return
    subject.require(len(result) == count, f"{lesson.predict} of {count} images gives {len(result)} rows")
    for row, image in zip(result, images, strict=True):
        if lesson.able is MapEstimator:
            subject.require(row.shape == image.shape[:2], f"{lesson.predict} gives {row.shape} for an image of {image.shape[:2]}")
            continue
        found = len(row["scores"])
        shapes = {name: tuple(np.shape(row[name])) for name in ("boxes", "labels", "scores")}
        right = shapes == {"boxes": (found, 4), "labels": (found,), "scores": (found,)}
        subject.require(right, f"{lesson.predict} gives arrays of the shapes {shapes}")


def _reversed(images: Any) -> Any:
    return images.flip(0) if isinstance(images, Tensor) else images.take(range(len(images))[::-1])


def _fitted(subject: Subject, lesson: _Lesson, *, seed: int = 0) -> Any:
    """A new estimator that has learnt, or None where it refuses what is not for it."""
    estimator = subject.made(outputs=_OUTPUTS, seed=seed)
    return estimator if _fit(subject, estimator, lesson, lesson.images) else None


def _fit(subject: Subject, estimator: Any, lesson: _Lesson, images: Any) -> bool:
    if not isinstance(estimator, lesson.able):
        return False
    with subject.calling(f"{lesson.fit} of {len(images)} images to {lesson.what}"):
        try:
            getattr(estimator, lesson.fit)(images, lesson.targets)
        except ValueError:
            return False
    return True


def _predict(subject: Subject, lesson: _Lesson, estimator: Any, images: Any) -> Any:
    gives: type = Tensor if lesson.able in (Estimator, KeypointEstimator) else Sequence
    return subject.ask(gives, f"{lesson.predict} of {len(images)} images", getattr(estimator, lesson.predict), images)


def _values(result: Any) -> list[Tensor]:
    """All arrays in a result, as tensors."""
    return [torch.as_tensor(value) for value in leaves(result) if isinstance(value, Tensor | np.ndarray)]


def _close(a: Any, b: Any, *, tolerance: float = 1e-4) -> bool:
    # Linear algebra on the CPU may differ in the last bits from call to call, by where in memory its input lies.
    pairs = list(zip(_values(a), _values(b), strict=False))
    return len(_values(a)) == len(_values(b)) and all(
        x.shape == y.shape and torch.allclose(x.double(), y.double(), rtol=tolerance, atol=tolerance / 10) for x, y in pairs
    )
