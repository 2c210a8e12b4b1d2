"""What `gantool data inspect` prints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from ..data.inspection.frames import FramesSummary
from ..data.inspection.review import Finding
from ..data.inspection.survey import AnnotationSummary, LabelSummary, Spread, Survey
from ..values import counted

_BARS = " ▁▂▃▄▅▆▇█"
_KINDS = 5
"""Sizes that are listed; the others are counted."""


def print_inspection(
    surveys: Sequence[Survey], findings: Sequence[Sequence[Finding]], differences: Sequence[Finding], sheet: Path | None
) -> None:
    """Print a table with a column per set, then what was found."""
    # File names and causes are no markup.
    console = Console(markup=False, highlight=False, emoji=False)
    names = ["synthetic", "real"] if len(surveys) == 2 else [""]
    table = Table(box=SIMPLE, show_edge=False, padding=(0, 1, 0, 0), show_header=len(surveys) == 2)
    table.add_column("")
    for name in names:
        table.add_column(name, overflow="fold")
    rows = [_rows(survey) for survey in surveys]
    for key in dict.fromkeys(key for row in rows for key in row):
        table.add_row(key, *(row.get(key, "") for row in rows))
    console.print(table)
    for survey in surveys:
        if survey.is_sample:
            console.print(
                f"Figures of {survey.path} come from a random sample of {survey.examined:,} images (--limit).", soft_wrap=True
            )
    found = [(name, finding) for name, about in zip(names, findings, strict=True) for finding in about]
    found += [("", finding) for finding in differences]
    _print_findings(console, found)
    if sheet is not None:
        console.print(f"Contact sheet: {sheet}", soft_wrap=True)


def _print_findings(console: Console, found: Sequence[tuple[str, Finding]]) -> None:
    console.print(f"\n{counted(len(found), 'thing')} to know" + (":" if found else "."))
    for name, finding in found:
        # Whole lines, so that they can be searched and copied; a terminal wraps them itself.
        console.print(f"- {name + ': ' if name else ''}{finding.text}", soft_wrap=True)
        console.print(f"    {finding.advice}", soft_wrap=True)


def _rows(s: Survey) -> dict[str, str]:
    rows = {
        "path": s.path,
        "images": f"{s.images:,}" + (f" ({s.examined:,} examined)" if s.is_sample else ""),
        "size (height x width)": _counts(s.sizes),
        "channels": _counts(s.channels),
        "type": _counts(s.dtypes),
        "values": _values(s),
        "brightness": _spread(s.brightness),
        "contrast": _spread(s.contrast),
        "black, white": f"{s.black:.1%}, {s.white:.1%} of the pixels",
        "histogram": histogram_bars(a + b for a, b in zip(s.histogram[::2], s.histogram[1::2], strict=True)),
        "equalised": f"{s.equalised:.0%} of the images",
    }
    rows |= {f"label {label.name}": _label(label) for label in s.labels}
    if s.frames is not None:
        rows |= frame_rows(s.frames)
    return rows | {found.format: _annotations(found) for found in s.annotated.summaries}


def _values(s: Survey) -> str:
    """The range; of floats, which have none of their own, also where most lie, and how many are none."""
    unit = f" {s.unit}" if s.unit else ""
    text = f"{s.low:g} to {s.high:g}{unit}"
    if "float32" in s.dtypes:
        low, high = s.percentiles
        text += f"\n0.1 to 99.9 % of the pixels: {low:g} to {high:g}{unit}"
    return text + (f"\n{s.blank:.2%} NaN or infinite" if s.blank else "")


def frame_rows(found: FramesSummary) -> dict[str, str]:
    """Return what belongs to the pictures of a folder, row by row."""
    rows = {"layout": found.layout}
    for one in found.passes:
        kind = "" if one.name == one.kind else f"{one.kind}, "
        unit = f" {one.unit}" if one.unit else ""
        span = "nothing" if one.low is None else f"{one.low:.4g} to {one.high:.4g}{unit}"
        range_ = span if one.ids is None else counted(one.ids, "id")
        rows[f"pass {one.name}"] = f"{kind}{range_}" + (f", {one.empty:.1%} background" if one.empty else "")
    rows |= {f"label {name}": f"{kind}, of {counted(count, 'frame')}" for name, (kind, count) in found.labels.items()}
    rows |= {"note": "\n".join(found.notes)} if found.notes else {}
    return rows | ({"copied": counted(found.copied, "other file")} if found.copied else {})


def print_frames(path: str, found: FramesSummary, findings: Sequence[Finding]) -> None:
    """Print what a folder without pictures holds, and what is missing."""
    console = Console(markup=False, highlight=False, emoji=False)
    table = Table(box=SIMPLE, show_edge=False, padding=(0, 1, 0, 0), show_header=False)
    table.add_column("")
    table.add_column("", overflow="fold")
    for key, value in {"path": path, "images": f"none: {found.missing}", **frame_rows(found)}.items():
        table.add_row(key, value)
    console.print(table)
    _print_findings(console, [("", finding) for finding in findings])


def histogram_bars(shares: Iterable[float]) -> str:
    """Draw shares as bars, the tallest full."""
    shares = list(shares)
    top = max(shares) or 1
    return "".join(_BARS[round(share / top * (len(_BARS) - 1))] for share in shares)


def _counts(counts: Mapping[Any, int]) -> str:
    if len(counts) == 1:
        return str(next(iter(counts)))
    shown = [f"{key}: {count:,}" for key, count in list(counts.items())[:_KINDS]]
    return ", ".join(shown) + (f", {len(counts) - _KINDS} more" if len(counts) > _KINDS else "")


def _spread(spread: Spread) -> str:
    return f"{spread.mean:.2f} ± {spread.deviation:.2f}"


def _annotations(found: AnnotationSummary) -> str:
    rows = f"{found.objects:,} in {counted(found.files, 'file')}, of {counted(found.images, 'image')}"
    return rows + (f"\n{_counts(found.classes)}" if found.classes else "")


def _label(label: LabelSummary) -> str:
    if label.classes:
        return _counts(label.classes)
    if not label.mean:
        return label.dtype
    columns = zip(label.low, label.high, label.mean, label.deviation, strict=True)
    return "\n".join(f"{low:.3g} to {high:.3g}, {mean:.3g} ± {deviation:.3g}" for low, high, mean, deviation in columns)
