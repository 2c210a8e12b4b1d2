"""One shard as a chunk of a stream."""

from __future__ import annotations

import numpy as np

from ..decoding import read_bytes
from .reading import read_index, read_range


class ShardChunk:
    """The images of a shard. See `chunks.Chunk`; only their places are held."""

    def __init__(self, shard: str) -> None:
        self._shard, self._index = shard, read_index(shard)

    def __len__(self) -> int:
        return len(self._index)

    def __getitem__(self, index: int) -> np.ndarray:
        data = read_range(self._shard, int(self._index.offsets[index]), int(self._index.lengths[index]))
        return read_bytes(data, f"{self._shard}/{self._index.names[index]}")
