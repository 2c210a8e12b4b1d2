"""Writing whole or not at all."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..files import LOCK, fsync, hidden, remove, replacing


def write_file(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file beside `path`, flush it, and put it in the place of `path` in one step."""
    # The suffix stays last: writers choose the format by it.
    with replacing(path, end=f".tmp{path.suffix}", flush=True) as temporary:
        write(temporary)


def write_json(path: Path, data: Any) -> None:
    """Write JSON as of `write_file`."""
    write_file(path, lambda file: file.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8"))


def write_folder(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary folder beside `path`, then give it its name in one step. `path` must not exist.

    `write` flushes its own files.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = hidden(path, ".tmp")
    temporary.mkdir()
    try:
        write(temporary)
        fsync(temporary)
        temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    fsync(path.parent)


def remove_folder(path: Path) -> None:
    """Remove a folder so that a half-removed one never has its name."""
    doomed = hidden(path, ".tmp")
    path.rename(doomed)
    shutil.rmtree(doomed, ignore_errors=True)


def remove_leftovers(folder: Path) -> None:
    """Remove what a killed process left behind: hidden names with `.tmp`, ours and those of safetensors (`.tmpXXXXXX`)."""
    for path in folder.glob(".*"):
        if is_leftover(path) and path.name != LOCK:  # which its owner removes, and that is who calls
            remove(path)


def is_leftover(path: Path) -> bool:
    """Whether a process that was killed, or one that works at this moment, has left a file or folder of this name."""
    return re.fullmatch(r"\..+\.tmp(\..*)?|\.tmp.*", path.name) is not None or path.name == LOCK


def announce(folder: Path, name: str) -> bool:
    """Return whether this process is the first to say so in `folder`; the note goes with other leftovers."""
    try:
        (folder / f".{name}.tmp").open("x").close()
    except (FileExistsError, FileNotFoundError):  # somebody did, and maybe removed the folder then
        return False
    except OSError:
        return True  # better twice than never
    return True
