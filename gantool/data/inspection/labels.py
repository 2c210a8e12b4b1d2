"""Labels in figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

_COLUMNS = 8
"""Columns of an array that are told apart; wider ones (label maps) are summarised as one."""
_CLASSES = 20
"""Whole numbers or words of at most so many values are counted as classes."""


@dataclass(frozen=True)
class LabelSummary:
    """An array of labels, one row per image."""

    name: str
    rows: int
    """That were looked at."""
    shape: tuple[int, ...]
    """Of one row."""
    dtype: str
    low: tuple[float, ...]
    """Per column; empty for words."""
    high: tuple[float, ...]
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    missing: int
    """Rows with NaN."""
    classes: Mapping[str, int]
    """Value: rows, where there are few values."""


def summarise_arrays(labels: Mapping[str, np.ndarray], numbers: Sequence[int]) -> tuple[LabelSummary, ...]:
    """Summarise label arrays by the rows `numbers`."""
    return tuple(_summarise(name, np.asarray(labels[name])[list(numbers)]) for name in labels)


def _summarise(name: str, rows: np.ndarray) -> LabelSummary:
    classes = _classes(rows)
    if rows.dtype.kind not in "biuf":
        return LabelSummary(name, len(rows), rows.shape[1:], str(rows.dtype), (), (), (), (), 0, classes)
    flat = rows.reshape(len(rows), -1).astype(np.float64)
    missing = int(np.isnan(flat).any(axis=1).sum())
    columns = flat if flat.shape[1] <= _COLUMNS else flat.reshape(-1, 1)
    columns = columns[~np.isnan(columns).any(axis=1)]
    if not len(columns):
        return LabelSummary(name, len(rows), rows.shape[1:], str(rows.dtype), (), (), (), (), missing, classes)
    figures = (columns.min(axis=0), columns.max(axis=0), columns.mean(axis=0), columns.std(axis=0))
    low, high, mean, deviation = (tuple(figure.tolist()) for figure in figures)
    return LabelSummary(name, len(rows), rows.shape[1:], str(rows.dtype), low, high, mean, deviation, missing, classes)


def _classes(rows: np.ndarray) -> dict[str, int]:
    if rows.ndim != 1 or rows.dtype.kind not in "biuSU":
        return {}
    values, counts = np.unique(rows, return_counts=True)
    if len(values) > _CLASSES:
        return {}
    return {_word(value): int(count) for value, count in zip(values.tolist(), counts, strict=True)}


def _word(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
