"""`gantool evaluate`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from ..evaluation.options import ARMS, TASKS
from ..values import parse_options
from .complete import complete_component

_WIDTH = max(map(len, ARMS))
_ARMS_HELP = "\b\nArms, which all get the same number of training steps:\n" + "\n".join(
    f"  {name:{_WIDTH}}  {text}" for name, text in ARMS.items()
)


def _listed(_ctx: click.Context, _param: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    """Split words at commas, so that both `-x a -x b` and `-x a,b` do."""
    return tuple(word.strip() for text in value for word in text.split(",") if word.strip())


@click.command(short_help="Measure whether refining helps: one verdict, one table.", epilog=_ARMS_HELP)
@click.argument("run", type=click.Path())
@click.option("--real-labelled", metavar="PATH", type=click.Path(), help="Real images with labels: .npz, .h5, or a folder.")
@click.option("--labels", metavar="NAME", help="Which labels: an array, a JSON key, or columns of a table such as x,y.")
@click.option("--task", type=click.Choice(["auto", *TASKS]), help="What the labels are. [default: auto, by name and shape]")
@click.option("--synthetic", metavar="PATH", type=click.Path(), help="Labelled synthetic images, if not the run's own.")
@click.option("--real", metavar="PATH", type=click.Path(), help="The unlabelled real images that the run trained on, if moved.")
@click.option(
    "--estimator",
    "estimators",
    multiple=True,
    callback=_listed,
    metavar="NAME",
    shell_complete=complete_component("estimator"),
    help="What learns: a component or package.module:callable. The first decides. Repeatable. [default: small-cnn]",
)
@click.option("--arms", multiple=True, callback=_listed, metavar="A,B", help="Which arms. [default: all]")
@click.option("--within-px", type=float, metavar="PX", help="For key points: report the share found within this distance, too.")
@click.option("--repeats", type=int, metavar="N", help="Estimators per arm, each with a seed of its own. [default: 3]")
@click.option("--seed", type=int, metavar="N", help="Decides everything drawn. [default: 0]")
@click.option("--limit", type=int, metavar="N", help="Images at most of each set. [default: 4000]")
@click.option(
    "--report-half",
    type=click.Choice(["all", "first", "second"]),
    help="Test on one half of the labelled real images: choose with one, report with the other. [default: all]",
)
@click.option(
    "--evidence/--no-evidence", default=None, help="Compare images too: labels, realism, artefacts. [default: evidence]"
)
@click.option("--features", metavar="NAME", help="Feature space of the realism figures. [default: patches]")
@click.option("--checkpoint", metavar="NAME", help="last (as without it), best, or a step number.")
@click.option("--allow-seen", is_flag=True, default=None, help="Test even on images that the run trained on.")
@click.option("-o", "--option", "option", multiple=True, metavar="estimator.OPTION=VALUE", help="Such as estimator.steps=300.")
@click.option("--device", metavar="NAME", help="auto, cpu, cuda, cuda:1, mps.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
@click.option("--quiet", is_flag=True, help="Print nothing but the result.")
@click.pass_context
def evaluate(ctx: click.Context, /, *, run: str, option: tuple[str, ...], as_json: bool, quiet: bool, **given: Any) -> None:
    """Measure whether refining helps: one verdict, one table.

    \b
    gantool evaluate runs/simgan-001                                   built-in eyes
    gantool evaluate RUN --real-labelled test.npz
    gantool evaluate RUN --real-labelled test.npz --labels gaze_pitch_yaw_rad --repeats 5

    An estimator learns from synthetic images, from refined ones, and from what classical methods make of them, and is tested
    on labelled real images that training never saw. The result goes to RUN/evaluation.json as well.
    """
    from ..evaluation.command import evaluate_run

    said = {name: value for name, value in given.items() if ctx.get_parameter_source(name) is not ParameterSource.DEFAULT}
    options = parse_options(option, "estimator.OPTION=VALUE")
    result = evaluate_run(
        Path(run), options=options, say=lambda text: None if quiet else click.echo(f"{text} …", err=True), **said
    )
    if as_json:
        click.echo(json.dumps(result, indent=2))
        return
    from rich.console import Console

    from ..evaluation.table import print_result

    print_result(result, Console())
