"""Whether the images and labels of shards belong together."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from ..annotations.model import Problem
from .reading import is_image, members, open_shard, split_name


def check_shards(shards: Sequence[str]) -> Iterator[Problem]:
    """Yield what is wrong: samples without an image or a label that most have, keys that occur twice, within or across shards.

    Eight bytes per sample are held in memory. Raises `GantoolError` for a damaged shard.
    """
    suffixes: Counter[str] = Counter()
    samples = 0
    hashes: list[np.ndarray] = []
    for shard in shards:
        found = list(_samples(shard))
        hashes.append(np.array([_hash(key) for key, _ in found], np.uint64))
        samples += len(found)
        for _, own in found:
            suffixes.update(own)
    usual = {suffix for suffix, count in suffixes.items() if count * 2 > samples and not is_image(f"x.{suffix}")}
    twice = _repeated(hashes)
    first_seen: dict[str, str] = {}
    for shard, own_hashes in zip(shards, hashes, strict=True):
        suspects = np.isin(own_hashes, twice)
        for (key, own), suspect in zip(_samples(shard), suspects, strict=True):
            if suspect and key in first_seen:
                yield Problem(shard, f"sample {key} occurs before, in {first_seen[key]}")
            elif suspect:
                first_seen[key] = shard
            if not any(is_image(f"x.{suffix}") for suffix in own):
                yield Problem(shard, f"sample {key} has no image (a member named KEY.png or alike)")
            yield from (Problem(shard, f"sample {key} has no .{suffix}, most have one") for suffix in sorted(usual - set(own)))


def _samples(shard: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the key and the suffixes of each sample."""
    key, suffixes = "", list[str]()
    with open_shard(shard) as tar:
        for info in members(tar, shard):
            own, suffix = split_name(info.name)
            if own != key and suffixes:
                yield key, suffixes
                suffixes = []
            key = own
            suffixes.append(suffix)
    if suffixes:
        yield key, suffixes


def _hash(key: str) -> int:
    return int.from_bytes(hashlib.blake2b(key.encode(errors="surrogateescape"), digest_size=8).digest(), "little")


def _repeated(hashes: Sequence[np.ndarray]) -> np.ndarray:
    values, counts = np.unique(np.concatenate(hashes), return_counts=True)
    repeated: np.ndarray = values[counts > 1]
    return repeated
