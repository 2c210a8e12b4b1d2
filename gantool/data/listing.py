"""What the files of a folder are: pictures, or what goes along with them. No numpy.

Every layout that a plugin brings is asked, and the host's plain one last: it takes all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from ..components import NoOptions
from . import IMAGE_SUFFIXES
from .frames import Frames
from .installed import installed


@dataclass(frozen=True)
class Listing:
    """The files of a folder and its subfolders, as paths relative to it, sorted."""

    images: tuple[str, ...]
    """Pictures, which are trained on and refined: one for each frame."""
    others: tuple[str, ...]
    """All other files, passes and labels among them: carried along, never trained on, never refined."""
    passes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By picture, the file of each pass by the pass's name, such as "depth"."""
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By picture, the files that describe it alone."""
    frames: Frames | None = None
    """All of this in full, with what the numbers of each pass mean, where the layout knows."""


@runtime_checkable
class Layout(Protocol):
    """Knows one way to lay out a folder."""

    def arrange(self, root: Path, files: Sequence[str]) -> Listing | None:
        """Say what the files of a folder are, or None where the folder is not laid out so.

        `files`: all of them, relative to `root`, sorted. Small files may be read; no image is decoded.
        """


class Plain:
    """Every image file is a picture, and all else lies beside."""

    def __init__(self, *, config: NoOptions) -> None:
        del config

    def arrange(self, root: Path, files: Sequence[str]) -> Listing:
        """Tell pictures by their names."""
        del root
        images = tuple(file for file in files if file.lower().endswith(IMAGE_SUFFIXES))
        return Listing(images, tuple(file for file in files if not file.lower().endswith(IMAGE_SUFFIXES)))


def arrange(root: Path, files: Sequence[str]) -> Listing:
    """Return what the first layout says that knows the folder."""
    layouts: list[Layout] = list(installed().every("layout"))
    arranged = (layout.arrange(root, files) for layout in reversed(layouts))
    return next((listing for listing in arranged if listing is not None), Listing((), tuple(files)))
