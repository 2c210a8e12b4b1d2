"""The run folder: where it is, its `run.json`, what may be written into it."""

from __future__ import annotations

import errno
import importlib.metadata
import json
import platform
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from .._version import __version__
from ..errors import GantoolError
from ..plan.choices import Choices, read_config
from ..plan.resolve import Plan
from ..plugins.registry import Registry
from .files import is_leftover, remove_leftovers, write_json

RUN = "run.json"
EVALUATION = "evaluation.json"
"""What an evaluation found."""
REPEAT = "repeat.json"
"""In a folder of runs that differ in their seed alone: which seeds, and their common plan."""
_REFUSED = {errno.EACCES, errno.EROFS, errno.EPERM, errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG}


def new_folder(output: str | Path | None, name: str) -> Path:
    """Return the folder of a new run, made if needed; `runs/NAME-001` and so on where none is given.

    Raises `GantoolError` where `output` holds something already, or cannot be made.
    """
    if output is None:
        return _numbered(Path("runs"), name)
    folder = Path(output)
    check_new(folder)
    # What a process left that was killed before its run began is in nobody's way.
    if folder.exists() and (not folder.is_dir() or any(not is_leftover(path) for path in folder.iterdir())):
        raise GantoolError(f"--output {folder} exists and is not empty: choose another folder")
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def check_new(folder: Path) -> None:
    """Raise `GantoolError` where a run, or several, began in this folder."""
    if (folder / RUN).exists():
        raise GantoolError(f"--output {folder} is a run already: go on with `gantool train --resume {folder}`, or choose another")
    if (folder / REPEAT).exists():
        raise GantoolError(f"--output {folder} has runs already: go on with `gantool train --resume {folder}`, or choose another")


def _numbered(parent: Path, name: str) -> Path:
    with writing(parent):
        parent.mkdir(exist_ok=True)
        for number in count(1):
            # Making it is the test: of two runs that start together, each gets a folder of its own.
            with suppress(FileExistsError):
                folder = parent / f"{name}-{number:03}"
                folder.mkdir()
                break
    return folder


def discard(folder: Path) -> None:
    """Remove the folder of a run that failed before it began, which is one that holds nothing but its plan."""
    with suppress(OSError):
        remove_leftovers(folder)
        if [path.name for path in folder.iterdir()] == [RUN]:
            (folder / RUN).unlink()
            folder.rmdir()


def write_plan(folder: Path, plan: Plan, registry: Registry, *, processes: int = 1, total: int | None = None) -> None:
    """Write `run.json`: the plan, the versions and number of processes that run it, when it was first written, and, where that is
    known yet, the `total` of its steps, warm-ups included."""
    parts = (plan.recipe, plan.dataset, plan.metric, *plan.parts.values(), *plan.loggers)
    used = {part.component.partition(":")[0] for part in parts}
    versions = {"gantool": __version__, "python": platform.python_version(), "torch": importlib.metadata.version("torch")}
    versions |= {name: registry.plugins[name].version for name in sorted(used) if name != "gantool"}
    created = datetime.now(UTC).isoformat(timespec="seconds")
    if (folder / RUN).exists():
        created = json.loads((folder / RUN).read_text(encoding="utf-8")).get("created", created)
    notes = {"processes": processes, "versions": versions, "created": created} | ({"total_steps": total} if total else {})
    with writing(folder):
        write_json(folder / RUN, {**plan.to_dict(), **notes})


def read_choices(run: Path) -> Choices:
    """Read `run.json`. Raises `GantoolError` for a folder that is no run."""
    if not (run / RUN).is_file():
        raise GantoolError(f"{run} is no run folder: it has no {RUN}" if run.exists() else f"{run} does not exist")
    return read_config(run / RUN, what="")


def seed_folder(folder: Path, seed: int) -> Path:
    """Where `gantool train --repeat` puts the run of a seed."""
    return folder / f"seed-{seed}"


def read_repeat(folder: Path) -> dict[str, Any]:
    """Read what is to be trained in a folder: "seeds", and "run", their common plan. Raises `GantoolError`."""
    try:
        found: dict[str, Any] = json.loads((folder / REPEAT).read_text(encoding="utf-8"))
        return {"seeds": [int(seed) for seed in found["seeds"]], "run": dict(found["run"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise GantoolError(f"{folder / REPEAT} is damaged ({error!r}): name its runs one by one") from None


def repeated(folder: Path) -> list[Path]:
    """Return the runs that `gantool train --repeat` made in a folder, by seed; none for another folder.

    Raises `GantoolError` where it has not come to some.
    """
    if not (folder / REPEAT).is_file():
        return []
    runs = [seed_folder(folder, seed) for seed in read_repeat(folder)["seeds"]]
    for run in runs:
        if not (run / RUN).is_file():
            raise GantoolError(f"{run} is still to be trained: go on with `gantool train --resume {folder}`")
    return runs


def by_step(folder: Path, end: str = "") -> dict[int, Path]:
    """Return what `folder` has of each step, `step-N` and `end`; what a user put beside it under other names is left out."""
    names = {path: re.fullmatch(rf"step-(\d+){re.escape(end)}", path.name) for path in folder.glob("step-*")}
    return {int(match[1]): path for path, match in names.items() if match}


def sheets(run: Path) -> dict[int, Path]:
    """Return the sample sheets of a run by step. A link in somebody else's run may lead to any file of this machine: none is
    one."""
    samples = run / "samples"
    found = {} if samples.is_symlink() else by_step(samples, ".png")
    return {step: path for step, path in found.items() if path.is_file() and not path.is_symlink()}


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn a full disk or missing rights into one line that says what to do. Raises `GantoolError`."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            resume = f", then go on with: gantool train --resume {folder}" if (folder / RUN).exists() else ""
            raise GantoolError(f"the disk of {folder} is full: what was saved before is good; free some space{resume}") from None
        # What is read while a run is being written (a data set, say) has errors of its own.
        theirs = error.filename is not None and not _on_one_path(Path(error.filename), folder)
        if error.errno in _REFUSED and not theirs:
            raise GantoolError(f"{folder} cannot be written to ({error.strerror}): choose another --output") from None
        raise


def _on_one_path(one: Path, other: Path) -> bool:
    """Whether one lies in the other: what cannot be made may be the folder, something in it, or a folder above it."""
    return one.is_relative_to(other) or other.is_relative_to(one)
