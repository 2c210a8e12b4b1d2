"""Checks of estimators. See `gantool.hookspecs.gantool_estimators`."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from ..components import KeypointEstimator
from .pictures import noise
from .state import first_difference
from .subject import Subject

_IMAGES = 24
_OUTPUTS = 2
_POINTS = "key points"


def check_predicts_what_it_was_fitted_to(subject: Subject) -> None:
    """Values or scores are (N, outputs), finite, and the same when asked again."""
    asked = 0
    for what, images, targets in _tasks(subject):
        estimator = subject.made(outputs=_OUTPUTS, seed=0)
        if not _fitted(subject, estimator, images, targets, what):
            continue
        asked += 1
        for count in (_IMAGES, 1):
            given = images[:count]
            result = _predict(subject, estimator, given)
            got = tuple(result.shape)
            subject.require(
                got == (count, _OUTPUTS), f"predict of {count} images gives {got}, not ({count}, {_OUTPUTS}), for {what}"
            )
            subject.require(not result.requires_grad, "predict keeps a graph: it must run without gradients")
            subject.require(bool(torch.isfinite(result).all()), f"predict gives values that are not finite for {what}")
            same = _close(result, _predict(subject, estimator, given))
            subject.require(same, "predict gives two results for one image")
    subject.require(asked > 0, f"fit refuses values, classes and key points alike, {_IMAGES} images of {tuple(subject.size)} px")


def check_follows_its_seed_alone(subject: Subject) -> None:
    """All that is drawn comes from `seed`, fitting again begins anew, and what it is given stays as it was."""
    for what, images, targets in _tasks(subject):
        first, second = (subject.made(outputs=_OUTPUTS, seed=7) for _ in range(2))
        kept = images.clone(), targets.clone()
        if not _fitted(subject, first, images, targets, what):
            continue
        subject.require(first_difference(kept, (images, targets)) is None, "fit changes the images or targets that it is given")
        predicted = _predict(subject, first, images)
        torch.manual_seed(4321)
        _fitted(subject, second, images, targets, what)
        same = _close(predicted, _predict(subject, second, images))
        subject.require(same, f"two estimators with one seed predict different values after fitting one set ({what})")
        _fitted(subject, first, images.flip(0), targets, what)
        _fitted(subject, first, images, targets, what)
        same = _close(predicted, _predict(subject, first, images))
        subject.require(same, f"after fitting something else in between it predicts other values: fit must learn anew ({what})")


def check_heeds_its_seed(subject: Subject) -> None:
    """One that draws random numbers draws others with another seed: the spread over seeds is in the interval of a verdict."""
    for what, images, targets in _tasks(subject):
        predicted, draws = [], _SeesDraws()
        for seed in (7, 8):
            with draws:
                estimator = subject.made(outputs=_OUTPUTS, seed=seed)
                if not _fitted(subject, estimator, images, targets, what):
                    break
            predicted.append(_predict(subject, estimator, images))
        if len(predicted) < 2 or not draws.seen:
            continue
        subject.require(
            not torch.equal(*predicted),
            f"it draws random numbers, but with the seeds 7 and 8 it predicts the same: its seed is not heeded ({what})",
        )


CHECKS = (check_predicts_what_it_was_fitted_to, check_follows_its_seed_alone, check_heeds_its_seed)


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
    images = noise(_IMAGES, subject.channels[0], subject.size) * 0.5
    shift = torch.linspace(-0.5, 0.5, _IMAGES)
    images = images + shift[:, None, None, None]
    values = torch.stack((shift, -shift), dim=1) / shift.std()
    height, width = subject.size
    points = torch.stack(((0.5 + shift) * (width - 1), (0.5 - shift) * (height - 1)), dim=1)[:, None]
    return [("values", images, values), ("classes", images, (shift > 0).long()), (_POINTS, images, points)]


def _fitted(subject: Subject, estimator: Any, images: Tensor, targets: Tensor, what: str) -> bool:
    """Fit; False where the estimator refuses, with `ValueError`, what is not for it."""
    if what == _POINTS and not isinstance(estimator, KeypointEstimator):
        return False
    try:
        if what == _POINTS:
            estimator.fit_points(images, targets)
        else:
            estimator.fit(images, targets)
    except ValueError:
        return False
    except Exception as error:
        raise subject.fault(
            f"fit of {tuple(images.shape)} to {what} {tuple(targets.shape)} raised {type(error).__name__}: {error}"
        ) from error
    return True


def _predict(subject: Subject, estimator: Any, images: Tensor) -> Tensor:
    with subject.calling(f"predict of {tuple(images.shape)}"):
        result = estimator.predict(images)
    subject.require(isinstance(result, Tensor), f"predict returned a {type(result).__name__}, not a tensor")
    tensor: Tensor = result
    return tensor


def _close(a: Tensor, b: Tensor) -> bool:
    # Linear algebra on the CPU may differ in the last bits from call to call, by where in memory its input lies.
    return bool(torch.allclose(a, b, rtol=1e-4, atol=1e-5))
