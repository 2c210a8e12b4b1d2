"""What every source of images offers: the images, their names and labels, and their form without decoding them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from ..errors import GantoolError


class ImageReadError(GantoolError):
    """One image that cannot be read (or, refined, cannot be written)."""

    def __init__(self, name: str, cause: str) -> None:
        super().__init__(f"cannot read image {name}: {cause}; remove or replace it")
        self.name, self.cause = name, cause

    def __reduce__(self) -> tuple[type[ImageReadError], tuple[str, str]]:
        # Loader processes send it to the trainer, and pickle would call __init__ with the message alone.
        return type(self), (self.name, self.cause)


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


class RowNames(Sequence[str]):
    """`"file.npz[0]"`, `"file.npz[1]"` and so on, without a string per row in memory."""

    def __init__(self, file: str, count: int) -> None:
        self._file, self._rows = file, range(count)

    def __getitem__(self, index: int) -> str:  # type: ignore[override]
        return f"{self._file}[{self._rows[index]}]"

    def __len__(self) -> int:
        return len(self._rows)
