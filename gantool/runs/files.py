"""Writing whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any


def write_file(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file beside `path`, flush it, and put it in the place of `path` in one step."""
    # The suffix stays last: writers choose the format by it.
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")
    try:
        write(temporary)
        fsync(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    fsync(path.parent)


def write_json(path: Path, data: Any) -> None:
    """Write JSON as of `write_file`."""
    write_file(path, lambda file: file.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8"))


def write_folder(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary folder beside `path`, then give it its name in one step. `path` must not exist.

    `write` flushes its own files.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
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
    doomed = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    path.rename(doomed)
    shutil.rmtree(doomed, ignore_errors=True)


def remove_leftovers(folder: Path) -> None:
    """Remove what a killed process left behind: hidden names with `.tmp`, ours and those of safetensors (`.tmpXXXXXX`)."""
    for path in [*folder.glob(".*.tmp"), *folder.glob(".*.tmp.*"), *folder.glob(".tmp*")]:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def announce(folder: Path, name: str) -> bool:
    """Return whether this process is the first to say so in `folder`; the note goes with other leftovers."""
    try:
        (folder / f".{name}.tmp").open("x").close()
    except (FileExistsError, FileNotFoundError):  # somebody did, and maybe removed the folder then
        return False
    except OSError:
        return True  # better twice than never
    return True


def fsync(path: Path) -> None:
    """Flush a file, or a folder's list of names, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
