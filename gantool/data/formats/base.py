"""What a storage format offers: reading sets of images, writing them, and what refining one into another needs of it.

A format of a plugin derives from `StorageFormat` and offers what it can; its record says which of it that is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

import numpy as np

from ...components import Format
from ...errors import GantoolError
from ..annotations.model import Problem
from ..chunks import Chunk
from ..decoding import probe_bytes, read_bytes
from ..frames import PassForm
from ..images import Form, ImageReadError, Images, first_of_each
from ..locations import Location
from ..parallel import apply_to_all
from ..samples import Sample, Source, samples_of
from ..writing import OpenedPicture, picture_of

T = TypeVar("T")


class Stored(Protocol):
    """An image as it is stored, and how another is stored in its place."""

    @property
    def format(self) -> str:
        """What it cannot be written as, where that fails: "PNG"."""

    @property
    def pixels(self) -> np.ndarray:
        """(H, W, C) uint8, uint16 or float32, upright, RGB order."""

    def encode(self, pixels: np.ndarray) -> Any:
        """Turn (H, W, C) pixels of its C and dtype into what `Rewriter.put` takes. Called in any thread."""


@dataclass(frozen=True, eq=False)
class Item:
    """An image of a container, not decoded."""

    number: int
    """Position in the container."""
    name: str
    """For messages."""
    form: Form | None
    """None where that cannot be told: then `read` says why."""
    read: Callable[[], Stored]
    """Called in any thread, once. Raises `ImageReadError`, `GantoolError`."""
    key: str = ""
    """What the record of refined images calls it; `name`, where this is empty."""
    passes: Mapping[str, PassForm] = field(default_factory=dict)
    """Those of the container, by name."""
    read_pass: Callable[[str], tuple[np.ndarray, PassForm] | None] = lambda _: None
    """One of this image, as of `data.conditions.HasPasses`. Called in any thread, once for each. Raises as `read`."""


class Rewriter(ABC):
    """Makes a container like another one, with other images in it. Its own methods are called in one thread."""

    copied: int = 0
    """Label files, arrays or columns that were copied so far."""

    @abstractmethod
    def items(self) -> Iterator[Item]:
        """Yield the images in the order in which they are stored. What lies between them may be copied on the way."""

    @abstractmethod
    def put(self, item: Item, stored: Any) -> None:
        """Store what `Stored.encode` returned in the place of an image: None where it could not be refined. In any order."""

    def finish(self) -> None:  # noqa: B027 - most have nothing to do
        """Write what is left, once there was a `put` for every item."""


@dataclass(frozen=True)
class Container(ABC):
    """One file of many images, which is refined as a whole. It can be sent to another process."""

    place: str
    """Where it is."""
    path: str
    """Relative path of what is made of it in an output folder."""

    gapless: ClassVar[bool] = False
    """Whether it has no room for a missing image: one that cannot be refined stops it, and its record is one line."""
    counted: ClassVar[bool] = False
    """Whether `forms` tells the form of every image, without reading them."""

    @property
    def labels(self) -> int:
        """Label arrays that come along."""
        return 0

    @property
    def passes(self) -> Mapping[str, PassForm]:
        """Those that its items bring, by name."""
        return {}

    @abstractmethod
    def count(self) -> int:
        """Return the number of images. Raises `GantoolError`; `ContainerError` for what stops no other one."""

    @abstractmethod
    def forms(self) -> Iterable[Form]:
        """Return the form of each image (`counted`), or of the first that can be read; none, where none can be."""

    @abstractmethod
    def rewrite(self, target: Target) -> AbstractContextManager[Rewriter]:
        """Write it anew. Raises `GantoolError` for what is wrong with it, OSError for what is wrong with the target."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a container is written into."""

    temporary: Path
    """Written now."""
    path: Path
    """What it will be called."""
    size: tuple[int, int] | None
    """(height, width) of the images where it is not their own."""
    notice: Callable[[str], None]
    """Is told what a person should know."""


class StorageFormat:
    """One way to store images. What a format cannot do, its record does not say that it provides."""

    takes_files: ClassVar[bool] = False
    """Whether files that belong to no single image can lie beside what is written."""
    only_arrays: ClassVar[bool] = False
    """Whether a label is an array with a row per image, so that what no array holds is lost."""
    gathered: ClassVar[bool] = False
    """Whether files beside each other are usually one set: then refined ones must not come among them."""
    divisible: ClassVar[bool] = True
    """Whether several processes can refine a set."""
    unchecked: ClassVar[str] = "images and labels are rows of one file"
    """Why `--validate` finds nothing to check."""
    hint: ClassVar[str] = ""
    """What a person should know who finds that there are no images."""

    def __init__(self, *, config: Any, record: Format) -> None:
        self.config, self.record = config, record

    def configured(self, config: Any) -> Self:
        """Return the same with other options."""
        return type(self)(config=config, record=self.record)

    def recognises(self, place: Location) -> bool:
        """Return whether a set is stored so, by names alone. As it stands: a file of the suffixes, or a folder with some."""
        return bool(self.record.suffixes and (place.named(self.record.suffixes) or place.ending(self.record.suffixes)))

    def check_there(self, place: Location, *, option: str) -> None:
        """Raise `GantoolError`, which begins with `option`, where nothing is there."""
        if not place.is_remote and not place.path.exists():
            raise GantoolError(f"{option}{place} does not exist")

    def open(self, place: Location) -> Images:
        """Open a set for random access. Raises `GantoolError`, one line, and `MissingExtra`."""
        raise NotImplementedError

    def chunks(self, place: Location) -> Sequence[Callable[[], Chunk]]:
        """Return what opens the chunks of a set that is streamed ("streams"). Raises as `open`."""
        raise NotImplementedError

    def samples(self, images: Any) -> Source:
        """Return what `open` returned sample by sample. What is raised while they are read is `GantoolError`."""
        return Source(samples_of(images))

    def write(self, target: Path, samples: Iterable[Sample], per_part: int, /) -> int:
        """Write samples into a new file or folder ("writes") and return how many. Raises `GantoolError`.

        `per_part`: samples of a shard.
        """
        raise NotImplementedError

    def problems(self, place: Location) -> Iterator[Problem] | None:
        """Yield what is wrong with the labels of a set; None where there is nothing to check."""
        del place
        return None

    def containers(self, place: Location) -> Sequence[Container]:
        """Return the files of a set that are refined each as a whole ("refines"). Raises `GantoolError`, `MissingExtra`."""
        raise NotImplementedError

    def settings(self) -> Mapping[str, str]:
        """Return what else than the network decides what is written."""
        return {}

    def owns(self, file: str) -> bool:
        """Return whether a file of a folder is one that refining writes, by its relative path: all others are copied."""
        return file.lower().endswith(self.record.suffixes)

    def last(self, place: Location) -> Sequence[str]:
        """Return the relative paths of files that `complete` makes."""
        del place
        return ()

    def complete(self, place: Location, output: Path, made: str) -> None:
        """Write what makes the folder `output` a whole set; `made` tells apart what different networks made. Raises OSError."""


class EncodedImages(ABC):
    """Images that are the bytes of files. The rest of `images.Images` is the business of who derives from it."""

    names: Sequence[str]

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def encoded(self, index: int) -> bytes:
        """Return the file of an image as it is stored. Raises `ImageReadError` where there is none, `GantoolError`."""

    def __getitem__(self, index: int) -> np.ndarray:
        return read_bytes(self.encoded(index), self.names[index])

    def forms(self) -> Mapping[Form, int]:
        """Every form that occurs, with the number of the first image that has it. Raises `ImageReadError`."""
        return first_of_each(apply_to_all(lambda index: probe_bytes(self.encoded(index), self.names[index]), range(len(self))))


def encoded_item(number: int, name: str, data: bytes, key: str = "") -> Item:
    """Return the item for the bytes of an image file. Its header is read here, and not again unless it is damaged."""
    try:
        opened = OpenedPicture(data, name)
    except ImageReadError:
        return Item(number, name, None, partial(picture_of, data, name), key)
    return Item(number, name, opened.form, opened.read, key)


def first_form(images: Iterable[bytes | None], name: str) -> list[Form]:
    """Return the form of the first of these files that can be read."""
    for data in images:
        try:
            return [probe_bytes(data or b"", name)]
        except ImageReadError:
            continue
    return []


class InOrder(Generic[T]):
    """Gives back, in the order of their numbers from 0, what comes in any order."""

    def __init__(self) -> None:
        self._waiting: dict[int, T] = {}
        self._next = 0

    def add(self, number: int, value: T) -> Iterator[T]:
        """Take one, and yield all that are next by now."""
        self._waiting[number] = value
        while self._next in self._waiting:
            self._next += 1
            yield self._waiting.pop(self._next - 1)
