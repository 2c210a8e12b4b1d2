"""Where refined images go, and what must not happen there."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..data.formats import named_by
from ..data.formats.base import Container, StorageFormat
from ..data.locations import Location, is_remote
from ..errors import GantoolError
from ..runs.files import write_json

MARKER = ".gantool-refine.json"
RECORD = ".gantool-refined.jsonl"
"""A line of JSON per image: which refiner made it."""
_FULL = (errno.ENOSPC, errno.EDQUOT)


def check_output(storage: StorageFormat, place: Location, output: Path) -> None:
    """Raise `GantoolError` where `output` is of another kind than `place`, or one folder of the two lies inside the other."""
    other = None if output.is_dir() else named_by(output)
    if place.is_folder and (other or output.is_file()):
        raise GantoolError(f"--input {place} is a folder, so --output {output} must be one too")
    if other and other.name != storage.record.name:
        raise GantoolError(f"--output {output} must be of the same kind as --input {place}")
    if place.is_folder and not storage.gathered:
        check_apart(place.path, output)


def container_targets(storage: StorageFormat, place: Location, output: Path) -> dict[Container, Path]:
    """Return where each file of `place` goes: into the folder `output`, or, where `place` is one file, to `output` or into it.

    Raises `GantoolError` where two have one name, or one would be written over or beside what is read.
    """
    found = storage.containers(place)
    names_file = not output.is_dir() and named_by(output) is not None
    if [container.place for container in found] == [place.text]:
        targets = {found[0]: output if names_file else output / found[0].path}
    elif names_file:
        raise GantoolError(f"--input {place} is {len(found)} files, so --output {output} must be a folder")
    else:
        targets = {container: output / container.path for container in found}
    if len(set(targets.values())) < len(targets):
        raise GantoolError(f"--input {place}: two files have the same name, so one output folder cannot hold both")
    here = [Path(container.place) for container in found if not is_remote(container.place)]
    read_from = {path.resolve().parent for path in here} if storage.gathered else set()
    for target in targets.values():
        if target.parent.resolve() in read_from:
            raise GantoolError(
                f"--output {target.parent} holds files that are read: gantool never writes there; name another folder, "
                f"or a file in one: {target.parent / 'refined' / target.name}"
            )
        if len(here) == 1 and (target.resolve() == here[0].resolve() or (target.exists() and target.samefile(here[0]))):
            raise GantoolError(f"--output {target} is the input: gantool never writes into its input")
    return targets


def check_apart(source: Path, output: Path) -> None:
    """Raise `GantoolError` where a folder is written into that is being read, whatever links lead there."""
    a, b = (Path(os.path.realpath(path)) for path in (source, output))  # unlike `resolve`, survives a link to itself
    if a == b or a in b.parents or b in a.parents or (b.exists() and a.samefile(b)):
        relation = "is the input" if a == b else "and the input lie one inside the other"
        raise GantoolError(f"--output {output} {relation} ({a}): gantool never writes into its input")


class Marker:
    """A small file that says which network wrote an output, so that one folder never mixes two."""

    def __init__(self, path: Path, wanted: Mapping[str, Any]) -> None:
        self._path, self._wanted = path, dict(wanted)

    def claim(self, targets: Iterable[Path], *, overwrite: bool) -> None:
        """Make the output this network's. With `overwrite`, `targets` that exist are removed.

        Raises `GantoolError` where another network, other settings, or not gantool at all wrote what is there.
        """
        existing = (target for target in targets if target.exists() or target.is_symlink())
        if overwrite:
            for target in existing:
                if target.is_dir() and not target.is_symlink():
                    raise GantoolError(f"--output {target} is a folder where a file would be written: remove it")
                with writing(target):
                    target.unlink()
        else:
            self._check(existing)
        if not overwrite and self._path.exists():
            return
        with writing(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_json(self._path, self._wanted)

    def _check(self, existing: Iterator[Path]) -> None:
        ways_out = "choose another --output, or pass --overwrite to refine all again"
        try:
            found = json.loads(self._path.read_text())
            differs = [key for key in self._wanted if key not in ("gantool", "run") and found[key] != self._wanted[key]]
            by = found["run"]
        except FileNotFoundError:
            first = next(existing, None)
            if first is not None:
                raise GantoolError(f"{first} exists, and gantool did not write it: {ways_out}") from None
            return
        except (OSError, ValueError, KeyError, TypeError):
            raise GantoolError(f"{self._path} is damaged: {ways_out}") from None
        if differs:
            what = "other weights, or by an earlier gantool" if differs == ["digest"] else "other settings"
            raise GantoolError(f"{self._path.parent} was written by run {by} with {what}: {ways_out}")


def record_of(images: Iterable[str], marker: Mapping[str, str]) -> bytes:
    """Return the content of a record."""
    lines = (json.dumps({"image": image, **marker}, ensure_ascii=False) + "\n" for image in images)
    return "".join(lines).encode(errors="surrogateescape")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a full disk and the like into one line. Raises `GantoolError`."""
    try:
        yield
    # h5py reports a full disk as RuntimeError when it closes a file.
    except (OSError, RuntimeError) as error:
        if getattr(error, "errno", None) in _FULL or "No space left" in str(error):
            raise GantoolError(
                f"the disk is full at {path}: free some space and give the same command again; what was written stays good"
            ) from None
        if isinstance(error, OSError):
            raise GantoolError(f"cannot write {path}: {error.strerror or error}") from None
        raise
