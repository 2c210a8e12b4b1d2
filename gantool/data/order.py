"""The order in which images are drawn: a pure function of (seed, epoch, position), with no table in memory.

`randperm` of a billion images is 8 GB and its state has to travel with every checkpoint; a keyed permutation has neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

import numpy as np

from ..components import StreamingDomain

T = TypeVar("T")

_ROUNDS = 10
"""Fewer leave a bias that tests find in small data sets, of five images with six rounds."""
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


def real_seed(seed: int) -> int:
    """Return the seed for the real images of a run, apart from its own, with which synthetic ones are drawn.

    With one seed, domains of one size would be drawn in one order.
    """
    return seed + 2**32


def shuffled(positions: np.ndarray, count: int, *, seed: int) -> np.ndarray:
    """Map positions of an endless draw to image numbers.

    `positions`: (n,) non-negative int64; epoch is position // count. Within an epoch every one of the `count` images comes
    exactly once, in an order that differs from epoch to epoch. Returns (n,) int64 in [0, count). Raises `ValueError` for
    count < 1.
    """
    if count < 1:
        raise ValueError(f"count must be at least 1, got {count}")
    epoch, within = np.divmod(positions.astype(np.uint64), np.uint64(count))
    half_bits = max(1, (int(count - 1).bit_length() + 1) // 2)
    with np.errstate(over="ignore"):
        key = _hash(epoch + _hash(np.uint64(seed) + _GOLDEN))
        result = _feistel(within, key, half_bits)
        # Values past the end walk on along their cycle until they fall inside: still a permutation.
        while (outside := result >= count).any():
            result[outside] = _feistel(result[outside], key[outside], half_bits)
    return result.astype(np.int64)


def uniforms(positions: np.ndarray, *, seed: int) -> np.ndarray:
    """Map positions of an endless draw, (n,) non-negative int64, to (n, 2) float64 in [0, 1), apart from `shuffled`."""
    with np.errstate(over="ignore"):
        key = _hash(_hash(np.uint64(seed) + _GOLDEN) + _MIX[0])
        counters = positions.astype(np.uint64)[:, None] * np.uint64(2) + np.arange(2, dtype=np.uint64)
        bits = _hash(_hash(counters * _GOLDEN + key))
    return (bits >> np.uint64(11)) * 2.0**-53


def rows_of(items: Iterable[T], rows: range, of: int) -> Iterator[T]:
    """Of every `of` items, those whose numbers there (from 0) are in `rows`."""
    return (item for number, item in enumerate(items) if number % of in rows)


def stream_rows(domain: StreamingDomain, *, seed: int, skip: int, rows: range, of: int) -> Iterator[np.ndarray]:
    """Of every `of` images of a stream, those in `rows`; without decoding the others where the domain can."""
    own = getattr(domain, "stream_rows", None)
    if own is not None:
        found: Iterator[np.ndarray] = own(seed=seed, skip=skip, rows=rows, of=of)
        return found
    return rows_of(domain.stream(seed=seed, skip=skip), rows, of)


def _feistel(values: np.ndarray, key: np.ndarray, half_bits: int) -> np.ndarray:
    bits, mask = np.uint64(half_bits), np.uint64((1 << half_bits) - 1)
    left, right = values >> bits, values & mask
    for _ in range(_ROUNDS):
        # Far apart: keys that differ by 1 would make each round's function a shifted copy of the one before it.
        key = key + _GOLDEN
        left, right = right, left ^ (_hash(right + key) & mask)
    return (left << bits) | right


def _hash(values: np.ndarray | np.uint64) -> np.ndarray:
    """splitmix64's finalizer."""
    mixed = np.asarray(values, dtype=np.uint64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * _MIX[0]
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _MIX[1]
    return mixed ^ (mixed >> np.uint64(31))
