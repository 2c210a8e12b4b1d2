"""Converting a set from one format into another."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import GantoolError
from ..files import hidden, lock_for, owned, remove, remove_leftovers_of
from .domains import Reading
from .formats import find, writer
from .formats.base import StorageFormat
from .locations import Location
from .opening import open_images
from .samples import Sample, Source


@dataclass(frozen=True)
class Converted:
    """What was written."""

    output: Path
    images: int
    copied: int
    """Files that belong to no single image, copied beside."""
    left_out: int
    """Such files for which a single output file has no room."""
    lost: tuple[str, ...] = ()
    """Labels that no array holds: some images have none, or they differ in shape."""


def convert(
    source: str, target: Path, *, format: str | None = None, per_part: int = 1000, reading: Reading | None = None
) -> Converted:
    """Write the set `source` anew as `target`, which must not exist and appears when it is whole.

    `format`: name of a format that can be written, by default the one that the name of `target` says. `per_part`: samples of a
    shard. `reading`: how a folder is read. Raises `GantoolError`.
    """
    into = writer(target, format)
    if target.exists():
        raise GantoolError(f"{target} exists: choose another name, or remove it")
    place = Location(source, reading)
    if place.is_folder and place.path.resolve() in target.resolve().parents:
        raise GantoolError(f"{target} lies in {source}, which is read: choose another place")
    found = find(place).samples(open_images(place))
    try:
        with owned(lock_for(target), target):
            remove_leftovers_of([target])
            return _write(found, place, into, target, per_part)
    except OSError as error:
        raise GantoolError(f"cannot convert {source} to {target}: {error.strerror or error}") from None


def _write(found: Source, place: Location, into: StorageFormat, target: Path, per_part: int) -> Converted:
    temporary, names = hidden(target), dict[str, None]()
    try:
        images = into.write(temporary, _named(found.samples, names), per_part)
        beside = found.beside if into.takes_files else ()
        for file in beside:
            (temporary / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(place.path / file, temporary / file)
        for file, content in found.made.items() if into.takes_files else ():
            (temporary / file).write_bytes(content)
        lost = [name for name in names if name not in into.open(Location(temporary)).labels] if into.only_arrays else []
        temporary.rename(target)
    finally:
        remove(temporary)
    return Converted(target, images, len(beside), len(found.beside) - len(beside), tuple(lost))


def _named(samples: Iterable[Sample], names: dict[str, None]) -> Iterator[Sample]:
    """Yield samples, and note the names of their labels: values, passes, files."""
    for sample in samples:
        names.update(dict.fromkeys(sample.values))
        for kind in sample.files:
            names.update(dict.fromkeys(sample.numbers() if kind == "json" else [kind.rpartition(".")[0] or kind]))
        yield sample
