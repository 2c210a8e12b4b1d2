"""Random numbers without state: a value is a hash of (seed, stream, index, position).

A generator with state would make image i depend on what was drawn before it. With a counter-based one (Salmon et al.,
"Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011) an image is the same alone, in a batch, and in any order.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_MASK = 2**64 - 1
_GOLDEN = 0x9E3779B97F4A7C15


def _mix(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scramble 64 bits: the output function of splitmix64 (Steele et al., OOPSLA 2014). Array in, array out; wraps."""
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def keys(seed: int, stream: int, indices: NDArray[np.int64]) -> NDArray[np.uint64]:
    """One independent 64-bit key for each index, (N,). `stream` separates the uses of one index."""
    # Seed and stream are Python integers: numpy warns when a scalar wraps, and wrapping is what a hash wants.
    start = _mix(np.array([seed & _MASK], np.uint64))
    start = _mix(start ^ np.uint64((stream + 1) * _GOLDEN & _MASK))
    return _mix(start + indices.astype(np.uint64) * np.uint64(_GOLDEN))


class Uniforms:
    """Successive uniform numbers for each of N keys: the outputs of a splitmix64 started at each key."""

    def __init__(self, keys: NDArray[np.uint64]) -> None:
        self._keys = keys
        self._drawn = 0

    def between(self, low: float, high: float, power: float = 1) -> NDArray[np.float64]:
        """(N,) in [low, high). A `power` above 1 makes values near `low` more frequent."""
        self._drawn += 1
        bits = _mix(self._keys + np.uint64(self._drawn * _GOLDEN & _MASK))
        unit = (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53
        return low + (high - low) * unit**power


def noise(keys: NDArray[np.uint64], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """(N,) keys -> (N, *shape), zero mean, unit variance, bell-shaped and bounded by ±3.5.

    Each value is the sum of the four 16-bit parts of one hash (an Irwin-Hall sum): nearly normal, and a fifth of the cost of a
    logarithm and a cosine for each pixel.
    """
    steps = np.arange(1, math.prod(shape) + 1, dtype=np.uint64) * np.uint64(_GOLDEN)
    parts = _mix(keys[:, None] + steps).view(np.uint16).reshape(len(keys), *shape, 4)
    total = parts[..., 0].astype(np.float32)
    for part in range(1, 4):
        total += parts[..., part]
    # A uniform 16-bit part has mean 32767.5 and variance (2^32 - 1) / 12; four add up.
    return (total - np.float32(4 * 32767.5)) * np.float32(np.sqrt(3.0) / 2**16)
