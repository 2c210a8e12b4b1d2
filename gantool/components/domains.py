"""What factories of data sets return."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np


@runtime_checkable
class Domain(Protocol):
    """One side of a data set, map-style. Item i is the same image every time.

    Optional: `labels`, a mapping of names to arrays of `len(self)` rows; `name`, which says in an error where the images
    come from; `block(start, stop)`, the images of a range, where reading many at once is cheaper than one by one; `passes` and
    `read_pass`, what a renderer knew beside the pictures, as of `gantool.data.conditions.HasPasses`.
    """

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> np.ndarray:
        """(H, W, C) uint8, uint16, or float32 in [0, 1]. Every item has the same shape and dtype."""


@runtime_checkable
class StreamingDomain(Protocol):
    """One side of a data set that has no random access.

    Optional: `stream_rows(*, seed, skip, rows, of)`, of every `of` images of `stream(seed=seed, skip=skip)` those whose numbers
    there are in the `range` `rows`. With it, each process of a run on several GPUs decodes no images but its own.
    """

    def stream(self, *, seed: int, skip: int) -> Iterator[np.ndarray]:
        """Endless images as of `Domain.__getitem__`, in an order that is a pure function of `seed`, without the first
        `skip` of them. That is what makes a run resumable."""


@runtime_checkable
class Domains(Protocol):
    """What a data-set factory returns.

    Optional: `test`, a `Domain` of labelled target images that training never draws. `gantool evaluate` then needs no flag; the
    first of its labels is the one that it takes.
    """

    @property
    def source(self) -> Domain | StreamingDomain:
        """The synthetic images, which are refined."""

    @property
    def target(self) -> Domain | StreamingDomain:
        """The real images, which they shall look like."""


@dataclass
class Pair:
    """A data set of these domains: what a factory returns that has no class of its own for it."""

    source: Domain | StreamingDomain
    target: Domain | StreamingDomain
    test: Domain | None = None
