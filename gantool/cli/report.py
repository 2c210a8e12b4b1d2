"""`gantool report`."""

from __future__ import annotations

from typing import Any

import click

from ..plan.settings import ReportSettings
from .flags import quiet_flag, run_argument, settings


@click.command(short_help="Write one HTML page about a run.")
@run_argument
@click.option("--output", metavar="FILE", type=click.Path(), help="The page to write. [default: RUN/report.html]")
@settings(ReportSettings)
@quiet_flag
def report(run: str, *, output: str | None, quiet: bool, **said: Any) -> None:
    """Write one HTML page about a run: verdict, curves, pictures, worst cases.

    \b
    gantool report runs/simgan-001

    The page is one file that opens from disk and loads nothing. It shows what `gantool evaluate` and `gantool turing-test` found,
    where they were run.
    """
    from ..evaluation.report.write import write_report

    written = write_report(run, output=output, **said)
    if not quiet:
        for note in written.notes:
            click.echo(f"Note: {note}", err=True)
        click.echo(f"Report: {written.path} ({written.size / 1e6:.1f} MB)")
