"""Files that hold a picture, or several (slices, pages, exposures), among headers, masks and other arrays.

A format of a plugin that provides "pictures" opens them. Folders of such files are laid out as folders of image files are, and a
file by itself is a set of pictures, too. Whatever is not a refined pixel stays in the file as it was.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Protocol, cast

import numpy as np

from ..components import Format
from ..errors import GantoolError, cause
from . import IMAGE_SUFFIXES
from .frames import Place
from .images import Form, ImageReadError, ReadError
from .installed import installed
from .parallel import threads

AUTO = "auto"
_READ_BY_HOST = (*IMAGE_SUFFIXES, ".npy")
"""Such files are a plugin's only where it was said so when the folder was listed."""


class NoPicture(ReadError):
    """A file of the format that holds none; in a folder it is copied."""

    line = "{} holds no picture: {}"


class PictureFile(ABC):
    """A file, opened. Pixels are read when they are asked for; all methods are called in any thread."""

    array: str
    """Which array of the file the pictures are in: its name or number, never ""."""
    slices: str = ""
    """Axis of a volume that its pictures are slices along; "" for other files."""
    unit: str = ""
    """Of the values, such as "adu" or "HU"."""
    notes: tuple[str, ...] = ()
    """What a person should know, to follow the name of the file."""

    @property
    @abstractmethod
    def form(self) -> Form:
        """What each of its pictures is like."""

    @abstractmethod
    def __len__(self) -> int:
        """Return how many pictures there are."""

    @abstractmethod
    def read(self, number: int) -> np.ndarray:
        """Return a picture, (H, W, C) uint8, uint16 or float32, in `unit`; NaN where the file says that there is no value."""

    @abstractmethod
    def stored(self, number: int) -> np.ndarray:
        """Return the same as it is stored, (H, W, C) of any type, in native byte order: ids stay what they are."""

    @abstractmethod
    def rewritten(self, pictures: Mapping[int, np.ndarray]) -> bytes:
        """Return the file with other pictures, as `read` gives them: where a value is as it was, not one bit changes."""


class OpensPictures(Protocol):
    """What a format that provides "pictures" offers on top of `formats.base.StorageFormat`."""

    alone: ClassVar[bool]
    """Whether its files are pictures only where there are no others: arrays beside image files are passes or labels."""

    def claims(self, path: Path) -> bool:
        """Return whether a file of its suffix is one to open; others are left to the host. Quick: every file is asked for."""

    def open_file(self, path: Path, *, array: str, slices: str) -> PictureFile:
        """Open a file; headers alone are read.

        `array`, `slices`: as of `PictureFile`, or "auto". Raises `NoPicture`; `MissingExtra`; `GantoolError` for what a person
        has to say, such as which array; and whatever else for a damaged file.
        """


def opener(file: str) -> OpensPictures | None:
    """Return the format that opens a file of this name, None for a file that is no plugin's."""
    found = installed()
    for provided in found.registry.all("format"):
        record = cast("Format", provided.record)
        if "pictures" in record.provides and file.lower().endswith(record.suffixes):
            return cast("OpensPictures", found.make(provided))
    return None


def suffixes() -> tuple[str, ...]:
    """Return the ends of all names that plugins open pictures of."""
    records = (cast("Format", provided.record) for provided in installed().registry.all("format"))
    return tuple(suffix for record in records if "pictures" in record.provides for suffix in record.suffixes)


def holds_pictures(place: Place) -> bool:
    """Return whether what is at a place is read by a plugin."""
    known = place.file.lower().endswith(_READ_BY_HOST)
    return (bool(place.key) or not known) and not place.channels and place.file.lower().endswith(suffixes())


def open_pictures(root: Path, place: Place) -> PictureFile:
    """Return the file that `holds_pictures`. The last few stay open. Raises `ImageReadError`, and `GantoolError`."""
    return open_at(root / place.file, array=place.key or AUTO, slices=place.part or AUTO)


def open_at(path: Path, *, array: str = AUTO, slices: str = AUTO) -> PictureFile:
    """Open a file that one of `suffixes` says. Raises as `open_pictures`."""
    return _OPENED.get(path, array, slices)


def check_keeps_size(name: str, form: Form, size: tuple[int, int] | None) -> None:
    """Raise `GantoolError` where such a file would be written at another size: its header says where its pixels lie."""
    if size not in (None, (form.height, form.width)):
        raise GantoolError(f"--size: the header of {name} says where its pixels lie, which would be wrong: leave --size out")


class _Opened:
    """The files that were opened last. As many as there are threads, which may each be at a volume of their own."""

    def __init__(self) -> None:
        self._files: OrderedDict[tuple[object, ...], PictureFile] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, path: Path, array: str, slices: str) -> PictureFile:
        try:
            state = path.stat()
        except OSError as error:
            raise ImageReadError(str(path), cause(error)) from None
        key = (str(path), state.st_mtime_ns, state.st_size, array, slices)
        with self._lock:
            if key in self._files:
                self._files.move_to_end(key)
                return self._files[key]
        opened = _open(path, array, slices)
        with self._lock:
            opened = self._files.setdefault(key, opened)
            while len(self._files) > threads() + 1:
                self._files.popitem(last=False)
        return opened


def _open(path: Path, array: str, slices: str) -> PictureFile:
    storage = opener(path.name)
    assert storage is not None
    try:
        return storage.open_file(path, array=array, slices=slices)
    except GantoolError:
        raise
    except Exception as error:  # libraries raise what they like for damaged files
        raise ImageReadError(str(path), cause(error)) from None


_OPENED = _Opened()
