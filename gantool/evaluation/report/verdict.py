"""What `gantool evaluate` found, in the form the page shows it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from ...errors import GantoolError
from ...values import number
from .chart import interval_mark

EVALUATION = "evaluation.json"
_DEPTH = 4
"""Levels of nested figures that are shown; deeper ones are raw data."""


@dataclass(frozen=True, kw_only=True)
class Arm:
    """A row of the table."""

    name: str
    error: str
    interval: str
    plot: Markup
    """The same as a mark on a scale that all rows share."""
    ratio: str
    runs: str
    images: str
    note: str


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The verdict, its table, and every other figure."""

    word: str
    """"helps", "no difference" or "hurts"."""
    sentence: str
    caveats: tuple[str, ...]
    """What the verdict does not say, such as a classical method that does better."""
    unit: str
    arms: tuple[Arm, ...]
    baseline: str
    skipped: tuple[tuple[str, str], ...]
    figures: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    """(title, (name, value) of each) of label preservation, realism and what the refiner does."""
    notes: tuple[str, ...]
    step: int | None
    """Steps of training of the weights that were evaluated."""


def read_verdict(run: Path) -> Verdict | None:
    """Read RUN/evaluation.json; None where the run was not evaluated. Raises `GantoolError` where it is damaged."""
    path = run / EVALUATION
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return _verdict(data)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise GantoolError(f"{path} is damaged ({error!r}): delete it, or evaluate the run again") from None


def _verdict(data: Mapping[str, Any]) -> Verdict:
    downstream = data["downstream"]
    plots = _plots(downstream)
    units = [arm.get("unit", "") for arm in downstream.values()]
    baseline = data.get("baseline")
    sections = (("Label preservation", "label_preservation"), ("Realism", "realism"), ("Other metrics", "metrics"))
    activity = {key: value for key, value in (data.get("activity") or {}).items() if key != "discriminator"}
    figures = [(title, tuple(_flat(data.get(key)))) for title, key in sections]
    figures.append(("What the refiner does", tuple(_flat(activity))))
    about = data.get("data") or {}
    return Verdict(
        word=str(data["verdict"]),
        sentence=str(data.get("sentence") or f"Verdict: {data['verdict']}."),
        caveats=tuple(str(caveat) for caveat in data.get("caveats") or ()),
        unit=str(units[0]) if units else "",
        arms=tuple(_arm(name, arm, plots[name]) for name, arm in downstream.items()),
        baseline=f"{baseline['name']}: {number(baseline['mean'])} {baseline.get('unit', '')}" if baseline else "",
        skipped=tuple((str(name), str(why)) for name, why in (data.get("skipped") or {}).items()),
        figures=tuple((title, rows) for title, rows in figures if rows),
        notes=tuple(str(note) for note in about.get("notes") or ()),
        step=about.get("step"),
    )


def _plots(downstream: Mapping[str, Any]) -> dict[str, Markup]:
    known = {name: arm for name, arm in downstream.items() if arm["mean"] is not None}
    spans = {
        name: tuple(arm["mean"] if arm.get(end) is None else arm[end] for end in ("low", "high")) for name, arm in known.items()
    }
    if not known:
        return dict.fromkeys(downstream, Markup(""))
    lowest, highest = min(low for low, _ in spans.values()), max(high for _, high in spans.values())
    limits = (lowest, highest if highest > lowest else lowest + 1)
    start = known.get("synthetic", next(iter(known.values())))["mean"]
    marks = {
        name: interval_mark(arm["mean"], *spans[name], limits=limits, start=start, key=name == "refined")
        for name, arm in known.items()
    }
    return dict.fromkeys(downstream, Markup("")) | marks


def _arm(name: str, arm: Mapping[str, Any], plot: Markup) -> Arm:
    low, high = arm.get("low"), arm.get("high")
    extra = ", ".join(f"{key} {number(value)}" for key, value in (arm.get("extra") or {}).items())
    return Arm(
        name=name,
        error=number(arm["mean"]),
        interval="–" if low is None or high is None else f"{number(low)} to {number(high)}",
        plot=plot,
        ratio=number(arm.get("ratio")),
        runs=number(arm.get("runs")),
        images=number(arm.get("n")),
        note="; ".join(text for text in (extra, str(arm.get("note") or "")) if text),
    )


def _flat(value: Any, name: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Every figure and text of a nested object, with the way to it as its name. Lists are shown where they are short."""
    if isinstance(value, Mapping):
        if depth < _DEPTH:
            for key, item in value.items():
                yield from _flat(item, f"{name} · {key}" if name else str(key), depth + 1)
    elif isinstance(value, list):
        if len(value) <= 4 and all(isinstance(item, int | float | str | None) for item in value):
            yield name.replace("_", " "), ", ".join(number(item) for item in value)
    elif value is not None:
        yield name.replace("_", " "), number(value)
