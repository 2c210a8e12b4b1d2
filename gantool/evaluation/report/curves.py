"""The curves of a run, from its metrics.jsonl."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ...runs.metrics import CHECKPOINT
from .chart import Chart, Series, line_chart

_POINTS = 400
"""Points per line; longer runs are averaged in blocks of log points."""
_LINES = 6
"""Lines per chart: more cannot be told apart."""
_LEFT_OUT = ("images_per_second",)


def make_charts(rows: Sequence[dict[str, Any]]) -> list[Chart]:
    """Losses, the discriminator's accuracy, every other figure, and what the run's metric said at checkpoints."""
    logged = [row for row in rows if row.get("phase") != CHECKPOINT]
    series = _series(logged)
    losses = [one for one in series if one.name.endswith("loss")]
    accuracy = [one for one in series if "accuracy" in one.name]
    scale: dict[str, Any] = {"limits": (0.0, 1.0), "reference": (0.5, "it cannot tell")}
    phases: dict[str, Any] = {"phases": _phases(logged)}
    charts = [("Losses", group, phases) for group in _groups(losses)]
    charts += [("Accuracy of the discriminator", group, phases | scale) for group in _groups(accuracy)]
    charts += [(_title(one), [one], phases) for one in series if one not in losses and one not in accuracy]
    judged = _series(row for row in rows if row.get("phase") == CHECKPOINT)
    charts += [(f"{_title(one)} at checkpoints", [one], {}) for one in judged]
    return [line_chart(title, group, key=f"chart-{number}", **more) for number, (title, group, more) in enumerate(charts)]


def last_figures(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Return the newest value of each figure."""
    return {one.name: one.points[-1][1] for one in _series(rows)}


def _series(rows: Iterable[dict[str, Any]]) -> list[Series]:
    found: dict[str, list[tuple[int, float]]] = {}
    for row in rows:
        for name, value in row.items():
            figure = isinstance(value, int | float) and not isinstance(value, bool)
            if figure and name != "step" and name not in _LEFT_OUT:
                found.setdefault(name, []).append((row["step"], float(value)))
    return [Series(name, tuple(_thin(points))) for name, points in found.items()]


def _thin(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    block = -(-len(points) // _POINTS)
    groups = [points[start : start + block] for start in range(0, len(points), block)]
    return [(group[-1][0], sum(value for _, value in group) / len(group)) for group in groups]


def _phases(rows: Sequence[dict[str, Any]]) -> list[tuple[int, str]]:
    """(last step before it, name) of each phase: lines hold the means up to their step."""
    found: list[tuple[int, str]] = []
    before = 0
    for row in rows:
        name = str(row.get("phase", ""))
        if not found or found[-1][1] != name:
            found.append((before, name))
        before = row["step"]
    return found


def _groups(series: list[Series]) -> list[list[Series]]:
    return [series[start : start + _LINES] for start in range(0, len(series), _LINES)]


def _title(one: Series) -> str:
    return one.name.replace("_", " ").capitalize()
