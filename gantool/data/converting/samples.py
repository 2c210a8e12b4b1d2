"""Sets of every kind as a sequence of samples: an image and its labels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from ...errors import GantoolError
from ..decoding import read_bytes
from ..folder import FolderImages, list_files
from ..hdf5 import Hdf5Images
from ..hub import HubImages
from ..images import Images
from ..parquet.images import ParquetImages
from ..shards.images import ShardImages
from ..shards.reading import is_image, members, open_shard, read_member, split_name
from ..video.images import VideoImages
from ..video.places import relative_path

DOT = "%2E"
"""Stands for a dot in the keys of shards, which end at their first dot."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """An image and what belongs to it."""

    key: str
    """Relative path without suffix."""
    name: str
    """For messages."""
    suffix: str = ""
    """Of the image's file, such as ".png"; "" where it is stored as pixels."""
    encoded: bytes = b""
    array: np.ndarray | None = None
    """(H, W, C), where there is no file."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Label files by suffix, such as "json"."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """Label values by name."""

    def pixels(self) -> np.ndarray:
        """(H, W, C). Raises `ImageReadError`."""
        return read_bytes(self.encoded, self.name) if self.array is None else self.array


@dataclass(frozen=True)
class Source:
    """A set that is read sample by sample."""

    samples: Iterator[Sample]
    beside: tuple[str, ...] = ()
    """Relative paths of files that belong to no single image."""


def read_samples(images: Images) -> Source:
    """Return the samples of a set that is open. What they raise, while they are read, is `GantoolError`."""
    if isinstance(images, FolderImages):
        return _of_folder(images.root)
    if isinstance(images, ShardImages):
        return Source(_of_shards(images))
    if isinstance(images, ParquetImages | HubImages):
        return Source(_of_table(images))
    if isinstance(images, VideoImages):
        return Source(_of_videos(images))
    return Source(_of_arrays(images))


def check_key(key: str, name: str) -> None:
    """Raise `GantoolError` for a key that would lead out of the folder that it is written into."""
    path = PurePosixPath(key)
    if path.is_absolute() or ".." in path.parts or not path.name or "\0" in key:
        raise GantoolError(f"{name}: {key!r} is no name that a file can have inside a folder")


def _of_folder(root: Path) -> Source:
    listing = list_files(root)
    stems = {image.rpartition(".")[0] for image in listing.images}
    mine: dict[str, dict[str, str]] = defaultdict(dict)
    beside = []
    for file in listing.others:
        stem, _, suffix = file.rpartition(".")
        if stem in stems:
            mine[stem][suffix.lower()] = file
        else:
            beside.append(file)

    def read() -> Iterator[Sample]:
        for image in listing.images:
            key, _, suffix = image.rpartition(".")
            files = {kind: (root / file).read_bytes() for kind, file in mine[key].items()}
            data = (root / image).read_bytes()
            yield Sample(key=key, name=str(root / image), suffix=f".{suffix.lower()}", encoded=data, files=files)

    return Source(read(), tuple(beside))


def _of_shards(images: ShardImages) -> Iterator[Sample]:
    for shard in images.shards:
        key, found = "", dict[str, bytes]()
        with open_shard(shard) as tar:
            for info in members(tar, shard):
                own, suffix = split_name(info.name)
                if own != key:
                    yield from _shard_sample(shard, key, found)
                    key, found = own, {}
                found[suffix] = read_member(tar, info, shard)
        yield from _shard_sample(shard, key, found)


def _shard_sample(shard: str, key: str, found: dict[str, bytes]) -> Iterator[Sample]:
    suffix = next((suffix for suffix in found if is_image(f"x.{suffix}")), None)
    if suffix is not None:
        data = found.pop(suffix)
        plain = key.replace(DOT, ".")
        yield Sample(key=plain, name=f"{shard}/{key}.{suffix}", suffix=f".{suffix}", encoded=data, files=found)


def _of_table(images: ParquetImages | HubImages) -> Iterator[Sample]:
    labels = {name: images.labels[name] for name in images.labels}
    for row in range(len(images)):
        data = images.encoded(row)
        values = {name: column[row].tolist() for name, column in labels.items()}
        suffix = ".jpg" if data.startswith(b"\xff\xd8") else ".webp" if data[8:12] == b"WEBP" else ".png"
        yield Sample(key=f"{row:08}", name=images.names[row], suffix=suffix, encoded=data, values=values)


def _of_videos(images: VideoImages) -> Iterator[Sample]:
    for index in range(len(images)):
        file, number = images.locate(index)
        place = images.timelines[file].place
        # In a folder, the frames of each video get one of its name.
        folder = "" if place == images.name else f"{PurePosixPath(relative_path(place, images.name)).with_suffix('')}/"
        yield Sample(key=f"{folder}{number:08}", name=images.names[index], array=images[index])


def _of_arrays(images: Images) -> Iterator[Sample]:
    labels = {name: _words(images.labels[name]) for name in images.labels}
    members = images.members if isinstance(images, Hdf5Images) else []
    for row in range(len(images)):
        key = members[row].rpartition("/")[2] if members else f"{row:08}"
        values = {name: column[row].tolist() for name, column in labels.items()}
        yield Sample(key=key, name=images.names[row], array=images[row], values=values)


def _words(column: np.ndarray) -> np.ndarray:
    """HDF5 stores words as bytes."""
    return np.char.decode(column, "utf-8", "replace") if column.dtype.kind == "S" else column
