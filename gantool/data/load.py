"""A whole domain into memory."""

from __future__ import annotations

import numpy as np

from ..components import Domain
from .parallel import in_spans


def load_all(domain: Domain) -> np.ndarray:
    """Read every image: (N, H, W, C), in order. Raises `GantoolError` for one that cannot be read."""
    first = domain[0]
    images = np.empty((len(domain), *first.shape), dtype=first.dtype)
    block = getattr(domain, "block", None)

    def read(start: int, stop: int) -> None:
        for index, image in enumerate(block(start, stop) if block else map(domain.__getitem__, range(start, stop)), start):
            images[index] = image

    in_spans(read, len(images))
    return images


def nbytes(domain: Domain) -> int:
    """Bytes that all images would take at most, if none is larger than the largest known, or than the first."""
    return len(domain) * (getattr(domain, "largest", None) or domain[0].nbytes)
