"""`gantool train`."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from ..compute.launch import read_launch, speaks
from ..data.domains import Preprocess, Reading
from ..errors import GantoolError
from ..kinds import KINDS
from ..plan.choices import Choices, read_config
from ..plan.resolve import Plan, resolve
from ..plan.settings import RunSettings
from ..plan.trust import check_trusted
from ..runs.folder import REPEAT, read_choices, repeated
from ..values import parse_options, parse_pairs
from .complete import complete_component, complete_recipe
from .flags import quiet_flag, settings


def _part_flags(command: Callable[..., int]) -> Callable[..., int]:
    """Add a flag for each kind of part that a run has."""
    for kind in reversed([kind for kind in KINDS.values() if kind.flag]):
        click.option(f"--{kind.name}", metavar="NAME", shell_complete=complete_component(kind.name), help=kind.flag)(command)
    return command


@click.command(short_help="Train a recipe on a pair of image domains.")
@click.option("--plugin", metavar="NAME", shell_complete=complete_recipe, help="Which recipe trains, such as simgan.")
@click.option(
    "--synthetic",
    metavar="PATH",
    type=click.Path(),
    help="Synthetic images, in any format that gantool plugins lists.",
)
@click.option("--real", metavar="PATH", type=click.Path(), help="Real images, likewise; no labels needed.")
@click.option("--output", metavar="RUN", type=click.Path(), help="Folder of the new run. [default: runs/PLUGIN-001, …]")
@click.option("--preset", metavar="NAME", help="A named set of values of the recipe: see `gantool show simgan`.")
@settings(RunSettings, layered=True)
@settings(Reading, layered=True)
@settings(Preprocess, layered=True)
@_part_flags
@click.option("--part", "part", multiple=True, metavar="SLOT=NAME", help="Fill any slot of the recipe. Repeatable.")
@click.option(
    "-o",
    "--option",
    "option",
    multiple=True,
    metavar="SLOT.OPTION=VALUE",
    help="Set an option, such as generator.blocks=6. Repeatable.",
)
@click.option("--resume", metavar="RUN", type=click.Path(), help="Go on with a run from its newest checkpoint.")
@click.option(
    "--config", "config", metavar="FILE", type=click.Path(), help="Settings from a .toml file, or a run.json to replay."
)
@click.option(
    "--repeat",
    metavar="N",
    type=click.IntRange(min=1),
    help="Train N runs of different seeds, in RUN/seed-0 and so on.",
)
@click.option("--dry-run", is_flag=True, help="Print the plan as JSON and stop.")
@click.option("--trust", is_flag=True, help="Import code that the file of --resume or --config names.")
@click.option("--profile", is_flag=True, help="Record a few steps in RUN/profile, and say what costs most.")
@quiet_flag
@click.pass_context
def train(
    ctx: click.Context,
    /,
    *,
    output: str | None,
    resume: str | None,
    config: str | None,
    repeat: int | None,
    dry_run: bool,
    trust: bool,
    profile: bool,
    quiet: bool,
    **flags: Any,
) -> int:
    """Train a recipe on labelled synthetic and unlabelled real images.

    \b
    gantool train                                                  simgan, on its built-in eyes
    gantool train --plugin simgan --synthetic DIR --real DIR       your images
    gantool train --resume runs/simgan-001                         go on

    What is said here wins over GANTOOL_TRAIN_* variables, those over --config, that over the preset's values.
    """
    from ..training.command import Manner, resume_run, start_run
    from ..training.repeating import resume_repeats, start_repeats

    said, manner = _choices(ctx, flags), Manner(quiet=quiet, profile=profile, program=True, trust=trust)
    if resume:
        if output or config or repeat or dry_run:
            raise GantoolError("--resume goes with none of --output, --config, --repeat, --dry-run: the run has its own")
        if (Path(resume) / REPEAT).is_file():
            return _finish_all(resume_repeats(Path(resume), *said, manner=manner), quiet)
        return _finish(resume_run(Path(resume), *said, manner=manner), quiet)
    from ..plugins.registry import load_plugins

    registry = load_plugins()
    sources = (*([read_config(Path(config))] if config else []), *said)
    plan = resolve(registry, *sources)
    if config:
        check_trusted(plan, said, Path(config), registry, trust=trust)
    if dry_run:
        if speaks():
            click.echo(json.dumps(plan.to_dict(), indent=2))
        return 0
    manner = replace(manner, told=_taken(plan, sources))
    if repeat is not None:
        return _finish_all(start_repeats(output, plan, registry, repeat, manner), quiet)
    return _finish(start_run(output, plan, registry, manner), quiet)


def _finish_all(folder: Path, quiet: bool) -> int:
    if not quiet:
        click.echo(f"Runs: {', '.join(map(str, repeated(folder)))}\nDo they help: gantool evaluate {folder} --real-labelled PATH")
    return 0


def _taken(plan: Plan, sources: Sequence[Choices]) -> tuple[str, ...]:
    """Say which recipe and data are taken where nobody named any."""
    recipe = f"recipe: {plan.recipe.component} (--plugin NAME for another)"
    data = f"data: {plan.dataset.component}, the recipe's own (--synthetic DIR --real DIR for yours)"
    unsaid = {recipe: not any(each.plugin for each in sources), data: not any(each.dataset for each in sources)}
    return tuple(text for text, missing in unsaid.items() if missing)


def _finish(run: Path, quiet: bool) -> int:
    if read_launch().count > 1:
        from ..compute.processes import close_team

        close_team()
    if not quiet and speaks():
        click.echo(f"Run: {run}\nPictures: {run / 'samples'}\nRefine with it: gantool refine {run} {_refined(run)} --output DIR")
    return 0


def _refined(run: Path) -> str:
    """Return the words for what to refine: the synthetic images, and how they are read, where that had to be said.

    The view transform goes without saying: `refine` takes the run's.
    """
    options, unsaid = read_choices(run).options, Reading()
    said = {name: options.get(f"dataset.{name}", ()) for name in ("layout", "image", "copy")}
    words = [
        word
        for name, value in said.items()
        if value != getattr(unsaid, name)
        for one in ([value] if isinstance(value, str) else value)
        for word in (f"--{name}", one)
    ]
    return shlex.join(["--input", options["dataset.synthetic"], *words]) if words else "--input DIR"


def _choices(ctx: click.Context, flags: dict[str, Any]) -> tuple[Choices, Choices]:
    """Return what the environment and what the command line says. Flags that nobody gave say nothing, so a file may."""
    environment, line = (
        {name: value for name, value in flags.items() if ctx.get_parameter_source(name) is source}
        for source in (ParameterSource.ENVIRONMENT, ParameterSource.COMMANDLINE)
    )
    for parameter in ctx.command.params:
        # `-o` on the command line adds to the variable's options and does not hide them.
        if parameter.name in line and parameter.multiple:
            environment[parameter.name] = parameter.value_from_envvar(ctx) or ()
    return _read(environment, "the environment"), _read(line, "the command line")


def _read(given: dict[str, Any], where: str) -> Choices:
    parts = parse_pairs(given.pop("part", ()), "--part", "SLOT=NAME")
    options = parse_options(given.pop("option", ()))
    return Choices.from_mapping({**given, "parts": parts}, where=where).with_options(options, where="-o")
