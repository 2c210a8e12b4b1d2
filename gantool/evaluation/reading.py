"""Images of a domain, held in memory, and the hash of what each file held."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

import numpy as np

from ..components import Domain, StreamingDomain
from ..data.domains import name_of
from ..data.order import shuffled
from ..data.parallel import in_spans
from ..errors import GantoolError
from .held import HeldImages, as_stored

_WASTE = 4
"""Times as many images as are wanted that are read at once."""

Preprocessing = Callable[..., np.ndarray]
"""`gantool.data.domains.Preprocess`, or any function of an (H, W, C) image and its `name`."""


@dataclass(frozen=True, kw_only=True)
class ReadImages:
    """Images that were read."""

    pixels: HeldImages
    """Preprocessed."""
    rows: np.ndarray
    """(N,) int64: which images of the domain they are."""
    digests: tuple[bytes, ...]
    """One per image: the hash of its pixels as they were decoded, before preprocessing."""
    sizes: np.ndarray
    """(N, 2) int64: height and width of each before preprocessing (px)."""


def pick(count: int, limit: int, *, seed: int) -> np.ndarray:
    """(n,) row numbers, ascending: all of `count`, or `limit` of them at random."""
    return np.sort(shuffled(np.arange(min(count, limit)), count, seed=seed))


Shape = tuple[int | None, int | None, int]
"""(H, W, C) that images must have; None for any."""


def read(domain: Domain, rows: np.ndarray, preprocess: Preprocessing, shape: Shape, *, name: str = "") -> ReadImages:
    """Read some images, each of which must come out of `preprocess` with `shape`. Raises `GantoolError`.

    `name`: what errors call a domain that does not say so itself.
    """
    names, origin = getattr(domain, "names", None), name or name_of(domain)
    pixels: list[np.ndarray] = [np.empty(0)] * len(rows)
    digests: list[bytes] = [b""] * len(rows)
    sizes = np.empty((len(rows), 2), np.int64)

    def work(start: int, stop: int) -> None:
        chunk = rows[start:stop]
        for position, (row, image) in enumerate(zip(chunk, _items(domain, chunk), strict=True), start):
            digests[position], sizes[position] = digest(image), image.shape[:2]
            pixels[position] = _prepared(image, preprocess, shape, names[int(row)] if names else f"{origin}[{row}]")

    in_spans(work, len(rows))
    return ReadImages(pixels=HeldImages(pixels), rows=rows, digests=tuple(digests), sizes=sizes)


def read_stream(domain: StreamingDomain, count: int, preprocess: Preprocessing, shape: Shape, *, seed: int) -> ReadImages:
    """Read the first `count` images of a domain without random access, as a feed with that seed draws them."""
    images = list(islice(domain.stream(seed=seed, skip=0), count))
    check_some(len(images), domain)
    return read(images, np.arange(len(images)), preprocess, shape, name=name_of(domain))


def check_some(count: int, domain: object) -> None:
    """Raise `GantoolError` where a domain has no images at all."""
    if not count:
        raise GantoolError(f"{name_of(domain)} has no images")


def all_digests(domain: Domain) -> set[bytes]:
    """Hash every image of a domain; none is held."""
    found: list[set[bytes]] = []
    in_spans(lambda start, stop: found.append({digest(image) for image in _items(domain, np.arange(start, stop))}), len(domain))
    return set().union(*found)


def digest(image: np.ndarray) -> bytes:
    """Hash an image (H, W, C) by shape, type and values: the same for one picture in a PNG, an .npz and an .h5 file."""
    header = f"{image.shape} {image.dtype.name}".encode()
    return hashlib.blake2b(header + np.ascontiguousarray(image).tobytes(), digest_size=16).digest()


def _items(domain: Domain, rows: np.ndarray) -> Iterable[np.ndarray]:
    block = getattr(domain, "block", None)
    first, stop = int(rows[0]), int(rows[-1]) + 1
    # Many at once cost so much less than one by one that some may be read in vain.
    if block and stop - first <= _WASTE * len(rows):
        images = block(first, stop)
        return [images[int(row) - first] for row in rows]
    return (domain[int(row)] for row in rows)


def _prepared(image: np.ndarray, preprocess: Preprocessing, shape: Shape, name: str) -> np.ndarray:
    prepared = preprocess(image, name=name)
    wanted = tuple(have if want is None else want for have, want in zip(prepared.shape, shape, strict=True))
    if prepared.shape != wanted:
        have, want = ("x".join(map(str, size)) for size in (prepared.shape, wanted))
        raise GantoolError(f"{name} is {have} after the run's preprocessing, the run was trained on {want}: resize it first")
    return as_stored(prepared)
