"""Line charts as inline SVG that a screen reader can name and a table repeats."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

_WIDTH, _HEIGHT = 640, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 128, 14, 34
_TABLE_ROWS = 24
"""Rows of the table beside a chart; of a longer run, every n-th log point."""
_LABEL_GAP = 15
"""Pixels between the names at the right end of lines."""


@dataclass(frozen=True)
class Series:
    """One line."""

    name: str
    points: tuple[tuple[int, float], ...]
    """(step, value), ascending; values that were not finite are left out."""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A chart and the same figures as a table."""

    title: str
    svg: Markup
    """With a title and a description for screen readers."""
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def line_chart(
    title: str,
    series: Sequence[Series],
    *,
    key: str,
    phases: Sequence[tuple[int, str]] = (),
    limits: tuple[float, float] | None = None,
    reference: tuple[float, str] | None = None,
    across: str = "step",
) -> Chart:
    """Draw `series` (at most six, none of them empty) over steps.

    `key`: makes ids unique on the page. `phases`: (first step, name) of each, ascending. `limits`: of the value axis.
    `reference`: a value with a dashed line and its name. `across`: what is counted from left to right.
    """
    steps = [step for one in series for step, _ in one.points]
    values = [value for one in series for _, value in one.points] + ([reference[0]] if reference and not limits else [])
    x = _Axis(min(0, *steps), max(1, *steps), _LEFT, _WIDTH - _RIGHT)
    y = _Axis(*(limits or _rounded(min(values), max(values))), _HEIGHT - _BOTTOM, _TOP)
    summary = "; ".join(_said(one) for one in series)
    parts = [*_grid(x, y), *_phases(phases, x), *_reference(reference, y)]
    for number, one in enumerate(series, 1):
        path = " ".join(f"{x(step):.1f},{y(value):.1f}" for step, value in one.points)
        parts.append(Markup('<polyline class="line s{}" points="{}"/>').format(number, path))
        if len(one.points) == 1:
            step, value = one.points[0]
            parts.append(Markup('<circle class="dot s{}" cx="{:.1f}" cy="{:.1f}" r="3"/>').format(number, x(step), y(value)))
    parts += _names(series, y)
    svg = Markup(
        '<svg class="chart" viewBox="0 0 {w} {h}" role="img" aria-labelledby="{k}-t {k}-d">'
        '<title id="{k}-t">{title}</title><desc id="{k}-d">{summary}</desc>{parts}</svg>'
    ).format(w=_WIDTH, h=_HEIGHT, k=key, title=title, summary=summary, parts=Markup("").join(parts))
    return Chart(title=title, svg=svg, heads=(across, *(one.name for one in series)), rows=_rows(series))


class _Axis:
    """A linear scale from values to pixels, with round ticks."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self.low, self.high, self.start, self.end = low, high, start, end

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.start + min(1.0, max(0.0, share)) * (self.end - self.start)

    def ticks(self, *, whole: bool = False) -> list[float]:
        step = _nice((self.high - self.low) / 4)
        step = max(1, math.ceil(step)) if whole else step
        first = math.ceil(self.low / step - 1e-9)
        return [number * step for number in range(first, math.floor(self.high / step + 1e-9) + 1)]


def _nice(value: float) -> float:
    """1, 2, 2.5 or 5 times a power of ten, at least `value`."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= value * (1 - 1e-9))


def _rounded(low: float, high: float) -> tuple[float, float]:
    """Limits that hold both, 0 where that is near, and lie on ticks."""
    low = min(low, 0.0) if low < 0.5 * high else low
    span = (high - low) or abs(high) or 1.0
    step = _nice(span / 4)
    low, high = math.floor(low / step) * step, math.ceil(high / step) * step
    return low, high if high > low else low + step


def _grid(x: _Axis, y: _Axis) -> list[Markup]:
    line = Markup('<line class="grid" x1="{:.0f}" x2="{:.0f}" y1="{at:.1f}" y2="{at:.1f}"/>')
    side = Markup('<text class="tick" x="{:.0f}" y="{:.1f}" text-anchor="end">{:.3g}</text>')
    below = Markup('<text class="tick" x="{:.1f}" y="{:.0f}" text-anchor="middle">{:,.0f}</text>')
    parts = [
        part
        for value in y.ticks()
        for part in (line.format(x.start, x.end, at=y(value)), side.format(x.start - 8, y(value) + 4, value))
    ]
    return parts + [below.format(x(value), _HEIGHT - _BOTTOM + 18, value) for value in x.ticks(whole=True)]


def _phases(phases: Sequence[tuple[int, str]], x: _Axis) -> list[Markup]:
    line = Markup('<line class="phase" x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}"><title>{3}</title></line>')
    return [
        line.format(x(step), _TOP, _HEIGHT - _BOTTOM, f"{name} begins at step {step}") for step, name in phases if step > x.low
    ]


def _reference(reference: tuple[float, str] | None, y: _Axis) -> list[Markup]:
    if reference is None:
        return []
    at, end = y(reference[0]), _WIDTH - _RIGHT
    line = Markup('<line class="reference" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>').format(_LEFT, end, at, at)
    text = Markup('<text class="tick" x="{}" y="{:.1f}">{}</text>').format(_LEFT + 4, at + 14, reference[1])
    return [line, text]


def _names(series: Sequence[Series], y: _Axis) -> list[Markup]:
    """The name of each line at its right end, moved apart where ends are close."""
    ends = sorted((y(one.points[-1][1]), number, one.name) for number, one in enumerate(series, 1))
    placed: list[float] = []
    for at, _, _ in ends:
        placed.append(max(at, placed[-1] + _LABEL_GAP) if placed else at)
    over = max(0.0, placed[-1] - (_HEIGHT - _BOTTOM))
    text = '<text class="name s{}" x="{}" y="{:.1f}">{}</text>'
    return [
        Markup(text).format(number, _WIDTH - _RIGHT + 8, at - over + 4, name.replace("_", " "))
        for at, (_, number, name) in zip(placed, ends, strict=True)
    ]


def _said(one: Series) -> str:
    values = [value for _, value in one.points]
    ends = f"from {values[0]:.3g} to {values[-1]:.3g}"
    return f"{one.name.replace('_', ' ')} goes {ends}, lowest {min(values):.3g}, highest {max(values):.3g}"


def _rows(series: Sequence[Series]) -> tuple[tuple[str, ...], ...]:
    steps = sorted({step for one in series for step, _ in one.points})
    every = -(-len(steps) // _TABLE_ROWS)
    # The last log point counts most, so thinning starts from it.
    kept = steps[::-1][::every][::-1]
    columns = [dict(one.points) for one in series]
    return tuple((f"{step:,}", *(f"{column[step]:.3g}" if step in column else "" for column in columns)) for step in kept)


def interval_mark(mean: float, low: float, high: float, *, limits: tuple[float, float], start: float, key: bool) -> Markup:
    """A mean with its interval, for a cell of a table whose text says the same. `start`: a value that is marked in all rows."""
    x = _Axis(*limits, 6, 154)
    return Markup(
        '<svg class="plot" width="160" height="16" aria-hidden="true">'
        '<line class="start" x1="{s:.1f}" x2="{s:.1f}" y1="0" y2="16"/>'
        '<g{k}><line x1="{l:.1f}" x2="{h:.1f}" y1="8" y2="8"/><circle cx="{m:.1f}" cy="8" r="4"/></g></svg>'
    ).format(s=x(start), l=x(low), h=x(high), m=x(mean), k=Markup(' class="key"') if key else "")
