"""What a run folder holds, in a few words, and in what two of them differ. Read from files alone: no torch, no plugin."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import GantoolError
from ..plan.choices import Choices
from .folder import EVALUATION, RUN, by_step, read_choices, sheets

_FILES = "gantool:files"


@dataclass(frozen=True, kw_only=True)
class Summary:
    """One run."""

    run: str
    recipe: str
    preset: str
    data: str
    """The data set; of files, the two names of `--synthetic` and `--real`."""
    steps: int
    """In all, warm-ups included; those asked for where it has not begun."""
    saved: int
    """Steps of the newest checkpoint; 0 before the first."""
    verdict: str
    """Of `gantool evaluate`; "" where it was not asked."""
    created: str
    """When it was begun, ISO 8601."""


def find_runs(root: Path) -> list[Path]:
    """Return the run folders in `root`, itself included, by path; hidden folders and what a run holds are not searched.

    Raises `GantoolError` where there is no such folder.
    """
    if not root.is_dir():
        raise GantoolError(f"{root} does not exist" if not root.exists() else f"{root} is a file: name a folder of runs")
    found, left = [], [root]
    while left:
        folder = left.pop()
        if (folder / RUN).is_file():
            found.append(folder)
            continue
        with suppress(PermissionError):
            left += [path for path in folder.iterdir() if path.is_dir() and not path.is_symlink() and path.name[0] != "."]
    return sorted(found)


def summarise(run: Path) -> Summary:
    """Say what a run is and how far it got. Raises `GantoolError` where its run.json cannot be read."""
    said, recorded = read_choices(run), _read(run / RUN)
    total = recorded.get("total_steps", said.settings.get("steps"))
    return Summary(
        run=str(run),
        recipe=said.plugin or "",
        preset=said.preset or "",
        data=_data(said),
        steps=total if isinstance(total, int) else 0,
        saved=max(by_step(run / "checkpoints"), default=0),
        verdict=str(_read(run / EVALUATION).get("verdict", "")),
        created=str(recorded.get("created", "")),
    )


def values_of(run: Path) -> dict[str, Any]:
    """Return everything that run.json says of a run, with one level: `{"generator": …, "generator.width": …, "seed": …}`.

    Raises `GantoolError`.
    """
    said = read_choices(run)
    names = {name: getattr(said, name) for name in ("plugin", "preset", "dataset", "metric")}
    versions = _read(run / RUN).get("versions", {})
    versions = {f"version of {name}": value for name, value in versions.items()} if isinstance(versions, Mapping) else {}
    return {**names, **said.parts, **said.options, **said.settings, **versions}


def differences(first: Path, second: Path) -> dict[str, tuple[Any, Any]]:
    """Return what two runs differ in, by name: the value of each, None where one has no such value. Raises `GantoolError`."""
    one, other = values_of(first), values_of(second)
    return {name: (one.get(name), other.get(name)) for name in {**one, **other} if one.get(name) != other.get(name)}


def newest_sheet(run: Path) -> Path | None:
    """Return the newest sample sheet; None where there is none yet."""
    found = sheets(run)
    return found[max(found)] if found else None


def _data(said: Choices) -> str:
    if said.dataset != _FILES:
        return said.dataset or ""
    return " + ".join(Path(str(said.options.get(f"dataset.{name}", "?"))).name for name in ("synthetic", "real"))


def _read(path: Path) -> dict[str, Any]:
    """Read a JSON object; an empty one where there is none that can be read: a table of runs stops at no damaged one."""
    with suppress(OSError, ValueError, RecursionError):
        found = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return found
    return {}
