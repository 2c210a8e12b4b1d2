"""What refining a data set tells, while it runs and at its end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .pipeline import Failed


@dataclass(frozen=True, kw_only=True)
class RefineReport:
    """What was done."""

    output: Path
    refined: int
    """Images refined now."""
    skipped: int = 0
    """Images that were there already, from an earlier call."""
    skipped_parts: int = 0
    """Shards or Parquet files that were there already, where their images are not counted (several workers)."""
    copied: int = 0
    """Label files, or arrays beside the images, copied untouched."""
    failed: tuple[Failed, ...] = ()
    """Files that could not be read or written like the original, each with its cause."""
    notices: tuple[str, ...] = ()
    """Lines that a person should read."""

    backend: str = "torch"
    """What computed the last batch."""

    @property
    def exit_code(self) -> int:
        """0, or 1 where a file failed."""
        return 1 if self.failed else 0


class Watcher(Protocol):
    """Is told how refining goes; called from one thread."""

    def notice(self, text: str) -> None:
        """A line that a person should read."""

    def start(self, total: int, done: int, *, estimated: bool = False) -> None:
        """There are `total` images, `done` of them from an earlier call; `estimated`: about so many."""

    def advance(self, count: int = 1) -> None:
        """`count` more images are done, or have failed."""


class Silent:
    """A watcher that says nothing."""

    def notice(self, text: str) -> None:
        """See `Watcher.notice`."""

    def start(self, total: int, done: int, *, estimated: bool = False) -> None:
        """See `Watcher.start`."""

    def advance(self, count: int = 1) -> None:
        """See `Watcher.advance`."""
