"""What the files of a folder are: pictures, or what goes along with them. No numpy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from .frames import Frames


@dataclass(frozen=True)
class Listing:
    """The files of a folder and its subfolders, as paths relative to it, sorted."""

    images: tuple[str, ...]
    """Files that hold pictures, which are trained on and refined."""
    others: tuple[str, ...]
    """All other files, passes and labels among them: carried along, never trained on, never refined."""
    passes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By picture, the file of each pass by the pass's name, such as "depth"."""
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By picture, the files that describe it alone."""
    frames: Frames | None = None
    """All of this in full, with what the numbers of each pass mean; None where every picture is an image file by itself."""


@runtime_checkable
class Layout(Protocol):
    """Knows one way to lay out a folder."""

    def arrange(self, root: Path, files: Sequence[str]) -> Listing | None:
        """Say what the files of a folder are, or None where the folder is not laid out so.

        `files`: all of them, relative to `root`, sorted. Small files may be read; no image is decoded.
        """
