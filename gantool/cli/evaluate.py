"""`gantool evaluate` and `gantool report`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from ..evaluation.names import ARMS
from ..plan.settings import EvaluateSettings, ReportSettings
from ..values import parse_options
from .flags import json_flag, quiet_flag, run_argument, settings

_WIDTH = max(map(len, ARMS))
_ARMS_HELP = "\b\nArms, which all get the same number of training steps:\n" + "\n".join(
    f"  {name:{_WIDTH}}  {text}" for name, text in ARMS.items()
)


@click.command(short_help="Measure whether refining helps: one verdict, one table.", epilog=_ARMS_HELP)
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=click.Path())
@click.option("--real-labelled", metavar="PATH", type=click.Path(), help="Real images with labels: .npz, .h5, or a folder.")
@click.option(
    "--real-train-labelled",
    metavar="PATH",
    type=click.Path(),
    help="Labelled real images to learn from: what is refining worth?",
)
@click.option("--synthetic", metavar="PATH", type=click.Path(), help="Labelled synthetic images, if not the run's own.")
@click.option("--real", metavar="PATH", type=click.Path(), help="The unlabelled real images that the run trained on, if moved.")
@settings(EvaluateSettings)
@click.option("-o", "--option", "option", multiple=True, metavar="estimator.OPTION=VALUE", help="Such as estimator.steps=300.")
@click.option(
    "--fail-on",
    type=click.Choice(["hurts", "no-difference"]),
    help="Exit with code 3 where it hurts; or, too, does not help.",
)
@json_flag
@click.option("--quiet", is_flag=True, help="Print nothing but the result.")
def evaluate(
    runs: tuple[str, ...], *, option: tuple[str, ...], fail_on: str | None, as_json: bool, quiet: bool, **said: Any
) -> int:
    """Measure whether refining helps: one verdict, one table.

    \b
    gantool evaluate runs/simgan-001                                   built-in eyes
    gantool evaluate RUN --real-labelled test.npz
    gantool evaluate RUN --real-labelled test.npz --labels gaze_pitch_yaw_rad --repeats 5
    gantool evaluate RUN1 RUN2 RUN3 --real-labelled test.npz           several seeds of one run

    An estimator learns from synthetic images, from refined ones, and from what classical methods make of them, and is tested
    on labelled real images that training never saw. The result goes to RUN/evaluation.json as well. Ctrl-C loses nothing that
    is finished: the same command goes on.
    """
    from ..evaluation.command import evaluate_run

    options = parse_options(option, "estimator.OPTION=VALUE")

    def say(text: str) -> None:
        if not quiet:
            click.echo(f"{text} …", err=True)

    try:
        result = evaluate_run([Path(run) for run in runs], options=options, say=say, **said)
    except KeyboardInterrupt:
        click.echo("Stopped: what is finished is kept, and the same command goes on.", err=True)
        return 130
    if as_json:
        click.echo(json.dumps(result, indent=2))
    else:
        from rich.console import Console

        from ..evaluation.table import print_result

        print_result(result, Console())
    failing = {None: (), "hurts": ("hurts",), "no-difference": ("hurts", "no difference", "undecided")}
    return 3 if result["verdict"] in failing[fail_on] else 0


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
