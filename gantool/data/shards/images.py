"""Shards with random access, through an index of where each image is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import overload

import numpy as np

from ..decoding import probe_bytes, read_bytes
from ..images import Form, first_of_each
from ..parallel import apply_to_all, threads
from .places import expand
from .reading import ShardIndex, read_index, read_range


class ShardImages:
    """The images of shards, in order. See `images.Images`.

    About 100 bytes per image are held in memory; `ShardStream` holds none.
    """

    def __init__(self, place: str) -> None:
        """Reads all headers. Raises `GantoolError`."""
        self.name = place
        self.shards = expand(place)
        with ThreadPoolExecutor(threads()) as pool:
            self._indexes: list[ShardIndex] = list(pool.map(read_index, self.shards))
        self._ends = np.cumsum([len(index) for index in self._indexes])
        self.names: Sequence[str] = _Names(self)
        self.labels: Mapping[str, np.ndarray] = {}

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, index: int) -> np.ndarray:
        return read_bytes(self.encoded(index), self.names[index])

    def forms(self) -> Mapping[Form, int]:
        """See `images.Images.forms`."""
        return first_of_each(apply_to_all(lambda index: probe_bytes(self.encoded(index), self.names[index]), range(len(self))))

    def encoded(self, index: int) -> bytes:
        """Return the file of an image as it is stored. Raises `GantoolError`."""
        shard, row = self.locate(index)
        found = self._indexes[shard]
        return read_range(self.shards[shard], int(found.offsets[row]), int(found.lengths[row]))

    def member(self, index: int) -> str:
        """Return the name of an image in its shard."""
        shard, row = self.locate(index)
        return self._indexes[shard].names[row]

    def locate(self, index: int) -> tuple[int, int]:
        """Return the number of the shard, and of the image in it. Raises `IndexError`."""
        index = range(len(self))[index]
        shard = int(np.searchsorted(self._ends, index, side="right"))
        return shard, index - (int(self._ends[shard - 1]) if shard else 0)


class _Names(Sequence[str]):
    """`"shard.tar/member"`, put together when asked for."""

    def __init__(self, images: ShardImages) -> None:
        self._images = images

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...
    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        if isinstance(index, slice):
            return [self[number] for number in range(len(self))[index]]
        return f"{self._images.shards[self._images.locate(index)[0]]}/{self._images.member(index)}"

    def __len__(self) -> int:
        return len(self._images)
