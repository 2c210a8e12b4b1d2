"""Tar shards in the layout of WebDataset, see `data.tar`."""

from __future__ import annotations

import io
import re
import tarfile
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import chain, islice
from pathlib import Path

import numpy as np

from ...errors import GantoolError
from ..annotations.model import Problem
from ..chunks import Chunk
from ..frames import PassForm
from ..images import Form, Joined, Names
from ..locations import Location, is_remote
from ..parallel import threads
from ..samples import Sample, Source
from ..shard_passes import ANY, passes_in, read_shard_pass
from ..tar import (
    ShardIndex,
    check_shards,
    hash_of,
    is_image,
    members,
    open_shard,
    read_index,
    read_member,
    read_range,
    read_samples,
    repeated_key,
)
from .base import Container, EncodedImages, InOrder, Item, Rewriter, StorageFormat, Target, encoded_item, first_form

_DOT = "%2E"
"""Stands for a dot in the keys of shards, which end at their first dot."""
_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(\d+)\.\.(\d+)")
_MOST = 10_000_000
"""Shards that a pattern may name."""


class ShardImages(EncodedImages):
    """The images of shards, in order.

    About 100 bytes per image are held in memory; a stream holds none.
    """

    def __init__(self, place: str, shards: Sequence[str]) -> None:
        """Reads all headers. Raises `GantoolError`."""
        self.name, self.shards = place, shards
        with ThreadPoolExecutor(threads()) as pool:
            self._indexes: list[ShardIndex] = list(pool.map(read_index, shards))
        self._joined = Joined([len(index) for index in self._indexes])
        self.names: Sequence[str] = Names(len(self), self._member)
        self.labels: Mapping[str, np.ndarray] = {}

    def __len__(self) -> int:
        return len(self._joined)

    def encoded(self, index: int) -> bytes:
        shard, row = self._joined.locate(index)
        found = self._indexes[shard]
        return read_range(self.shards[shard], int(found.offsets[row]), int(found.lengths[row]))

    @property
    def passes(self) -> Mapping[str, PassForm]:
        """Those of the first shard (see `data.conditions.HasPasses`)."""
        return passes_in(self.shards[0])

    def read_pass(self, index: int, name: str) -> tuple[np.ndarray, PassForm] | None:
        """Return a pass of an image as it is stored. Raises `GantoolError`."""
        shard, row = self._joined.locate(index)
        return read_shard_pass(self.shards[shard], self._indexes[shard].names[row], name)

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong with keys and labels."""
        return check_shards(self.shards)

    def _member(self, index: int) -> str:
        shard, row = self._joined.locate(index)
        return f"{self.shards[shard]}/{self._indexes[shard].names[row]}"


class ShardRewriter(Rewriter):
    """Copies every other member byte for byte, in order. An image that could not be refined is left out, its labels are kept.

    Members wait in memory until all before them are written.
    """

    def __init__(self, shard: str, tar: tarfile.TarFile, new: tarfile.TarFile) -> None:
        self._shard, self._tar, self._new = shard, tar, new
        self._infos: dict[int, tarfile.TarInfo] = {}
        self._order = InOrder[tuple[tarfile.TarInfo, bytes | None]]()

    def items(self) -> Iterator[Item]:
        for number, info in enumerate(members(self._tar, self._shard)):
            data = read_member(self._tar, info, self._shard)
            self._infos[number] = info
            if is_image(info.name):
                item = encoded_item(number, f"{self._shard}/{info.name}", data, info.name)
                yield replace(item, passes=ANY, read_pass=partial(read_shard_pass, self._shard, info.name))
            else:
                self.copied += 1
                self._add(number, data)

    def put(self, item: Item, stored: bytes | None) -> None:
        self._add(item.number, stored)

    def _add(self, number: int, content: bytes | None) -> None:
        for info, data in self._order.add(number, (self._infos.pop(number), content)):
            if data is None:
                continue
            info.size = len(data)
            # Extended headers of the old archive may hold the old size.
            info.pax_headers = {key: value for key, value in info.pax_headers.items() if key != "size"}
            self._new.addfile(info, io.BytesIO(data))
            self._new.members = []  # type: ignore[attr-defined]  # tarfile would keep them all


class ShardContainer(Container):
    """A shard that is refined."""

    @property
    def passes(self) -> Mapping[str, PassForm]:
        return passes_in(self.place)

    def count(self) -> int:
        return len(read_index(self.place))

    def forms(self) -> list[Form]:
        with open_shard(self.place) as tar:
            found = members(tar, self.place)
            return first_form((read_member(tar, info, self.place) for info in found if is_image(info.name)), self.place)

    @contextmanager
    def rewrite(self, target: Target) -> Iterator[Rewriter]:
        with (
            open_shard(self.place) as tar,
            target.temporary.open("wb") as file,
            tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as new,
        ):
            yield ShardRewriter(self.place, tar, new)


class Shards(StorageFormat):
    """Archives of images and their label files: a file, a folder of some, or a pattern."""

    takes_files = gathered = True
    hint = ": a sample's image is a member named KEY.png, without another dot"

    def recognises(self, place: Location) -> bool:
        """Return whether a name, or one at the top of a folder, is that of a shard."""
        suffixes = self.record.suffixes
        return place.text.startswith("pipe:") or place.named(suffixes) or bool(_in_folder(place, suffixes))

    def check_there(self, place: Location, *, option: str) -> None:
        """Leave it to `expand`, which knows patterns."""

    def open(self, place: Location) -> ShardImages:
        return ShardImages(place.text, expand(place, self.record.suffixes))

    def chunks(self, place: Location) -> Sequence[Callable[[], Chunk]]:
        """One for each shard."""
        return [partial(ShardImages, shard, [shard]) for shard in expand(place, self.record.suffixes)]

    def samples(self, images: ShardImages) -> Source:
        def read_all() -> Iterator[Sample]:
            for shard in images.shards:
                for key, files in read_samples(shard, contents=True):
                    suffix = next((suffix for suffix in files if is_image(f"x.{suffix}")), None)
                    if suffix is not None:
                        data, name = files.pop(suffix), f"{shard}/{key}.{suffix}"
                        yield Sample(key=key.replace(_DOT, "."), name=name, suffix=f".{suffix}", encoded=data, files=files)

        place = Location(images.name)
        beside = [file for file in place.files if not file.lower().endswith(self.record.suffixes)] if place.is_folder else []
        return Source(read_all(), tuple(beside))

    def write(self, target: Path, samples: Iterable[Sample], per_part: int, /) -> int:
        """Write shards `part-00000.tar` and so on, of `per_part` samples each."""
        target.mkdir(parents=True, exist_ok=True)
        left, hashes = iter(samples), array("Q")
        for number, first in enumerate(left):
            with tarfile.open(target / f"part-{number:05}.tar", "w", format=tarfile.PAX_FORMAT) as tar:
                for sample in chain([first], islice(left, per_part - 1)):
                    folder, slash, base = sample.key.rpartition("/")
                    key = f"{folder}{slash}{base.replace('.', _DOT)}"
                    for kind, content in sample.all_files().items():
                        info = tarfile.TarInfo(f"{key}.{kind}")
                        info.size = len(content)
                        tar.addfile(info, io.BytesIO(content))
                    tar.members = []  # type: ignore[attr-defined]  # tarfile would keep them all
                    hashes.append(hash_of(key))
        if (twice := repeated_key(np.array(hashes, np.uint64), map(str, target.glob("*.tar")))) is not None:
            raise GantoolError(f"two samples are called {twice.replace(_DOT, '.')}: give them names of their own")
        return len(hashes)

    def problems(self, place: Location) -> Iterator[Problem]:
        """Samples without an image or a label that most have, keys that occur twice."""
        return check_shards(expand(place, self.record.suffixes))

    def containers(self, place: Location) -> Sequence[ShardContainer]:
        return [ShardContainer(shard, shard.rpartition("/")[2]) for shard in expand(place, self.record.suffixes)]


def expand(place: Location, suffixes: tuple[str, ...] = (".tar",)) -> list[str]:
    """Return the shards of a file, a folder (sorted by name), or a pattern such as `part-{000..999}.tar` or `{a,b}.tar`.

    Raises `GantoolError` where there is none, where one is missing, and for `pipe:`, which would run a program.
    """
    if place.text.startswith("pipe:"):
        raise GantoolError(f"{place}: gantool reads files and runs no programs; download the shards, or give a URL")
    found = list(_expand(place.text)) if place.named(suffixes) else _in_folder(place, suffixes)
    if not found:
        raise GantoolError(f"no shards ({suffixes[0]}) in {place}")
    missing = [shard for shard in found if not is_remote(shard) and not Path(shard).is_file()]
    if missing:
        more = f" nor {len(missing) - 1} more" if len(missing) > 1 else ""
        raise GantoolError(f"{missing[0]} does not exist{more}")
    return found


def _in_folder(place: Location, suffixes: tuple[str, ...]) -> list[str]:
    """Return the shards at the top of a folder; elsewhere, also those below it."""
    found = place.ending(suffixes)
    return found if place.is_remote else [shard for shard in found if Path(shard).parent == place.path]


def _expand(pattern: str) -> Iterator[str]:
    braces = _BRACES.search(pattern)
    if braces is None:
        yield pattern
        return
    limits = _RANGE.fullmatch(braces[1])
    if limits:
        first, last = limits.groups()
        if not 0 <= int(last) - int(first) < _MOST:
            raise GantoolError(f"{pattern}: {{{braces[1]}}} counts from low to high, through at most {_MOST:,} shards")
        width = len(first) if first.startswith("0") else 0
        words: Iterator[str] = (f"{number:0{width}d}" for number in range(int(first), int(last) + 1))
    else:
        words = iter(braces[1].split(","))
    for word in words:
        yield from _expand(pattern[: braces.start()] + word + pattern[braces.end() :])
