"""A whole domain into memory."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from ..components import Domain
from .folder import threads

_CHUNK = 256
"""Images per task: a task per small image costs as much as decoding it."""


def load_all(domain: Domain) -> np.ndarray:
    """Read every image, on several threads: (N, H, W, C), in order. Raises `GantoolError` for one that cannot be read."""
    first = domain[0]
    images = np.empty((len(domain), *first.shape), dtype=first.dtype)
    block = getattr(domain, "block", None)

    def read(start: int) -> None:
        stop = min(start + _CHUNK, len(images))
        for index, image in enumerate(block(start, stop) if block else map(domain.__getitem__, range(start, stop)), start):
            images[index] = image

    with ThreadPoolExecutor(threads()) as pool:
        tasks = [pool.submit(read, start) for start in range(0, len(images), _CHUNK)]
        try:
            for task in tasks:
                task.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return images


def nbytes(domain: Domain) -> int:
    """Bytes that `load_all` would take, by the first image."""
    return len(domain) * domain[0].nbytes
