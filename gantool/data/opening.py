"""A path to the images that are there."""

from __future__ import annotations

from pathlib import Path

from ..errors import GantoolError
from . import IMAGE_SUFFIXES
from .chunks import ChunkStream
from .domains import Reading
from .formats import find, words
from .images import Images
from .locations import Location


def open_images(path: str | Path | Location, reading: Reading | None = None) -> Images:
    """Open a set in any of the formats of `gantool plugins`, such as a folder of images (read with its subfolders).

    `path`: also a pattern of shards, `part-{000..999}.tar`, or a URL where fsspec knows the protocol. `reading`: how a folder is
    read. Raises `GantoolError`, one line: nothing there, nothing in it, no kind of file that is read, damaged, or in doubt which
    files are pictures.
    """
    place = path if isinstance(path, Location) else Location(path, reading)
    images = find(place).open(place)
    if not len(images):
        raise GantoolError(f"no images in {place}" + (f": read are {', '.join(IMAGE_SUFFIXES)}" if place.is_folder else ""))
    return images


def kind_of(path: str | Path) -> str:
    """Return the name of the format that a set is stored in, without opening it. Raises `GantoolError`."""
    return find(Location(path)).record.name


def open_stream(path: str | Path | Location, *, window: int) -> ChunkStream:
    """Open a set in a format that provides "streams"; see `ChunkStream`. Raises `GantoolError`."""
    place = path if isinstance(path, Location) else Location(path)
    storage = find(place)
    if "streams" not in storage.record.provides:
        raise GantoolError(f"{place}: sets in the format {storage.record.name} are not streamed, but {words('streams')} are")
    return ChunkStream(place.text, storage.chunks(place), window=window)
