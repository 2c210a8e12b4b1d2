"""Places that data are read from: files here, and elsewhere through fsspec."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, BinaryIO, cast

from ..errors import GantoolError, MissingExtra


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


def list_remote(place: str, suffix: str | tuple[str, ...]) -> list[str]:
    """Return the files below a remote folder whose names end so, sorted. Raises `GantoolError`, `MissingExtra`."""
    try:
        system, path = _fsspec(place).core.url_to_fs(place)
        return [system.unstrip_protocol(found) for found in sorted(system.find(path)) if found.endswith(suffix)]
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
