"""How sets are stored: one class per format, found through the hook `gantool_formats`. Without numpy until one is made.

A plugin brings a format by a `Format` record and a class derived from `formats.base.StorageFormat`, as the host's own are.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ...components import Format
from ...errors import GantoolError, PluginError, nearest
from ...plugins import Provided
from .. import IMAGE_SUFFIXES
from ..installed import ask, installed
from ..locations import Location

if TYPE_CHECKING:
    from .base import StorageFormat


def records(capability: str | None = None) -> list[Format]:
    """Return the records of all formats, the host's first, or of those that provide "streams", "writes" or "refines"."""
    found = [cast("Format", provided.record) for provided in installed().registry.all("format")]
    return [record for record in found if capability is None or capability in record.provides]


def words(capability: str | None = None) -> str:
    """Name formats for a help text: `"a folder, .h5, .npz, .parquet, .tar, a video"`."""
    found = sorted(records(capability), key=lambda record: record.name)
    return ", ".join(record.word or next(iter(record.suffixes), record.name) for record in found)


def find(place: Location, *, option: str = "", config: object = None) -> StorageFormat:
    """Return the format that a set is stored in. It is not opened.

    `option`: what errors write in front of the place. `config`: options of the format, where they are its own; without them, and
    for any other format, its defaults. Raises `GantoolError`, one line: nothing there, of no known format.
    """
    for storage in _recognised(place):
        storage.check_there(place, option=option)
        return storage.configured(config) if isinstance(config, storage.record.options) else storage
    if place.is_folder:  # of images, of which there are none
        found = installed()
        return cast("StorageFormat", found.make(found.registry.find("format", "gantool:folder")))
    suffixes = ", ".join(suffix for record in records() for suffix in record.suffixes)
    if place.is_remote:
        raise GantoolError(f"{option}{place} has no {suffixes} files; single images are read from folders of this machine only")
    if not place.path.exists():
        raise GantoolError(f"{option}{place} does not exist")
    hint = "; give the folder that it is in" if place.named(IMAGE_SUFFIXES) else ""  # a TIFF
    raise GantoolError(f"{option}{place} is neither a folder nor one of {suffixes}{hint}")


def named_by(target: Path) -> Format | None:
    """Return the record of the format that the name of a file says, if any."""
    return next((record for record in records() if target.name.lower().endswith(record.suffixes)), None)


def writer(target: Path, name: str | None = None) -> StorageFormat:
    """Return the format to write `target` in: the one called so, or the one that its name says. Raises `GantoolError`."""
    known = sorted(record.name for record in records("writes"))
    if name is None:
        record = named_by(target)
        if record is None or record.name not in known:
            raise GantoolError(f"{target} does not say its format: pass --format {'|'.join(known)}")
        name = record.name
    elif name.rpartition(":")[2] not in known:
        raise GantoolError(f"--format {name}{nearest(name, known, 'it is one of')}")
    found = installed()
    return cast("StorageFormat", found.make(found.registry.find("format", name)))


def _recognised(place: Location) -> Iterator[StorageFormat]:
    """Yield formats that a set may be in, first those that say the end of its name: where one fits, no other is imported."""
    found = installed()
    named, others = list[Provided](), list[Provided]()
    for provided in found.registry.all("format"):
        (named if place.text.lower().endswith(cast("Format", provided.record).suffixes) else others).append(provided)
    for provided in (*named, *others):
        try:
            storage = found.make(provided)
            if ask(str(provided), storage.recognises, place):
                yield storage
        except PluginError:
            if provided in named:
                raise
            # Nobody asked for it: whoever lists plugins learns of it.
