"""Several runs that differ in the seed of their training alone, evaluated as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from ..errors import GantoolError
from ..model.bundle import open_bundle
from ..plan.resolve import resolve
from ..plan.settings import EvaluateSettings, Resumable
from ..plugins.registry import Registry
from ..refining.network import Network
from ..runs.folder import RUN, read_choices, repeated
from .arms import Material
from .run_images import refine_held

_MAY_DIFFER = {"seed", "preset", "logger", *(field.name for field in fields(Resumable))} - {"steps"}


@dataclass(frozen=True, kw_only=True)
class Runs:
    """What is evaluated together."""

    folders: tuple[Path, ...]
    """Of the runs."""
    results: tuple[Path, ...]
    """Where the result is written: every run, and what holds them if that was named."""


def find_runs(named: Sequence[Path], registry: Registry) -> Runs:
    """Find runs by their folders, or by the one that `gantool train --repeat` made. Raises `GantoolError` where they differ."""
    holders = [path for path in named if not (path / RUN).is_file() and repeated(path)]
    folders = tuple(dict.fromkeys(run for path in named for run in (repeated(path) if path in holders else [path])))
    plans = {run: resolve(registry, read_choices(run)).flat() for run in folders}
    first = plans[folders[0]]
    for run, plan in plans.items():
        differ = [name for name in {**first, **plan} if first.get(name) != plan.get(name)]
        if names := [name for name in differ if name.partition(".")[0] not in _MAY_DIFFER]:
            raise GantoolError(
                f"{run} and {folders[0]} are no repeats of one run: {names[0]} is {plan.get(names[0])!r} and "
                f"{first.get(names[0])!r}; evaluate them one by one"
            )
    seeds = [plan["seed"] for plan in plans.values()]
    if len(set(seeds)) < len(seeds):
        raise GantoolError(f"two of the runs have one seed ({', '.join(map(str, seeds))}): pool runs of different seeds")
    return Runs(folders=folders, results=(*folders, *holders))


def materials(runs: Runs, first: Material, settings: EvaluateSettings) -> Mapping[Path, Material]:
    """What arms are made from, by run: the images of the first, refined by each."""
    found = {runs.folders[0]: first}
    for run in runs.folders[1:]:
        network = Network(open_bundle(run, settings.checkpoint), settings.device)
        found[run] = replace(first, refined=refine_held(network, first.synthetic, first.known))
    return found
