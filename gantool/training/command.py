"""Starting and resuming a run: what `gantool train` and `gantool.train` share."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from ..compute.launch import Launch, read_launch
from ..errors import GantoolError
from ..files import LOCK, owned
from ..plan.choices import Choices
from ..plan.resolve import Plan, resolve
from ..plan.settings import Resumable
from ..plan.trust import check_trusted
from ..plugins.registry import Registry, load_plugins
from ..runs.folder import RUN, check_new, discard, new_folder, read_choices, write_plan

if TYPE_CHECKING:
    from ..compute.processes import Team

RESUMABLE = sorted(field.name for field in fields(Resumable))


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How a run is gone through; nothing that is trained depends on it."""

    quiet: bool = False
    profile: bool = False
    """Record a few steps of it, as `StepProfiler` does."""
    program: bool = False
    """The process is the command line's own, which a second signal may end."""
    trust: bool = False
    """Import what a file of a run names."""
    told: tuple[str, ...] = ()
    """What a person is told of it when it begins."""


_PLAIN = Manner()


def start_run(output: str | Path | None, plan: Plan, registry: Registry, manner: Manner = _PLAIN) -> Path:
    """Train a new run and return its folder. Raises as `TrainingRun.train`."""
    launch = read_launch()

    def begin() -> str:
        folder = new_folder(output, plan.recipe.component.partition(":")[2])
        held.enter_context(owned(folder / LOCK, folder))
        check_new(folder)  # another process may have begun one there meanwhile
        # Before anything heavy is imported: from here on the run can be resumed, whatever happens.
        write_plan(folder, plan, registry, processes=launch.count)
        return str(folder)

    team = _meet(plan, launch)
    with ExitStack() as held:
        folder = Path(begin() if team is None else team.led(begin))
        try:
            _train(plan, folder, registry, team, manner)
        except GantoolError:
            held.close()
            if team is None or team.is_main:
                discard(folder)  # a mistyped path leaves nothing in the way of the next try
            raise
    return folder


def resume_run(run: Path, *said: Choices, manner: Manner = _PLAIN) -> Path:
    """Go on with a run from its newest checkpoint; `said`, weakest first, may say how. Raises `GantoolError` for choices that
    would change what it trains."""
    registry = load_plugins()
    recorded = read_choices(run)
    plan = resolve(registry, recorded, *said)
    check_trusted(plan, said, run / RUN, registry, trust=manner.trust)
    moved = _check_same(run, resolve(registry, recorded), plan)
    team = _meet(plan, read_launch())
    with ExitStack() as held:

        def claim() -> None:
            held.enter_context(owned(run / LOCK, run))

        claim() if team is None else team.led(claim)
        _train(plan, run, registry, team, manner, moved=moved)
    return run


def _meet(plan: Plan, launch: Launch) -> Team | None:
    """The processes that a launcher started for this run; None where there is one, which then needs no torch yet."""
    if launch.count == 1:
        return None
    from .session import meet

    return meet(plan.settings, launch)


def _check_same(run: Path, before: Plan, after: Plan) -> bool:
    """Return whether data were moved: their new places may be said, and what is there decides. Raises `GantoolError`."""
    old, new = before.flat(), after.flat()
    differ = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    moved = [name for name in differ if name.startswith("dataset.") and _is_place(old.get(name)) and _is_place(new.get(name))]
    differ = [name for name in differ if name not in moved]
    changed = [name for name in differ if name not in (*RESUMABLE, "preset") and not name.startswith("logger.")]
    if changed:
        name = changed[0]
        raise GantoolError(
            f"--resume goes on with what {run / 'run.json'} says: {name} is {old.get(name)!r} there and cannot become "
            f"{new.get(name)!r}; what can change: {', '.join(RESUMABLE)}, and where the data are"
        )
    return bool(moved)


def _is_place(value: object) -> bool:
    """Whether an option says where something is: `Choices` makes paths of files absolute."""
    return isinstance(value, str) and (Path(value).is_absolute() or "://" in value)


def _train(plan: Plan, folder: Path, registry: Registry, team: Team | None, manner: Manner, *, moved: bool = False) -> None:
    from rich.console import Console

    from .loop import TrainingRun

    TrainingRun(
        plan,
        folder,
        registry,
        console=Console(stderr=True),
        team=team,
        moved=moved,
        quiet=manner.quiet,
        profile=manner.profile,
        program=manner.program,
        told=manner.told,
    ).train()
