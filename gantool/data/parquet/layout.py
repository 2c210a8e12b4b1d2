"""Parquet files of a place, and which column holds the images."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...errors import GantoolError, MissingExtra
from ..arrays import IMAGE_NAMES
from ..locations import is_remote, list_remote, open_binary

SUFFIX = ".parquet"


@contextmanager
def open_parquet(place: str) -> Iterator[Any]:
    """Open a pyarrow.parquet.ParquetFile. Raises `GantoolError` for a damaged one, `MissingExtra` without pyarrow."""
    try:
        from pyarrow import parquet
    except ImportError:
        raise MissingExtra(f"reading {place}", "pyarrow", "data") from None
    with open_binary(place) as file:
        with damage(place):
            opened = parquet.ParquetFile(file)
        with opened:
            yield opened


@contextmanager
def damage(place: str) -> Iterator[None]:
    """Turn what pyarrow raises for a damaged file into `GantoolError`."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise GantoolError(f"cannot read {place}: {' '.join(str(error).split())}") from None


def parquet_files(place: str) -> list[str]:
    """Return the Parquet files of a file or folder, sorted, with subfolders. Raises `GantoolError` where there is none."""
    if place.endswith(SUFFIX):
        return [place]
    if is_remote(place):
        found = list_remote(place, SUFFIX)
    else:
        found = sorted(str(path) for path in Path(place).rglob(f"*{SUFFIX}") if not path.name.startswith("."))
    if not found:
        raise GantoolError(f"no Parquet files in {place}")
    return found


def image_column(schema: Any, place: str) -> str:
    """Return the column of images: bytes, or Hugging Face's struct of `bytes` and `path`. Raises `GantoolError`."""
    fitting: list[str] = [field.name for field in schema if holds_images(field.type)]
    named = [name for name in fitting if name.lower() in IMAGE_NAMES]
    structs: list[str] = [field.name for field in schema if field.name in fitting and is_struct(field.type)]
    for candidates in (named, structs, fitting):
        if len(candidates) == 1:
            return candidates[0]
    have = ", ".join(f"{field.name} ({field.type})" for field in schema)
    found = f"{len(fitting)} columns that could be the images" if fitting else "no column of image bytes"
    raise GantoolError(f"{place} has {found} ({have}): name one `image`")


def is_struct(kind: Any) -> bool:
    """Return whether a type is Hugging Face's struct of an image."""
    import pyarrow as pa

    return bool(pa.types.is_struct(kind)) and any(_is_bytes(field.type) and field.name == "bytes" for field in kind)


def holds_images(kind: Any) -> bool:
    """Return whether a column of this type can hold encoded images."""
    return _is_bytes(kind) or is_struct(kind)


def encoded_images(column: Any) -> list[bytes | None]:
    """Return the bytes in a column (or a part of one)."""
    if is_struct(column.type):
        return [None if value is None else value["bytes"] for value in column.to_pylist()]
    values: list[bytes | None] = column.to_pylist()
    return values


def _is_bytes(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))
