"""`gantool runs`, `gantool compare`, and what `gantool show RUN` prints."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ..errors import GantoolError
from ..runs.summary import Summary, differences, find_runs, newest_sheet, summarise, values_of
from .flags import json_flag

_NONE = "-"


@click.command(short_help="List runs: recipe, data, steps, verdict.")
@click.argument("folder", type=click.Path(), default="runs", metavar="[DIR]")
@json_flag
def runs(folder: str, *, as_json: bool) -> None:
    """List the runs in a folder and below: recipe, data, steps, verdict.

    \b
    gantool runs                   those in ./runs
    gantool runs experiments

    Steps are those of the newest checkpoint, warm-ups included, of those asked for. The verdict is that of `gantool evaluate`.
    """
    found, damaged = [], []
    for run in find_runs(Path(folder)):
        try:
            found.append(summarise(run))
        except GantoolError as error:
            damaged.append(str(error))
    if as_json:
        click.echo(json.dumps([asdict(each) for each in found], indent=2))
    elif found:
        _print_rows(("run", "recipe", "preset", "data", "steps", "verdict"), (_cells(each) for each in found))
    else:
        click.echo(f"No runs in {folder}; gantool train makes one.")
    for text in damaged:
        click.echo(f"Note: {text}", err=True)


@click.command(short_help="Say what two runs differ in; their pictures side by side.")
@click.argument("first", type=click.Path(), metavar="RUN")
@click.argument("second", type=click.Path(), metavar="RUN")
@click.option("--output", metavar="FILE", type=click.Path(), help="Also write the newest sample sheets side by side, as PNG.")
@json_flag
def compare(first: str, second: str, *, output: str | None, as_json: bool) -> None:
    """Say what two runs differ in, and put their pictures side by side.

    \b
    gantool compare runs/simgan-001 runs/simgan-002 --output both.png

    Listed is every value of run.json that differs: parts, options, settings, versions. To know which is better, evaluate both.
    """
    pair = Path(first), Path(second)
    differ, both = differences(*pair), [summarise(run) for run in pair]
    if as_json:
        told = {name: list(values) for name, values in differ.items()}
        click.echo(json.dumps({"runs": [asdict(each) for each in both], "differences": told}, indent=2))
    else:
        outcome = [("steps", *(_steps(each) for each in both)), ("verdict", *(each.verdict or _NONE for each in both))]
        rows = [(name, *(_plain(value) for value in values)) for name, values in differ.items()]
        _print_rows(("", first, second), [*rows, *outcome])
        if not differ:
            click.echo("Everything that run.json says of them is the same.")
    if output:
        from ..training.sheets import side_by_side

        side_by_side(Path(output), {str(run): _sheet(run) for run in pair})
        click.echo(f"Written: {output}", err=as_json)


def print_run(run: Path, *, as_json: bool) -> None:
    """Print what a run is, how far it got, and every value that decided it. Raises `GantoolError`."""
    summary, values = summarise(run), values_of(run)
    if as_json:
        click.echo(json.dumps({**asdict(summary), "values": values}, indent=2))
        return
    click.echo(f"{run}: {summary.recipe}{f', preset {summary.preset}' if summary.preset else ''}, of {summary.created}")
    click.echo(f"{_steps(summary)} steps; verdict: {summary.verdict or f'none yet, gantool evaluate {run}'}")
    click.echo(f"Pictures: {newest_sheet(run) or 'none yet'}")
    _print_rows(("", ""), ((name, _plain(value)) for name, value in values.items()))


def _sheet(run: Path) -> Path:
    sheet = newest_sheet(run)
    if sheet is None:
        raise GantoolError(f"{run} has no sample sheet yet: compare without --output")
    return sheet


def _cells(each: Summary) -> tuple[str, ...]:
    return each.run, each.recipe, each.preset, each.data, _steps(each), each.verdict or _NONE


def _steps(each: Summary) -> str:
    return f"{each.saved:,} of {each.steps:,}"


def _print_rows(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    headings = list(headings)
    table = Table(box=SIMPLE, show_edge=False, padding=(0, 1, 0, 0), show_header=any(headings))
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console(markup=False, highlight=False, emoji=False).print(table)


def _plain(value: Any) -> str:
    if value is None:
        return _NONE
    return json.dumps(value, default=str) if isinstance(value, Mapping | list | tuple | bool | float) else str(value)
