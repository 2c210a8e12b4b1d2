"""What every source of images offers: the images, their names and labels, and their form without decoding them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, runtime_checkable

import numpy as np

from ..errors import GantoolError


class ReadError(GantoolError):
    """Something that cannot be read."""

    line = "cannot read {}: {}"

    def __init__(self, name: str, cause: str) -> None:
        super().__init__(self.line.format(name, cause))
        self.name, self.cause = name, cause

    def __reduce__(self) -> tuple[type[ReadError], tuple[str, str]]:
        # Loader processes send it to the trainer, and pickle would call __init__ with the message alone.
        return type(self), (self.name, self.cause)


class ImageReadError(ReadError):
    """One image that cannot be read (or, refined, cannot be written)."""

    line = "cannot read image {}: {}; remove or replace it"


class ContainerError(ReadError):
    """One file of many images that cannot be read. Among several of a set it stops no other."""


@dataclass(frozen=True)
class Form:
    """What an image is like, without its pixels."""

    height: int
    width: int
    channels: int
    """2 and 4 are grey and colour with alpha."""
    dtype: str
    """`"uint8"`, `"uint16"` or `"float32"`."""

    @property
    def size(self) -> str:
        """As the command line writes it: `"35x55"`, height first."""
        return f"{self.height}x{self.width}"


@runtime_checkable
class Images(Protocol):
    """A `gantool.components.Domain` of images as they are stored: forms may differ, and floats may have any unit."""

    name: str
    """Where the images are, for messages."""
    names: Sequence[str]
    """One name per image, for messages."""
    labels: Mapping[str, np.ndarray]
    """Arrays of `len(self)` rows that lie beside the images, by name."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> np.ndarray:
        """(H, W, C) uint8, uint16 or float32, upright, RGB order. Raises `ImageReadError`."""

    def forms(self) -> Mapping[Form, int]:
        """Every form that occurs, with the number of the first image that has it. Raises `ImageReadError`."""


def first_of_each(forms: Iterable[Form]) -> dict[Form, int]:
    """Return every form that occurs, with its first position."""
    first: dict[Form, int] = {}
    for index, form in enumerate(forms):
        first.setdefault(form, index)
    return first


class LazyArrays(Mapping[str, np.ndarray]):
    """Arrays that are read when they are asked for: label maps can be as large as the images."""

    def __init__(self, names: Sequence[str], read: Callable[[str], np.ndarray]) -> None:
        self._names, self._read = tuple(names), read

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._names:
            raise KeyError(name)
        return self._read(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class Names(Sequence[str]):
    """The name of each image, put together when it is asked for: no string per image is in memory."""

    def __init__(self, count: int, name: Callable[[int], str]) -> None:
        self._numbers, self._name = range(count), name

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self._name(number) for number in self._numbers[index]]
        return self._name(self._numbers[index])

    def __len__(self) -> int:
        return len(self._numbers)


def row_names(place: str, count: int) -> Names:
    """Return `"file.npz[0]"`, `"file.npz[1]"` and so on."""
    return Names(count, partial("{}[{}]".format, place))


class Joined:
    """Several files of images as one sequence: where each image is."""

    def __init__(self, counts: Sequence[int]) -> None:
        self._ends = np.cumsum(counts, dtype=np.int64)

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def locate(self, index: int) -> tuple[int, int]:
        """Return the number of the file, and of the image in it. Raises `IndexError`."""
        index = range(len(self))[index]
        file = int(np.searchsorted(self._ends, index, side="right"))
        return file, index - self.first(file)

    def first(self, file: int) -> int:
        """Return the number of the first image of a file."""
        return int(self._ends[file - 1]) if file else 0
