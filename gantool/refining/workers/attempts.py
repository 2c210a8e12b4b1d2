"""A Ray actor of a few lines. It has a module of its own, so that its process need not import torch."""

from __future__ import annotations


class Attempts:
    """Counts how often each piece was begun. Ray Data begins one again for as long as its actors die."""

    def __init__(self) -> None:
        self._begun: dict[int, int] = {}

    def begin(self, index: int) -> int:
        """Return how often, with this time."""
        self._begun[index] = self._begun.get(index, 0) + 1
        return self._begun[index]
