"""Keeps a step's figures on the device and looks at them only at log points."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class _Rows:
    """Figures that come together, so that one kernel serves them all."""

    total: Tensor
    broken: Tensor
    """The first step at which each figure was not finite, or -1."""
    count: int = 0


class Monitor:
    """Running means of a recipe's figures, and the first step at which each was not finite. No host sync until `read`."""

    def __init__(self) -> None:
        # By names: figures that come only at some steps (a penalty computed at every 16th, say) have means of their own.
        self._rows: dict[tuple[str, ...], _Rows] = {}

    def add(self, step: int, values: Mapping[str, Tensor]) -> None:
        """Take the figures (0-d tensors) of step number `step`."""
        if not values:
            return
        row = torch.stack([value.detach().float() for value in values.values()])
        rows = self._rows.get(tuple(values))
        if rows is None:
            rows = _Rows(torch.zeros_like(row), torch.full_like(row, -1, dtype=torch.int64))
            self._rows[tuple(values)] = rows
        rows.total += row
        rows.count += 1
        first = (rows.broken < 0) & ~torch.isfinite(row)
        rows.broken = torch.where(first, step, rows.broken)

    def read(self) -> list[Sum]:
        """Return what came since the last call. Waits for the device."""
        found = [
            (name, value, rows.count, step)
            for names, rows in self._rows.items()
            for name, value, step in zip(names, rows.total.tolist(), rows.broken.tolist(), strict=True)
        ]
        self._rows = {}
        return found


Sum = tuple[str, float, int, int]
"""Name of a figure, its sum, how often it came, and the first step at which it was not finite, or -1. JSON can hold it."""


def means(sums: Iterable[Sum]) -> tuple[dict[str, float], dict[str, int]]:
    """Return the mean of each figure, and of those that were not finite the first such step.

    Sums may be of several processes with shares of equal size.
    """
    totals: dict[str, tuple[float, int]] = {}
    broken: dict[str, int] = {}
    for name, value, count, step in sums:
        before, seen = totals.get(name, (0.0, 0))
        totals[name] = before + value, seen + count
        if step >= 0:
            broken[name] = min(step, broken.get(name, step))
    return {name: value / count for name, (value, count) in totals.items()}, broken
