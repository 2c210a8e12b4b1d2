"""Formats of files that hold pictures among other things: base of the classes that plugins bring (see `data.picture_files`)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import ClassVar

import numpy as np

from ..images import Form
from ..locations import Location
from ..picture_files import PictureFile, check_keeps_size, open_at
from ..samples import Source
from .base import Container, Item, Rewriter, StorageFormat, Target
from .folder import FolderImages, samples_of_folder


class PictureFormat(StorageFormat):
    """Opens one file; folders of such files are the host's `folder` format."""

    alone: ClassVar[bool] = False
    divisible = False
    unchecked = "a file by itself has no annotations"

    @abstractmethod
    def open_file(self, path: Path, *, array: str, slices: str) -> PictureFile:
        """Open a file. See `picture_files.OpensPictures`."""

    def claims(self, path: Path) -> bool:
        """Return whether a file of the suffixes in a folder is one to open. As it stands: all of them."""
        del path
        return True

    def recognises(self, place: Location) -> bool:
        """Return whether a name says so, of one file of this machine."""
        return place.named(self.record.suffixes) and not place.is_remote

    def open(self, place: Location) -> FolderImages:
        """Open a file as a folder that has no other."""
        open_at(place.path, array=place.reading.array, slices=place.reading.slices)  # whatever is wrong with it is said at once
        return FolderImages(_alone(place))

    def samples(self, images: FolderImages) -> Source:
        return samples_of_folder(images)

    def containers(self, place: Location) -> Sequence[Container]:
        return [PictureContainer(place.text, place.path.name, place.reading.array, place.reading.slices)]


@dataclass(frozen=True)
class PictureContainer(Container):
    """One file that is refined."""

    array: str
    slices: str

    gapless = counted = True

    @cached_property
    def opened(self) -> PictureFile:
        """The file. Raises `GantoolError`."""
        return open_at(Path(self.place), array=self.array, slices=self.slices)

    def __getstate__(self) -> Mapping[str, str]:
        return {name: value for name, value in vars(self).items() if name != "opened"}

    def count(self) -> int:
        return len(self.opened)

    def forms(self) -> list[Form]:
        return [self.opened.form] * len(self.opened)

    @contextmanager
    def rewrite(self, target: Target) -> Iterator[Rewriter]:
        form = self.opened.form
        check_keeps_size(self.path, form, target.size)
        for note in self.opened.notes:
            target.notice(f"{self.path}: {note}")
        yield _Rewriter(self, target)


@dataclass(frozen=True)
class _Stored:
    pixels: np.ndarray
    format: str

    def encode(self, pixels: np.ndarray) -> np.ndarray:
        """Return the pixels, which are written when all of them are there."""
        return pixels


class _Rewriter(Rewriter):
    def __init__(self, container: PictureContainer, target: Target) -> None:
        self._container, self._target = container, target
        self._done: dict[int, np.ndarray] = {}

    def items(self) -> Iterator[Item]:
        place, opened = self._container.place, self._container.opened
        for number, form in enumerate(self._container.forms()):
            name = place if len(opened) == 1 else f"{place}:{number}"
            yield Item(number, name, form, partial(self._read, number))

    def put(self, item: Item, stored: np.ndarray) -> None:
        self._done[item.number] = stored

    def finish(self) -> None:
        self._target.temporary.write_bytes(self._container.opened.rewritten(self._done))

    def _read(self, number: int) -> _Stored:
        return _Stored(self._container.opened.read(number), self._container.path)


def _alone(place: Location) -> Location:
    folder = Location(place.path.parent, place.reading)
    folder.__dict__["files"] = (place.path.name,)
    return folder
