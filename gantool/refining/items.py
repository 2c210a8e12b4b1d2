"""Images of a set on their way through the network, whatever they are stored in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data.formats.base import Item, Stored
from ..data.images import ImageReadError
from ..errors import GantoolError
from ..errors import cause as cause_of
from ..noise import noise_key
from .job import Job
from .pipeline import Failed, Pipeline
from .treatment import Frame


@dataclass(frozen=True, kw_only=True)
class StoredFrame(Frame):
    """A frame that remembers how it is stored."""

    stored: Stored


def refine_items(
    job: Job,
    batches: Iterable[Sequence[Item]],
    *,
    strict: bool = False,
    store: Callable[[Item, Any], Any] = lambda _, encoded: encoded,
) -> Iterator[tuple[Item, Any | Failed]]:
    """Yield each image with what `store` makes of what takes its place, batch by batch.

    `strict`: whether an image that cannot be read stops all. `store`: gets what `Stored.encode` returned, in any thread. Raises
    `GantoolError`.
    """

    def read(item: Item) -> StoredFrame | Failed:
        try:
            stored = item.read()
            pixels = stored.pixels
            frame = job.treatment.see(job.treatment.split(pixels, item.name), item, pixels.shape[:2])
            # The same wherever the set lies and whoever computes it.
            key = noise_key(job.settings.seed, job.settings.draw, item.key or item.name.removeprefix(job.place))
            return StoredFrame(**{**vars(frame), "key": key}, stored=stored)
        except GantoolError as error:
            if strict:
                raise
            cause = error.cause if isinstance(error, ImageReadError) else str(error).removeprefix(item.name).strip()
            return Failed(item.name, cause)

    def finish(item: Item, frame: StoredFrame, change: np.ndarray) -> Any | Failed:
        pixels = job.treatment.merge(frame, change)
        try:
            encoded = frame.stored.encode(pixels)
        # Encoders have limits of their own (16,383 pixels for WebP), and raise what they like.
        except Exception as error:
            return Failed(item.name, f"cannot be written as {frame.stored.format}: {cause_of(error)}")
        return store(item, encoded)

    return Pipeline(read, job.network, finish, job.threads).run(batches)
