"""Which shards a person means."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from ...errors import GantoolError
from ..locations import is_remote, list_remote

SUFFIX = ".tar"
_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(\d+)\.\.(\d+)")
_MOST = 10_000_000
"""Shards that a pattern may name."""


def names_shards(place: str) -> bool:
    """Return whether a path or pattern names shards by its end; a folder of them does not."""
    return place.endswith(SUFFIX) or place.startswith("pipe:")


def is_shard_folder(folder: Path) -> bool:
    """Return whether a folder holds shards at its top."""
    with os.scandir(folder) as entries:
        return any(entry.name.endswith(SUFFIX) and not entry.name.startswith(".") for entry in entries)


def expand(place: str) -> list[str]:
    """Return the shards of a file, a folder (sorted by name), or a pattern such as `part-{000..999}.tar` or `{a,b}.tar`.

    Raises `GantoolError` where there is none, where one is missing, and for `pipe:`, which would run a program.
    """
    if place.startswith("pipe:"):
        raise GantoolError(f"{place}: gantool reads files and runs no programs; download the shards, or give a URL")
    if not names_shards(place):
        found = list_remote(place, SUFFIX) if is_remote(place) else _in_folder(Path(place))
    else:
        found = list(_expand(place))
    if not found:
        raise GantoolError(f"no shards ({SUFFIX}) in {place}")
    missing = [shard for shard in found if not is_remote(shard) and not Path(shard).is_file()]
    if missing:
        more = f" nor {len(missing) - 1} more" if len(missing) > 1 else ""
        raise GantoolError(f"{missing[0]} does not exist{more}")
    return found


def _in_folder(folder: Path) -> list[str]:
    try:
        return [str(path) for path in sorted(folder.iterdir()) if path.name.endswith(SUFFIX) and path.name[0] != "."]
    except OSError as error:
        raise GantoolError(f"cannot read folder {folder}: {error.strerror}") from None


def _expand(pattern: str) -> Iterator[str]:
    braces = _BRACES.search(pattern)
    if braces is None:
        yield pattern
        return
    limits = _RANGE.fullmatch(braces[1])
    if limits:
        first, last = limits.groups()
        if not 0 <= int(last) - int(first) < _MOST:
            raise GantoolError(f"{pattern}: {{{braces[1]}}} counts from low to high, through at most {_MOST:,} shards")
        width = len(first) if first.startswith("0") else 0
        words: Iterator[str] = (f"{number:0{width}d}" for number in range(int(first), int(last) + 1))
    else:
        words = iter(braces[1].split(","))
    for word in words:
        yield from _expand(pattern[: braces.start()] + word + pattern[braces.end() :])
