"""Random numbers without state: what is drawn for image i does not depend on what was drawn before it.

Philox is a counter-based generator (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011): seed and index are
its key, the use ("stream") its counter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
"""float32 throughout; numpy's stubs say float64 for `1 - x`."""
Mask = NDArray[np.bool_]
Indices = NDArray[np.int64]


def uniforms(seed: int, stream: int, indices: Indices, shape: Sequence[int]) -> Floats:
    """(N,) non-negative indices -> (N, *shape) float32, uniform in [0, 1)."""
    return _drawn(seed, stream, indices, shape, lambda generator, out: generator.random(dtype=np.float32, out=out))


def normals(seed: int, stream: int, indices: Indices, shape: Sequence[int]) -> Floats:
    """(N,) non-negative indices -> (N, *shape) float32, standard normal."""
    return _drawn(seed, stream, indices, shape, lambda generator, out: generator.standard_normal(dtype=np.float32, out=out))


def _drawn(seed: int, stream: int, indices: Indices, shape: Sequence[int], draw: Any) -> Floats:
    drawn = np.empty((len(indices), *shape), np.float32)
    for row, index in zip(drawn, indices, strict=True):
        key = np.array([seed, index], np.uint64)
        draw(np.random.Generator(np.random.Philox(key=key, counter=np.array([0, 0, 0, stream], np.uint64))), row)
    return drawn
