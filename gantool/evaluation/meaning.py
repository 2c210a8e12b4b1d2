"""Which labels are compared and what they mean: settled before an image is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ..components import Labels, Task
from ..data.domains import name_of
from ..data.scenes import OBJECTS, OUTLINES, Column
from ..errors import GantoolError, nearest
from ..plan.settings import EvaluateSettings
from ..plugins.registry import Part, Provided, Registry
from .sources import check_alike, labels_of, read_labels
from .tasks import guess, task_name

_UNITS = (30, 110)
"""Times that labels vary as much in one domain as in the other, where degrees may meet radians (57.3)."""


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What is learnt and scored."""

    labels: Labels
    real_values: Any
    """Labels of the labelled real images, as `Labels.values`."""
    provided: Provided
    part: Part
    task: Task
    notes: tuple[str, ...]


def settle_meaning(
    settings: EvaluateSettings,
    registry: Registry,
    options: Mapping[str, Any],
    domains: tuple[object, object],
    *,
    size: tuple[int, int],
    own_sizes: bool,
    crop: bool,
    real_first: bool,
) -> Meaning:
    """Choose labels that both `domains`, synthetic and real, have, and a task for them. Raises `GantoolError`, one line.

    Args:
        settings: `labels`, `task` and `within_px`.
        registry: Where tasks are found.
        options: Of the task.
        domains: Images with labels.
        size: (H, W) of images that are all brought to one size.
        own_sizes: Whether images whose labels have a place in them keep their sizes.
        crop: As of `Labels`.
        real_first: Whether the first of several labels is the one that is meant, as with a data set that brings its own.
    """
    chosen = None if settings.task == "auto" else registry.find("task", settings.task)
    names, note = choose_labels(settings.labels, *domains, real_first=real_first)
    tried = [_labels(name, domains, size, own_sizes=own_sizes, crop=crop) for name in names]
    why = None
    for labels, real_values, told in tried:
        try:
            provided = chosen or guess(registry, labels)
            part = provided.with_options({**options, **_within(settings, provided)}, where="task.")
            task = part.build(labels=labels)
        except GantoolError as error:
            why = why or error
            continue
        guessed = f"task: {task_name(provided)}, by {'the kind' if labels.names else 'the name and shape'} of {labels.name}"
        notes = [note.format(labels.name), "" if chosen else guessed, *told]
        return Meaning(
            labels=labels,
            real_values=real_values,
            provided=provided,
            part=part,
            task=task,
            notes=tuple(each for each in notes if each),
        )
    assert why is not None
    raise why


def _within(settings: EvaluateSettings, provided: Provided) -> dict[str, Any]:
    """What `--within-px` is as an option. Raises `GantoolError` for tasks that have none."""
    if settings.within_px is None:
        return {}
    if "within_px" not in [each.name for each in fields(provided.record.options)]:
        raise GantoolError(f"--within-px is for key points, and the task is {task_name(provided)}: leave it out")
    return {"within_px": settings.within_px}


def choose_labels(wanted: str, synthetic: object, real: object, *, real_first: bool) -> tuple[tuple[str, ...], str]:
    """Return names of labels to try, in this order, and a note on the one that is taken, "{}", or "" where nothing was chosen.

    `wanted`: what --labels says, "" for nothing. Raises `GantoolError` where no name serves both domains, or where several might.
    """
    for domain, option in ((synthetic, "--synthetic"), (real, "--real-labelled")):
        if not labels_of(domain):
            beside = (
                "an array with a row per image in an .npz or .h5, or annotations, masks, NAME.json files or a table in a folder"
            )
            raise GantoolError(f"{name_of(domain)} has no labels: pass {option} PATH with labels beside the images ({beside})")
    if wanted:
        for domain in (synthetic, real):
            for name in wanted.split(","):
                if name not in labels_of(domain):
                    raise GantoolError(f"{name_of(domain)} has no labels {name!r}{nearest(name, labels_of(domain), 'it has')}")
        return (wanted,), ""
    shared = [name for name in labels_of(real) if name in labels_of(synthetic)]
    if not shared:
        have = [f"{name_of(domain)} has {', '.join(labels_of(domain))}" for domain in (synthetic, real)]
        raise GantoolError(f"no labels of one name in both domains: {'; '.join(have)}")
    if len(shared) == 1:
        return (shared[0],), "labels: {}, the only ones in both domains"
    if OBJECTS not in shared and not real_first:
        raise GantoolError(f"both domains have several labels: pass --labels NAME, one of: {', '.join(shared)}")
    first = [OBJECTS, *(name for name in shared if name != OBJECTS)] if OBJECTS in shared else shared[:1]
    return tuple(first), f"labels: {{}}, of {', '.join(shared)}: --labels chooses"


def _labels(
    name: str, domains: tuple[object, object], size: tuple[int, int], *, own_sizes: bool, crop: bool
) -> tuple[Labels, Any, list[str]]:
    """Labels of one name, those of the real images, and notes on them."""
    columns = [labels_of(domain).get(name) for domain in domains]
    if any(isinstance(column, Column) for column in columns):
        return _column(name, domains, columns, None if own_sizes else size, crop=crop)
    values, real_values = (read_labels(domain, name) for domain in domains)
    check_alike(name, values, real_values)
    labels = Labels(name=name, values=values, size=size, crop=crop)
    return labels, real_values, _on_units(name, values, real_values)


def _column(
    name: str, domains: tuple[object, object], columns: Sequence[Any], size: tuple[int, int] | None, *, crop: bool
) -> tuple[Labels, Any, list[str]]:
    synthetic, real = columns
    kinds = [getattr(column, "kind", "values") for column in columns]
    if kinds[0] != kinds[1] and set(kinds) != {OBJECTS, OUTLINES}:
        raise GantoolError(f"labels {name} differ: {kinds[0]} for the synthetic images, {kinds[1]} for the real ones")
    for column in columns:
        if column.problem:
            raise GantoolError(column.problem)
    names = tuple(each for each in synthetic.names if each in real.names)
    lists = [", ".join(column.names[:10]) for column in columns]
    if synthetic.names and not names:
        have = [f"{name_of(domain)} has {words}" for domain, words in zip(domains, lists, strict=True)]
        raise GantoolError(f"no class has one name in both domains: {'; '.join(have)}")
    notes = [
        f"left out: class {', '.join(alone)}, which {name_of(domain)} alone has"
        for domain, column in zip(domains, columns, strict=True)
        if (alone := [each for each in column.names if each not in names])
    ]
    notes += [doubt for column in columns if (doubt := column.doubt())]
    kind = OBJECTS if OBJECTS in kinds else kinds[0]
    labels = Labels(name=name, values=_Named(synthetic, names), size=size, crop=crop, kind=kind, names=names)
    return labels, _Named(real, names), notes


class _Named:
    """A column whose maps of classes count the names that both domains have; -1 is any other."""

    def __init__(self, column: Column, names: Sequence[str]) -> None:
        self._column = column
        places = [names.index(name) if name in names else -1 for name in column.names]
        self._places = np.array([*places, -1], np.int16)  # -1, of no class, is the last one

    def __len__(self) -> int:
        return len(self._column)

    def __getitem__(self, rows: Any) -> list[Any]:
        found = self._column[rows]
        return [self._places[each] if isinstance(each, np.ndarray) and each.dtype == np.int16 else each for each in found]


def _on_units(name: str, values: np.ndarray, real_values: np.ndarray) -> list[str]:
    if values.dtype.kind != "f":
        return []
    spreads = [float(np.std(each)) for each in (values, real_values)]
    low, high = sorted(spreads)
    if not low or not _UNITS[0] <= high / low <= _UNITS[1]:
        return []
    wide = "synthetic" if spreads[0] > spreads[1] else "real"
    return [f"{name} varies {high / low:.0f} times as much in the {wide} images: degrees in one domain, radians in the other?"]
