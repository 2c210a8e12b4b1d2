"""Checks of metrics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from ..runs.checkpoints import random_state
from ..training.selection import update_metric
from .material import first_difference, label_columns, noise, stripes
from .subject import Subject

_TOLERANCE = 0.1
"""Relative; a metric may sample, but not depend on what came last."""

Batches = Sequence[tuple[Tensor, Tensor]]


def check_refuses_to_judge_nothing(subject: Subject) -> None:
    """`compute` without images raises `ValueError`."""
    metric = subject.made()
    try:
        result = metric.compute()
    except ValueError:
        return
    except Exception as error:
        raise subject.fault(f"compute before any update raised {type(error).__name__}; it must raise ValueError") from error
    raise subject.fault(f"compute before any update returned {result}; it must raise ValueError")


def check_gives_finite_figures(subject: Subject) -> None:
    """`compute` returns {name: float}, finite, for batches of any sizes."""
    for name, value in _figures(subject, _batches(subject)).items():
        subject.require(isinstance(name, str), f"a figure is called {name!r}, which is no text")
        subject.require(isinstance(value, float), f"{name} is a {type(value).__name__}, not a float")
        subject.require(math.isfinite(value), f"{name} is {value}")


def check_depends_on_all_batches_alike(subject: Subject) -> None:
    """The order of batches does not matter, and equal input gives equal figures."""
    batches = _batches(subject)
    forward, backward, again = (_figures(subject, given) for given in (batches, batches[::-1], batches))
    for name, value in forward.items():
        subject.require(again.get(name) == value, f"{name} of one input is {value:.6g} and then {again.get(name):.6g}")
        subject.require(
            math.isclose(value, backward.get(name, math.nan), rel_tol=_TOLERANCE, abs_tol=1e-6),
            f"{name} is {value:.4g}, with the same batches in the other order {backward.get(name):.4g}",
        )


def check_starts_anew(subject: Subject) -> None:
    """A new metric has seen nothing, whatever others have seen, and `compute` may be asked twice."""
    batches = _batches(subject)
    alone, _, again = (_figures(subject, given) for given in (batches[:1], batches[1:], batches[:1]))
    subject.require(
        again == alone,
        "a new metric gives other figures once another one has seen images: what it has seen is kept outside of it",
    )
    metric = subject.made()
    for number, batch in enumerate(batches, 1):
        _update(subject, metric, *batch)
        first = subject.ask(dict, "compute", metric.compute)
        second = subject.ask(dict, "compute, asked a second time,", metric.compute)
        subject.require(first == second, f"compute gives {first} and, asked again, {second}")
        whole = _figures(subject, batches[:number])
        subject.require(first == whole, f"compute between updates changes later figures: {first} in place of {whole}")


def check_better_is_where_it_says(subject: Subject) -> None:
    """Its first figure calls images that are alike better than images that are not, in the direction that it provides."""
    provides = subject.provided.record.provides
    directions = provides & {"lower-is-better", "higher-is-better"}
    subject.require(len(directions) < 2, "it provides both lower-is-better and higher-is-better")
    if not directions or "sees-source" in provides:  # one that sees the source may judge the change alone
        return
    channels, size = subject.channels[0], subject.size
    target, near = (stripes(16, channels, size, upright=True, seed=seed) for seed in (1, 2))
    far = noise(16, channels, size) * 0.2 + 0.7
    good, bad = (next(iter(_figures(subject, [(refined, target)]).values())) for refined in (near, far))
    subject.require(
        good < bad if directions == {"lower-is-better"} else good > bad,
        f"it provides {next(iter(directions))!r}, but gives {good:.4g} for images that are alike and {bad:.4g} "
        "for images that are not",
    )


def check_changes_nothing_else(subject: Subject) -> None:
    """Neither the images nor the global random generators change, so that judging a run does not alter its course."""
    batches, before = _batches(subject), random_state()
    copies = [(refined.clone(), target.clone()) for refined, target in batches]
    _figures(subject, batches)
    place = first_difference(before, random_state())
    subject.require(place is None, f"it draws from a global random generator ({place}); make one of its own")
    subject.require(first_difference(copies, batches) is None, "it changes the images that it is given")


CHECKS = {
    "metric": (
        check_refuses_to_judge_nothing,
        check_gives_finite_figures,
        check_depends_on_all_batches_alike,
        check_starts_anew,
        check_better_is_where_it_says,
        check_changes_nothing_else,
    )
}


def _batches(subject: Subject) -> Batches:
    """Batches that differ in look and number, so that it shows when one counts more than another."""
    channels, size = subject.channels[0], subject.size
    return [
        (noise(12, channels, size, seed=1) * 0.05 - 0.9, stripes(9, channels, size, upright=True)),
        (noise(9, channels, size, seed=2) * 0.4 + 0.5, stripes(12, channels, size, upright=False)),
        (noise(10, channels, size, seed=3), stripes(10, channels, size, upright=True) * 0.5),
    ]


def _update(subject: Subject, metric: Any, refined: Tensor, target: Tensor) -> None:
    columns = label_columns(subject.labels, len(refined))
    labels = [{name: values[row] for name, values in columns.items()} for row in range(len(refined))] if columns else None
    with subject.calling(f"update with {tuple(refined.shape)} and {tuple(target.shape)}"):
        update_metric(metric, subject.provided.record, refined, target, source=refined.flip(3) * 0.9, labels=labels)


def _figures(subject: Subject, batches: Batches) -> dict[str, float]:
    metric = subject.made()
    for batch in batches:
        _update(subject, metric, *batch)
    figures: dict[str, float] = subject.ask(dict, "compute", metric.compute)
    subject.require(bool(figures), "compute returned no figure")
    return figures
