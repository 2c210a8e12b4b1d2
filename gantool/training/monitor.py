"""Keeps a step's figures on the device and looks at them only at log points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

    def read(self) -> tuple[dict[str, float], dict[str, int]]:
        """Return the means since the last call, and of figures that were not finite the first such step. Waits for the device."""
        sums: dict[str, tuple[float, int]] = {}
        broken: dict[str, int] = {}
        for names, rows in self._rows.items():
            for name, value, step in zip(names, rows.total.tolist(), rows.broken.tolist(), strict=True):
                before, seen = sums.get(name, (0.0, 0))
                sums[name] = before + value, seen + rows.count
                if step >= 0:
                    broken[name] = min(step, broken.get(name, step))
        self._rows = {}
        return {name: value / count for name, (value, count) in sums.items()}, broken


Figures = tuple[dict[str, float], dict[str, int]]
"""What `Monitor.read` returns."""


def joined(processes: Sequence[Figures]) -> Figures:
    """Return the means of what several processes saw of shares of equal size, and the first steps that were not finite."""
    values: dict[str, list[float]] = {}
    broken: dict[str, int] = {}
    for own, bad in processes:
        for name, value in own.items():
            values.setdefault(name, []).append(value)
        for name, step in bad.items():
            broken[name] = min(step, broken.get(name, step))
    return {name: sum(each) / len(each) for name, each in values.items()}, broken
