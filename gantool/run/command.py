"""Starting and resuming a run: what `gantool train` and `gantool.train` share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..choices import Choices
from ..errors import GantoolError
from ..plan import Plan, resolve
from ..plugins import Registry, load_plugins
from .folder import discard, new_folder, read_choices, write_plan

RESUMABLE = frozenset(
    {"steps", "device", "compile", "checkpoint_every", "keep", "log_every", "sample_every", "cache_gib", "workers"}
)
"""Settings that may differ when a run is resumed: they say how long and how it runs, not what it trains."""


def start_run(output: str | Path | None, plan: Plan, registry: Registry, *, quiet: bool = False) -> Path:
    """Train a new run and return its folder. Raises as `TrainingRun.train`."""
    folder = new_folder(output, plan.recipe.component.partition(":")[2])
    # Before anything heavy is imported: from here on the run can be resumed, whatever happens.
    write_plan(folder, plan, registry)
    try:
        _train(plan, folder, registry, quiet)
    except GantoolError:
        discard(folder)  # a mistyped path leaves nothing in the way of the next try
        raise
    return folder


def resume_run(run: Path, *said: Choices, quiet: bool = False) -> Path:
    """Go on with a run from its newest checkpoint; `said`, weakest first, may say how. Raises `GantoolError` for choices that
    would change what it trains."""
    registry = load_plugins()
    recorded = read_choices(run)
    plan = resolve(registry, recorded, *said)
    _check_same(run, resolve(registry, recorded), plan)
    _train(plan, run, registry, quiet)
    return run


def _check_same(run: Path, before: Plan, after: Plan) -> None:
    old, new = _flat(before), _flat(after)
    changed = [name for name in {**old, **new} if old.get(name) != new.get(name) and name not in {*RESUMABLE, "preset"}]
    if changed:
        name = changed[0]
        raise GantoolError(
            f"--resume goes on with what {run / 'run.json'} says: {name} is {old.get(name)!r} there and cannot become "
            f"{new.get(name)!r}; what can change: {', '.join(sorted(RESUMABLE))}"
        )


def _flat(plan: Plan) -> dict[str, Any]:
    values = plan.to_dict()
    options = values.pop("options")
    return {
        **values.pop("parts"),
        **values,
        **{f"{slot}.{name}": value for slot, table in options.items() for name, value in table.items()},
    }


def _train(plan: Plan, folder: Path, registry: Registry, quiet: bool) -> None:
    from rich.console import Console

    from .training import TrainingRun

    TrainingRun(plan, folder, registry, console=Console(stderr=True), quiet=quiet).train()
