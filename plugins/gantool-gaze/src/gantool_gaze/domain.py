"""Domains as the host wants them: images by number, labels by name. See `gantool.components.Domain`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gantool import GantoolError

from .pictures import Grey

Labels = Mapping[str, NDArray[Any]]


class GazeDomain:
    """Grey images that are read one by one, and their labels."""

    def __init__(self, name: str, names: Sequence[str], read: Callable[[int], Grey], labels: Labels) -> None:
        """`names`: one per image, for messages; `read`: its number to (H, W) uint8, the same H and W for all."""
        self.name, self.names, self.labels = name, names, labels
        self._read = read

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> Grey:
        """(H, W, 1) uint8. Raises `GantoolError` for a file that cannot be read."""
        return np.array(self._read(range(len(self))[index]))[..., None]


class LazyLabels(Mapping[str, NDArray[Any]]):
    """Labels that are all read when the first one is asked for: training needs none of them."""

    def __init__(self, names: Sequence[str], read: Callable[[], Labels]) -> None:
        self._names, self._load = tuple(names), read

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name not in self._names:
            raise KeyError(name)
        return self._all[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    @cached_property
    def _all(self) -> Labels:
        return self._load()


@dataclass(frozen=True)
class Pair:
    """Synthetic and real eyes."""

    source: GazeDomain
    target: GazeDomain


@dataclass(frozen=True)
class PairWithTest(Pair):
    """A pair with labelled real images of persons that training never sees."""

    test: GazeDomain


def choose_subjects(known: Sequence[str], subjects: str, test_subjects: str, place: str) -> tuple[list[str], list[str]]:
    """Return whom to train on and whom to test on. Raises `GantoolError` for a person who is not there, or is in both."""
    chosen: list[list[str]] = []
    for option, text in (("subjects", subjects), ("test_subjects", test_subjects)):
        words = list(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
        for word in words:
            if word not in known:
                raise GantoolError(f"dataset.{option}: {place} has no subject {word!r}; it has: {', '.join(known)}")
        chosen.append(words)
    train, test = chosen
    both = [subject for subject in train if subject in test]
    if both:
        raise GantoolError(f"subject {both[0]} is in dataset.subjects and in dataset.test_subjects: take it out of one")
    train = train or [subject for subject in known if subject not in test]
    if not train:
        raise GantoolError(f"dataset.test_subjects names all {len(known)} subjects of {place}: leave some to train on")
    return train, test
