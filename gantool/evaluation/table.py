"""The result of an evaluation for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..values import figure, number


def print_result(result: Mapping[str, Any], console: Console) -> None:
    """Print the table of each estimator, what was left out and why, and the verdict last."""
    for estimator, arms in result["estimators"].items():
        console.print(_table(estimator, arms, result))
        if next(iter(arms.values()))["extra"]:
            console.print(_extra(arms))
    lines = [f"{arm}: skipped, {why}" for arm, why in result["skipped"].items()]
    lines += [f"Note: {note}" for note in result["data"]["notes"]] + evidence_lines(result)
    for line in (*lines, Text(result["sentence"], style="bold"), *result["caveats"]):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _table(estimator: str, arms: Mapping[str, Any], result: Mapping[str, Any]) -> Table:
    first = next(iter(arms.values()))
    data, baseline = result["data"], result["baseline"]
    tested = f"{first['runs']} estimators each, tested on {first['n']:,} labelled real images; ratio: to synthetic"
    table = Table(title=f"{estimator}, {data['task']} {data['labels']}: {tested}", title_justify="left", box=SIMPLE_HEAD)
    what = "score" if data.get("higher_is_better") else "error"
    for heading, justify in (("learnt from", "left"), (what, "right"), ("95 % interval", "right"), ("ratio", "right")):
        table.add_column(heading, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    table.add_column("images", justify="right", no_wrap=True)
    for arm, row in arms.items():
        unit = row["unit"]
        ends = "" if row["low"] is None else f"{number(row['low'], unit)} to {number(row['high'], unit)}"
        ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f}"
        style = "bold" if arm == "refined" else ""
        table.add_row(arm, figure(row["mean"], unit), ends, ratio, f"{row['train_images']:,}", style=style)
    table.add_section()
    table.add_row(baseline["name"], figure(baseline["mean"], baseline["unit"]))
    return table


def _extra(arms: Mapping[str, Any]) -> Table:
    """Further figures, a table of their own: beside the others their headings would be cut on a narrow terminal."""
    table = Table(box=SIMPLE_HEAD)
    table.add_column("learnt from", no_wrap=True)
    names = list(next(iter(arms.values()))["extra"])
    for name in names:
        table.add_column(name, justify="right")
    for arm, row in arms.items():
        table.add_row(arm, *(f"{row['extra'][name]:.3f}" for name in names), style="bold" if arm == "refined" else "")
    return table


def evidence_lines(result: Mapping[str, Any]) -> list[str]:
    """What the images themselves show, a line for each kind of evidence that there is."""
    labels, realism, activity = (result[key] or {} for key in ("label_preservation", "realism", "activity"))
    artifacts = activity["artifacts"] or {}
    lines = [activity["sentence"], *(f"Artefact: {finding}." for finding in artifacts.get("findings", ()))]
    if points := labels.get("keypoints"):
        moved, noise = points["movement"], points["error"]
        lines.append(
            f"Labels: {result['data']['keypoints']} moves by {moved['mean']:.2f} ± {moved['sd']:.2f} px "
            f"({100 * moved['of_width']:.1f} % of the width; the locator itself is wrong by {noise['mean']:.2f} px)."
        )
    if (objects := labels.get("objects")) and objects["images"]:
        shifted = objects["controls"]["shifted_3px"]
        lines.append(
            f"Labels: {100 * objects['kept']:.0f} % of the edges where labels are stay within 1 px (elsewhere "
            f"{100 * objects['elsewhere']:.0f} %; of edges shifted by 3 px {100 * shifted['kept']:.0f} %), the nearest is "
            f"{objects['distance']:.2f} px away (shifted by 3 px: {shifted['distance']:.2f})."
        )
    if found := realism.get("two_sample"):
        shares = {side: f"{100 * found[side]['accuracy']:.0f} %" for side in ("refined", "synthetic", "floor")}
        lines.append(
            f"Realism: a classifier tells refined from real images in {shares['refined']} of cases, synthetic ones in "
            f"{shares['synthetic']}, real from other real ones in {shares['floor']} (50 %: by chance)."
        )
    skipped = {"label preservation": labels, "realism": realism, "artefacts": artifacts}
    return lines + [f"{name}: skipped, {section['skipped']}" for name, section in skipped.items() if "skipped" in section]
