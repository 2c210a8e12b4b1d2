"""`gantool refine`."""

from __future__ import annotations

import sys
import time
import warnings
from typing import TYPE_CHECKING, Any

import click

from ..plan.settings import RefineSettings
from .flags import quiet_flag, run_argument, settings

if TYPE_CHECKING:
    from rich.progress import Progress

    from ..refining.refine import RefineReport

_PLAIN_SECONDS = 5.0
"""Without a terminal, progress comes as a line at most this often."""
_SHOWN = 20
"""Failures that are listed; the others are counted."""


@click.command(short_help="Refine images with a trained run; labels come along.")
@run_argument
@click.option(
    "--input",
    required=True,
    metavar="PATH",
    type=click.Path(),
    help="Images, in any format that gantool plugins lists.",
)
@click.option("--output", required=True, metavar="PATH", type=click.Path(), help="The folder or file to write.")
@settings(RefineSettings)
@quiet_flag
def refine(run: str, *, input: str, output: str, quiet: bool, **said: Any) -> int:
    """Refine images with a trained run; labels come along.

    \b
    gantool refine runs/simgan-001 --input DIR --output DIR
    gantool refine runs/simgan-001 --input train.npz --output refined.npz
    gantool refine runs/simgan-001 --input DIR --output DIR --copy 'masks/*'
    gantool refine runs/simgan-001 --input SHARDS --output DIR --workers 8
    gantool refine runs/simgan-001 --input SHARDS --output DIR --engine ray

    File names, folders, formats, bit depths and channels stay. Files that are no images, and arrays beside the images, are
    copied untouched, but for absolute paths into the input, and COCO and VOC coordinates under --size. What is there already
    is skipped, so the same command goes on after an interruption. Exit code 1: some files could not be refined; they are
    listed at the end.
    """
    from ..refining.labels import InvalidAnnotations
    from ..refining.refine import refine as refine_images

    # Pillow warns of damaged metadata of files that are read all the same, or are listed as damaged.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    progress = _Progress(quiet=quiet)
    try:
        report = refine_images(run, input=input, output=output, watcher=progress, **said)
    except InvalidAnnotations as error:
        for problem in error.problems[:_SHOWN]:
            click.echo(f"Invalid: {problem}", err=True)
        raise
    except KeyboardInterrupt:
        click.echo("Stopped; give the same command again to finish.", err=True)
        return 130
    finally:
        progress.close()
    _print_failed(report)
    if not quiet:
        click.echo(summary(report))
    return report.exit_code


def summary(report: RefineReport) -> str:
    """Say in one line what was done."""
    done = [f"{report.refined:,} image{_s(report.refined)} refined"]
    done += [f"{report.skipped:,} there already"] if report.skipped else []
    done += [f"{report.skipped_parts:,} file{_s(report.skipped_parts)} there already"] if report.skipped_parts else []
    done += [f"{report.copied:,} label file{_s(report.copied)} or array{_s(report.copied)} copied"] if report.copied else []
    done += [f"{len(report.failed):,} failed"] if report.failed else []
    return f"{', '.join(done)}: {report.output}"


def _print_failed(report: RefineReport) -> None:
    for failed in report.failed[:_SHOWN]:
        click.echo(f"Failed: {failed.name}: {failed.cause}", err=True)
    if len(report.failed) > _SHOWN:
        click.echo(f"Failed: {len(report.failed) - _SHOWN:,} more", err=True)


def _s(count: int) -> str:
    return "" if count == 1 else "s"


class _Progress:
    """A bar on a terminal, now and then a line elsewhere. See `gantool.refining.report.Watcher`."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._bar: Progress | None = None
        self._total = self._done = self._before = 0
        self._began = self._printed = time.monotonic()

    def notice(self, text: str) -> None:
        if not self._quiet:
            click.echo(f"Note: {text}", err=True)

    def start(self, total: int, done: int, *, estimated: bool = False) -> None:
        self._total, self._done, self._before, self._about = total, done, done, "about " if estimated else ""
        self._began = self._printed = time.monotonic()
        if sys.stderr.isatty() and not self._quiet:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (TextColumn("refining"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._bar = Progress(*columns, console=Console(stderr=True))
            self._task = self._bar.add_task("", total=total, completed=done)
            self._bar.start()

    def advance(self, count: int = 1) -> None:
        self._done += count
        if self._bar is not None:
            self._bar.update(self._task, completed=self._done)
        elif not self._quiet and time.monotonic() - self._printed >= _PLAIN_SECONDS:
            self._printed = time.monotonic()
            speed = (self._done - self._before) / (self._printed - self._began)
            left = max(0, self._total - self._done) / speed
            total = f"{self._about}{self._total:,}"
            click.echo(f"refined {self._done:,} of {total} ({speed:.1f} images/s, {left:.0f} s left)", err=True)

    def close(self) -> None:
        """Give the terminal back."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
