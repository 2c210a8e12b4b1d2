"""What the C library does with memory that a step gives back."""

from __future__ import annotations

import ctypes
import os
import platform
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4
"""Names of `mallopt` (malloc.h)."""

_KEEPING = {_MMAP_MAX: 0, _TRIM_THRESHOLD: 2**31 - 1}
_USUAL = {_MMAP_MAX: 65_536, _MMAP_THRESHOLD: 32 * 2**20, _TRIM_THRESHOLD: 64 * 2**20}
"""The thresholds are the highest to which glibc raises its own while a program frees large blocks."""


_keeping = threading.Lock()
"""Held while the process keeps memory: what malloc does is of the whole process."""


@contextmanager
def kept_memory() -> Iterator[None]:
    """Let the process keep what it frees, and reuse it, until the context ends.

    glibc gives every freed block above 32 MiB back to the system, and the next one comes as pages that are mapped and zeroed one
    by one. For feature maps, which every layer makes and drops anew, that costs more than their arithmetic: a reflected border
    for (64, 64, 35, 55) took 23 ms so, and 3 ms without. Does nothing where the C library is another one, or where the
    environment (`MALLOC_*`, `GLIBC_TUNABLES`) already says what malloc shall do. Inside another such context it adds nothing.
    """
    if not _settable() or not _keeping.acquire(blocking=False):
        yield
        return
    library = ctypes.CDLL(None)
    _set(library, _KEEPING)
    try:
        yield
    finally:
        _set(library, _USUAL)
        library.malloc_trim(0)
        _keeping.release()


def _settable() -> bool:
    settled = any(name.startswith(("MALLOC_", "GLIBC_TUNABLES")) for name in os.environ)
    return platform.libc_ver()[0] == "glibc" and not settled


def _set(library: ctypes.CDLL, values: dict[int, int]) -> None:
    for name, value in values.items():
        library.mallopt(name, value)
