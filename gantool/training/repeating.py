"""Several runs that differ in their seed alone: how much a run depends on chance is seen in no other way."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from ..compute.launch import read_launch
from ..errors import GantoolError, Stopped
from ..plan.choices import Choices
from ..plan.resolve import Plan, resolve
from ..plan.trust import check_trusted
from ..plugins.registry import Registry, load_plugins
from ..runs.files import write_json
from ..runs.folder import REPEAT, RUN, new_folder, read_repeat, seed_folder, writing
from .command import Manner, resume_run, start_run


def start_repeats(output: str | Path | None, plan: Plan, registry: Registry, count: int, manner: Manner) -> Path:
    """Train `count` runs, seed after seed, from that of the plan on, in a new folder, which is returned.

    Raises as `start_run`; what was trained before stays, and `resume_repeats` goes on.
    """
    if read_launch().count > 1:
        raise GantoolError(
            "--repeat trains one run after the other in one process: under a launcher, start them with --seed each"
        )
    folder = new_folder(output, plan.recipe.component.partition(":")[2])
    seeds = list(range(plan.settings.seed, plan.settings.seed + count))
    with writing(folder):
        write_json(folder / REPEAT, {"seeds": seeds, "run": plan.to_dict()})
    try:
        return _train(folder, seeds, registry, plan, (), manner)
    except GantoolError:
        if not any(folder.glob(f"*/{RUN}")):
            with suppress(OSError):
                (folder / REPEAT).unlink()
                folder.rmdir()
        raise


def resume_repeats(folder: Path, *said: Choices, manner: Manner) -> Path:
    """Go on with what `start_repeats` began: unfinished runs, and those that are still to come. Raises as `resume_run`."""
    registry, repeat = load_plugins(), read_repeat(folder)
    plan = resolve(registry, Choices.from_mapping(repeat["run"], where=str(folder / REPEAT)))
    check_trusted(plan, said, folder / REPEAT, registry, trust=manner.trust)
    return _train(folder, repeat["seeds"], registry, plan, said, manner)


def _train(folder: Path, seeds: list[int], registry: Registry, plan: Plan, said: tuple[Choices, ...], manner: Manner) -> Path:
    for seed in seeds:
        run = seed_folder(folder, seed)
        try:
            if (run / RUN).is_file():
                resume_run(run, *said, manner=manner)
            else:
                start_run(run, replace(plan, settings=replace(plan.settings, seed=seed)), registry, manner)
        except Stopped as stop:
            raise Stopped(stop.exit_code, folder) from None
    return folder
