"""What `gantool evaluate` found, in the form the page shows it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from ...errors import GantoolError
from ...runs.folder import EVALUATION
from ...values import number
from .chart import Chart, Series, interval_mark, line_chart
from .examples import read_examples

_DEPTH = 4
"""Levels of nested figures that are shown; deeper ones are raw data."""
_SECTIONS = {"Label preservation": "label_preservation", "Realism": "realism", "Other metrics": "metrics"}


def read_findings(run: Path) -> dict[str, Any] | None:
    """Read RUN/evaluation.json; None where the run was not evaluated. Raises `GantoolError` where it is damaged.

    Returns the verdict's "word", "sentence" and "caveats" (what it does not say); "unit" and "higher_is_better" of the figures;
    "arms", the rows of the table; "worth", a chart over labelled pictures, or None; "baseline"; "skipped", pairs of arm and
    reason; "figures", (title, pairs of name and value) of label preservation, realism and what the refiner does; "notes";
    "step", that of the weights that were evaluated; and what `read_examples` returns.
    """
    path = run / EVALUATION
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return _findings(data) | read_examples(run, data)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise GantoolError(f"{path} is damaged ({error!r}): delete it, or evaluate the run again") from None


def _findings(data: Mapping[str, Any]) -> dict[str, Any]:
    downstream, baseline, about = data["downstream"], data.get("baseline"), data.get("data") or {}
    plots = _plots(downstream)
    activity = {key: value for key, value in (data.get("activity") or {}).items() if key != "discriminator"}
    figures = {title: data.get(key) for title, key in _SECTIONS.items()} | {"What the refiner does": activity}
    return {
        "word": str(data["verdict"]),
        "sentence": str(data.get("sentence") or f"Verdict: {data['verdict']}."),
        "caveats": [str(caveat) for caveat in data.get("caveats") or ()],
        "unit": next((str(arm.get("unit", "")) for arm in downstream.values()), ""),
        "higher_is_better": bool(about.get("higher_is_better")),
        "arms": [_row(name, arm, plots[name]) for name, arm in downstream.items()],
        "worth": _worth(data.get("worth"), downstream),
        "baseline": f"{baseline['name']}: {number(baseline['mean'])} {baseline.get('unit', '')}" if baseline else "",
        "skipped": [(str(name), str(why)) for name, why in (data.get("skipped") or {}).items()],
        "figures": [(title, rows) for title, values in figures.items() if (rows := list(_flat(values)))],
        "notes": [str(note) for note in about.get("notes") or ()],
        "step": about.get("step"),
    }


def _worth(found: Mapping[str, Any] | None, downstream: Mapping[str, Any]) -> Chart | None:
    """The figure over the number of labelled real pictures that were learnt from; None where none were."""
    if not found:
        return None
    names = {"labelled": "labelled alone", "synthetic": "beside synthetic", "refined": "beside refined"}
    curves = {name: [point for point in points if point[1] is not None] for name, points in found["curves"].items()}
    series = [
        Series(names[name], tuple((count, mean) for count, mean, *_ in points)) for name, points in curves.items() if points
    ]
    refined = downstream["refined"]["mean"]
    reference = None if refined is None else (refined, "refined, without labels")
    title = "What labelled real pictures are worth"
    return line_chart(title, series, key="worth", reference=reference, across="pictures") if series else None


def _plots(downstream: Mapping[str, Any]) -> dict[str, Markup]:
    """A mark for each arm, on a scale that all share."""
    known = {name: arm for name, arm in downstream.items() if arm["mean"] is not None}
    spans = {
        name: tuple(arm["mean"] if arm.get(end) is None else arm[end] for end in ("low", "high")) for name, arm in known.items()
    }
    ends = [end for span in spans.values() for end in span] or [0]
    limits = (min(ends), max(ends) if max(ends) > min(ends) else min(ends) + 1)
    start = next((known[name]["mean"] for name in ("synthetic", *known) if name in known), 0)
    marks = {
        name: interval_mark(arm["mean"], *spans[name], limits=limits, start=start, key=name == "refined")
        for name, arm in known.items()
    }
    return dict.fromkeys(downstream, Markup("")) | marks


def _row(name: str, arm: Mapping[str, Any], plot: Markup) -> dict[str, Any]:
    low, high = arm.get("low"), arm.get("high")
    extra = ", ".join(f"{key} {number(value)}" for key, value in (arm.get("extra") or {}).items())
    return {
        "name": name,
        "error": number(arm["mean"]),
        "interval": "–" if low is None or high is None else f"{number(low)} to {number(high)}",
        "plot": plot,
        "ratio": number(arm.get("ratio")),
        "runs": number(arm.get("runs")),
        "images": number(arm.get("n")),
        "note": "; ".join(text for text in (extra, str(arm.get("note") or "")) if text),
    }


def _flat(value: Any, name: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Every figure and text of a nested object, with the way to it as its name. Lists are shown where they are short."""
    if isinstance(value, Mapping):
        for key, item in value.items() if depth < _DEPTH else ():
            yield from _flat(item, f"{name} · {key}" if name else str(key), depth + 1)
    elif isinstance(value, list):
        if len(value) <= 4 and all(isinstance(item, int | float | str | None) for item in value):
            yield name.replace("_", " "), ", ".join(number(item) for item in value)
    elif value is not None:
        yield name.replace("_", " "), number(value)
