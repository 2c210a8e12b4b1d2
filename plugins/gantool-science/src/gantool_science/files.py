"""Bytes of files that may be compressed as a whole."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np


def contents(path: Path) -> np.ndarray | bytes:
    """Return what is in a file: mapped, where it lies there as it is; unpacked, where its name ends in ".gz"."""
    if path.suffix.lower() == ".gz":
        return gzip.decompress(path.read_bytes())
    mapped: np.ndarray = np.memmap(path, np.uint8, "r")
    return mapped


def packed(path: Path, data: bytes) -> bytes:
    """Undo `contents` for a file of that name; the same bytes every time."""
    return gzip.compress(data, mtime=0) if path.suffix.lower() == ".gz" else data
