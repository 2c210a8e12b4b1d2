"""What data sets have in common beside their files: domains of images that are read one by one, or computed. No torch.

Where worker processes are not forked, a domain is pickled: give it functions of a module or `functools.partial`, no lambdas.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .data.images import LazyArrays

__all__ = ["Labels", "LazyArrays", "Listed", "Rendered"]

Labels = Mapping[str, NDArray[Any]]
_LABELLED = 4096
"""Images whose labels are computed at once."""


class Listed:
    """A `gantool.components.Domain` of images that are read one by one.

    Args:
        name: Where they are, for messages.
        names: One per image, likewise.
        read: The number of an image to (H, W) or (H, W, C) of one shape and dtype. Raises `GantoolError` for one that it cannot
            read.
        labels: By name, arrays of as many rows; `LazyArrays` where reading them takes time, for training needs none.
    """

    def __init__(self, name: str, names: Sequence[str], read: Callable[[int], NDArray[Any]], labels: Labels) -> None:
        self.name, self.names, self.labels = name, names, labels
        self._read = read

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> NDArray[Any]:
        """(H, W, C). Raises `IndexError` outside the domain."""
        image = np.array(self._read(range(len(self))[index]))
        return image[..., None] if image.ndim == 2 else image


class Rendered:
    """A `gantool.components.Domain` of images that are computed when they are read; nothing is held.

    Args:
        name: What messages call it.
        numbers: What stands for each image: two domains of different numbers share none.
        render: (n,) numbers to (n, H, W, C), each image a pure function of its number.
        label: (n,) numbers to labels by name, n rows each, without rendering.
    """

    def __init__(
        self,
        name: str,
        numbers: range,
        render: Callable[[NDArray[np.int64]], NDArray[Any]],
        label: Callable[[NDArray[np.int64]], Labels],
    ) -> None:
        self.name = name
        self._numbers, self._render, self._label = numbers, render, label

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, index: int) -> NDArray[Any]:
        """(H, W, C). Raises `IndexError` outside the domain."""
        image: NDArray[Any] = self.read([index])[0]
        return image

    def block(self, start: int, stop: int) -> NDArray[Any]:
        """Positions `start` to `stop`, which the host asks for where it reads a whole domain."""
        return self.read(range(start, stop))

    def read(self, positions: Sequence[int] | NDArray[np.integer]) -> NDArray[Any]:
        """(n,) positions in the domain to (n, H, W, C): many times faster than as many single items."""
        return self._render(np.array([self._numbers[int(position)] for position in positions], np.int64))

    @cached_property
    def labels(self) -> dict[str, NDArray[Any]]:
        """By name, arrays of `len(self)` rows."""
        spans = (self._numbers[start : start + _LABELLED] for start in range(0, len(self), _LABELLED))
        parts = [self._label(np.array(span, np.int64)) for span in spans]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
