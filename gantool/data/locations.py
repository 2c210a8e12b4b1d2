"""Places that data are read from: files here, and elsewhere through fsspec."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, cast

from ..errors import GantoolError, MissingExtra
from .domains import Reading


class Location:
    """Where a set is, as a person names it: a file, a folder, a pattern of shards or a URL. A folder is walked once.

    `reading`: how it is read, where it is a folder.
    """

    def __init__(self, text: str | Path, reading: Reading | None = None) -> None:
        self.text, self.reading = str(text), reading or Reading()
        self.known: dict[str, Any] = {}
        """What was found out about it once."""

    def __str__(self) -> str:
        return self.text

    @cached_property
    def path(self) -> Path:
        """The same as a path, which patterns and URLs are not."""
        return Path(self.text)

    @cached_property
    def is_remote(self) -> bool:
        """Whether it is a URL."""
        return is_remote(self.text)

    @cached_property
    def is_folder(self) -> bool:
        """Whether it is a folder of this machine."""
        return not self.is_remote and self.path.is_dir()

    @cached_property
    def files(self) -> Sequence[str]:
        """Files of a folder and its subfolders, sorted, hidden ones left out: relative paths, or URLs of what lies elsewhere.

        Symbolic links are followed, but never back into a folder that holds them. A link that leads nowhere is listed, so that it
        gets reported. Raises `GantoolError` for a folder that cannot be read.
        """
        if self.is_remote:
            return _list_remote(self.text)
        return tuple(sorted(walk(self.path))) if self.is_folder else ()

    def named(self, suffixes: tuple[str, ...]) -> bool:
        """Return whether it is one file (or a pattern of some) whose name ends so, in any case."""
        return bool(suffixes) and not self.is_folder and self.text.lower().endswith(suffixes)

    def ending(self, suffixes: tuple[str, ...]) -> list[str]:
        """Return itself, or of a folder the files whose names end so, as something that can be opened."""
        if self.named(suffixes):
            return [self.text]
        return [self.within(file) for file in self.files if file.lower().endswith(suffixes)]

    def within(self, file: str) -> str:
        """Return where one of `files` is."""
        return file if self.is_remote else str(self.path / file)

    def relative(self, file: str) -> str:
        """Return the path of one of the files of a folder in it; the name of a file that is the place itself."""
        if file == self.text:
            return file.rpartition("/")[2]
        if not self.is_remote:
            return str(Path(file).relative_to(self.path))
        # A URL can have more slashes than the one that was asked for: memory:///a for memory://a.
        inside, outside = (text.rpartition("://")[2].strip("/") for text in (file, self.text))
        return inside.removeprefix(f"{outside}/")


def is_remote(place: str | Path) -> bool:
    """Return whether a place is a URL, such as `s3://bucket/a.tar`."""
    return "://" in str(place)


def open_binary(place: str | Path) -> BinaryIO:
    """Open a file here or elsewhere for reading, with random access. Raises `GantoolError`, `MissingExtra`."""
    try:
        if not is_remote(place):
            return Path(place).open("rb")
        file = cast("BinaryIO", _fsspec(place).open(str(place), "rb").open())
        # Files in memory are one object with one position, whoever opens them; elsewhere each opening has its own.
        return io.BytesIO(file.getvalue()) if isinstance(file, io.BytesIO) else file
    # Protocols raise whatever their client libraries do.
    except Exception as error:
        if isinstance(error, GantoolError):
            raise
        raise GantoolError(f"cannot open {place}: {getattr(error, 'strerror', None) or error}") from None


def _list_remote(place: str) -> Sequence[str]:
    try:
        system, path = _fsspec(place).core.url_to_fs(place)
        return [system.unstrip_protocol(found) for found in sorted(system.find(path))]
    except Exception as error:
        if isinstance(error, GantoolError):
            raise
        raise GantoolError(f"cannot list {place}: {error}") from None


def _fsspec(place: str | Path) -> Any:
    try:
        import fsspec
    except ImportError:
        raise MissingExtra(f"reading {place}", "fsspec", "data") from None
    return fsspec


def walk(folder: Path, prefix: str = "", above: frozenset[tuple[int, int]] = frozenset()) -> Iterator[str]:
    """Yield the files of a folder, unsorted; `prefix` and `above` are of the folders it lies in."""
    try:
        here = folder.stat()
        above |= {(here.st_dev, here.st_ino)}
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                try:
                    found = entry.stat()
                except OSError:
                    yield prefix + entry.name
                    continue
                if stat.S_ISDIR(found.st_mode):
                    if (found.st_dev, found.st_ino) not in above:
                        yield from walk(folder / entry.name, f"{prefix}{entry.name}/", above)
                # Opening anything else, such as a named pipe, could block for ever.
                elif stat.S_ISREG(found.st_mode):
                    yield prefix + entry.name
    except OSError as error:
        raise GantoolError(f"cannot read folder {folder}: {error.strerror}") from None
