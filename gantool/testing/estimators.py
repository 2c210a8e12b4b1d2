"""Checks of estimators."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from ..components import KeypointEstimator
from .material import finite, first_difference, noise
from .subject import Subject

_IMAGES = 24
_OUTPUTS = 2
_POINTS = "key points"


def check_predicts_what_it_was_fitted_to(subject: Subject) -> None:
    """Values or scores are (N, outputs), finite, and the same when asked again."""
    fitted = [(what, images, _fitted(subject, what, images, targets)) for what, images, targets in _tasks(subject)]
    asked = [(what, images, estimator) for what, images, estimator in fitted if estimator is not None]
    for what, given, estimator in (
        (what, images[:count], estimator) for what, images, estimator in asked for count in (_IMAGES, 1)
    ):
        result = _predict(subject, estimator, given)
        got, wanted = tuple(result.shape), (len(given), _OUTPUTS)
        subject.require(got == wanted, f"predict of {len(given)} images gives {got}, not {wanted}, for {what}")
        subject.require(not result.requires_grad, "predict keeps a graph: it must run without gradients")
        subject.require(finite(result), f"predict gives values that are not finite for {what}")
        subject.require(_close(result, _predict(subject, estimator, given)), "predict gives two results for one image")
    subject.require(
        bool(asked), f"fit refuses values, classes and key points alike, {_IMAGES} images of {tuple(subject.size)} px"
    )


def check_follows_its_seed_alone(subject: Subject) -> None:
    """All that is drawn comes from `seed`, fitting again begins anew, and what it is given stays as it was."""
    for what, images, targets in _tasks(subject):
        kept = images.clone(), targets.clone()
        first = _fitted(subject, what, images, targets, seed=7)
        if first is None:
            continue
        subject.require(first_difference(kept, (images, targets)) is None, "fit changes the images or targets that it is given")
        predicted = _predict(subject, first, images)
        torch.manual_seed(4321)
        subject.require(
            _close(predicted, _predict(subject, _fitted(subject, what, images, targets, seed=7), images)),
            f"two estimators with one seed predict different values after fitting one set ({what})",
        )
        for given in (images.flip(0), images):
            _fit(subject, first, what, given, targets)
        subject.require(
            _close(predicted, _predict(subject, first, images)),
            f"after fitting something else in between it predicts other values: fit must learn anew ({what})",
        )


def check_heeds_its_seed(subject: Subject) -> None:
    """One that draws random numbers draws others with another seed: the spread over seeds is in the interval of a verdict."""
    for what, images, targets in _tasks(subject):
        with _SeesDraws() as draws:
            fitted = [_fitted(subject, what, images, targets, seed=seed) for seed in (7, 8)]
        if None not in fitted and draws.seen:
            same = _close(*(_predict(subject, estimator, images) for estimator in fitted), tolerance=1e-6)
            subject.require(
                not same,
                f"it draws random numbers, but with the seeds 7 and 8 it predicts the same: its seed is not heeded ({what})",
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


def _tasks(subject: Subject) -> list[tuple[str, Tensor, Tensor]]:
    """Images with two values each, with one of two classes each, and with one point each; all follow from brightness."""
    shift = torch.linspace(-0.5, 0.5, _IMAGES)
    images = noise(_IMAGES, subject.channels[0], subject.size) * 0.5 + shift[:, None, None, None]
    values = torch.stack((shift, -shift), dim=1) / shift.std()
    height, width = subject.size
    points = torch.stack(((0.5 + shift) * (width - 1), (0.5 - shift) * (height - 1)), dim=1)[:, None]
    return [("values", images, values), ("classes", images, (shift > 0).long()), (_POINTS, images, points)]


def _fitted(subject: Subject, what: str, images: Tensor, targets: Tensor, *, seed: int = 0) -> Any:
    """A new estimator that has learnt, or None where it refuses what is not for it."""
    estimator = subject.made(outputs=_OUTPUTS, seed=seed)
    return estimator if _fit(subject, estimator, what, images, targets) else None


def _fit(subject: Subject, estimator: Any, what: str, images: Tensor, targets: Tensor) -> bool:
    if what == _POINTS and not isinstance(estimator, KeypointEstimator):
        return False
    with subject.calling(f"fit of {tuple(images.shape)} to {what} {tuple(targets.shape)}"):
        try:
            (estimator.fit_points if what == _POINTS else estimator.fit)(images, targets)
        except ValueError:
            return False
    return True


def _predict(subject: Subject, estimator: Any, images: Tensor) -> Tensor:
    result: Tensor = subject.ask(Tensor, f"predict of {tuple(images.shape)}", estimator.predict, images)
    return result


def _close(a: Tensor, b: Tensor, *, tolerance: float = 1e-4) -> bool:
    # Linear algebra on the CPU may differ in the last bits from call to call, by where in memory its input lies.
    return bool(torch.allclose(a, b, rtol=tolerance, atol=tolerance / 10))
