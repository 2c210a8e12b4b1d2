"""Tar shards in the layout of WebDataset: the files of a sample follow each other and share their name up to the first dot.

Members are read in order, and nothing is ever extracted, so names cannot lead anywhere.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from ..errors import GantoolError, cause
from . import IMAGE_SUFFIXES
from .annotations.model import Problem
from .layouts.words import PICTURE, role, roles
from .locations import open_binary

_DAMAGED = (tarfile.TarError, OSError, EOFError, ValueError)


@dataclass(frozen=True)
class ShardIndex:
    """Where the images of a shard are."""

    names: tuple[str, ...]
    offsets: np.ndarray
    """(n,) int64, bytes from the start of the shard."""
    lengths: np.ndarray
    """(n,) int64, bytes."""

    def __len__(self) -> int:
        return len(self.names)


def split_name(name: str) -> tuple[str, str]:
    """Return key and suffix of a member: what stands before and behind the first dot of its last part.

    >>> split_name("eyes/0001.seg.png")
    ('eyes/0001', 'seg.png')
    """
    folder, slash, base = name.rpartition("/")
    stem, _, suffix = base.partition(".")
    return f"{folder}{slash}{stem}", suffix.lower()


def is_image(name: str) -> bool:
    """Return whether a member is its sample's image: `KEY.png` or `KEY.rgb.png`, but not `KEY.seg.png`, which is a label."""
    word, _, suffix = split_name(name)[1].rpartition(".")
    return f".{suffix}" in IMAGE_SUFFIXES and (not word or role(roles(word)) == PICTURE)


@contextmanager
def open_shard(shard: str) -> Iterator[tarfile.TarFile]:
    """Open a shard. Raises `GantoolError`."""
    with open_binary(shard) as file:
        # Not compressed: a compressed shard has no random access, and images are compressed already.
        with _damage(shard):
            tar = tarfile.open(fileobj=file, mode="r:")  # noqa: SIM115 - closed below
        with tar:
            yield tar


def members(tar: tarfile.TarFile, shard: str) -> Iterator[tarfile.TarInfo]:
    """Yield the files of a shard. Memory does not grow with their number.

    Raises `GantoolError` for damage, for links and devices, and for names that lead out of a folder: whoever extracts what
    gantool wrote from them would be hit.
    """
    found = iter(tar)
    while True:
        with _damage(shard):
            info = next(found, None)
        if info is None:
            return
        tar.members = []  # type: ignore[attr-defined]  # tarfile would keep them all
        if info.isdir():
            continue
        if not info.isreg():
            raise GantoolError(f"{shard}: {info.name} is a link or a device; shards hold plain files only")
        if info.name.startswith("/") or ".." in PurePosixPath(info.name).parts:
            raise GantoolError(f"{shard}: the name {info.name} leads out of the archive; gantool will not pass it on")
        yield info


def read_member(tar: tarfile.TarFile, info: tarfile.TarInfo, shard: str) -> bytes:
    """Return the content of a file of a shard. Raises `GantoolError` for damage."""
    with _damage(shard):
        file = tar.extractfile(info)
        assert file is not None  # `members` yields plain files
        return file.read()


@contextmanager
def _damage(shard: str) -> Iterator[None]:
    try:
        yield
    except _DAMAGED as error:
        raise GantoolError(f"{shard} is damaged, or no plain tar file: {cause(error)}") from None


def read_index(shard: str) -> ShardIndex:
    """Read all headers of a shard, no contents. Raises `GantoolError`."""
    names, offsets, lengths = [], [], []
    with open_shard(shard) as tar:
        for info in members(tar, shard):
            if is_image(info.name):
                names.append(info.name)
                offsets.append(info.offset_data)
                lengths.append(info.size)
    return ShardIndex(tuple(names), np.array(offsets, np.int64), np.array(lengths, np.int64))


def read_beside(shard: str) -> dict[str, dict[str, tuple[int, int]]]:
    """Return where the members lie that are no images, by key and suffix: offset and length. Raises as `read_index`."""
    found: dict[str, dict[str, tuple[int, int]]] = {}
    with open_shard(shard) as tar:
        for info in members(tar, shard):
            if not is_image(info.name):
                key, suffix = split_name(info.name)
                found.setdefault(key, {})[suffix] = info.offset_data, info.size
    return found


def read_range(shard: str, offset: int, length: int) -> bytes:
    """Read a part of a shard. Raises `GantoolError`."""
    with open_binary(shard) as file:
        try:
            file.seek(offset)
            data = file.read(length)
        except OSError as error:
            raise GantoolError(f"cannot read {shard}: {cause(error)}") from None
    if len(data) < length:
        raise GantoolError(f"{shard} ends within an image: did it change meanwhile?")
    return data


def check_shards(shards: Sequence[str]) -> Iterator[Problem]:
    """Yield what is wrong: samples without an image or a label that most have, keys that occur twice, within or across shards.

    Eight bytes per sample are held in memory. Raises `GantoolError` for a damaged shard.
    """
    suffixes: Counter[str] = Counter()
    count = 0
    hashes: list[np.ndarray] = []
    for shard in shards:
        found = list(read_samples(shard, contents=False))
        hashes.append(np.array([hash_of(key) for key, _ in found], np.uint64))
        count += len(found)
        for _, own in found:
            suffixes.update(own.keys())
    usual = {suffix for suffix, times in suffixes.items() if times * 2 > count and not is_image(f"x.{suffix}")}
    twice = _repeated(hashes)
    first_seen: dict[str, str] = {}
    for shard, own_hashes in zip(shards, hashes, strict=True):
        suspects = np.isin(own_hashes, twice)
        for (key, own), suspect in zip(read_samples(shard, contents=False), suspects, strict=True):
            if suspect and key in first_seen:
                yield Problem(shard, f"sample {key} occurs before, in {first_seen[key]}")
            elif suspect:
                first_seen[key] = shard
            images = [suffix for suffix in own if is_image(f"x.{suffix}")]
            if not images:
                yield Problem(shard, f"sample {key} has no image (a member named KEY.png or alike)")
            if len(images) > 1:
                yield Problem(shard, f"sample {key} has {len(images)} images: {', '.join(images)}")
            yield from (Problem(shard, f"sample {key} has no .{suffix}, most have one") for suffix in sorted(usual - set(own)))


def read_samples(shard: str, *, contents: bool) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Yield the key and the files of each sample, by suffix; without `contents`, these are empty.

    A suffix that comes again begins another sample of the same key. Raises `GantoolError` for damage.
    """
    key, found = "", dict[str, bytes]()
    with open_shard(shard) as tar:
        for info in members(tar, shard):
            own, suffix = split_name(info.name)
            if found and (own != key or suffix in found):
                yield key, found
                found = {}
            key = own
            found[suffix] = read_member(tar, info, shard) if contents else b""
    if found:
        yield key, found


def hash_of(key: str) -> int:
    """Return eight bytes that tell a key from others."""
    return int.from_bytes(hashlib.blake2b(key.encode(errors="surrogateescape"), digest_size=8).digest(), "little")


def repeated_key(hashes: np.ndarray, shards: Iterable[str]) -> str | None:
    """Return a key of some shards that occurs twice among `hashes` of all of them, as `hash_of` gives them; None."""
    twice = set(_repeated([hashes]).tolist())
    return next((k for shard in shards if twice for k, _ in read_samples(shard, contents=False) if hash_of(k) in twice), None)


def _repeated(hashes: Sequence[np.ndarray]) -> np.ndarray:
    values, counts = np.unique(np.concatenate(hashes), return_counts=True)
    repeated: np.ndarray = values[counts > 1]
    return repeated
