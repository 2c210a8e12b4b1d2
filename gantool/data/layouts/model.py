"""A layout as the host and plugins write one: what a tree is, as patterns of file names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..frames import Frames
from ..listing import Listing
from .description import Description, apply
from .tree import Tree


@dataclass(frozen=True)
class Written:
    """What one program writes. See `listing.Layout`; it is its own factory."""

    name: str
    summary: str
    recognise: Callable[[Tree], Description | None]
    """What a tree is, if this program wrote it; None for another. It looks at few files: trees are large."""

    def __call__(self, *, config: object) -> Written:
        """Return itself: there is nothing to configure."""
        del config
        return self

    def arrange(self, root: Path, files: Sequence[str]) -> Listing | None:
        """Say which files are pictures and which lie beside; None where the folder is not laid out so."""
        tree = Tree(root, files)
        found = self.recognise(tree)
        return listing_of(apply(found, tree), files) if found else None


def listing_of(frames: Frames, files: Sequence[str]) -> Listing:
    """Return frames as a listing of `files`, all that the folder holds."""
    pictures = {frame.picture.file: frame for frame in frames.frames}
    return Listing(
        tuple(pictures),
        tuple(file for file in files if file not in pictures),
        {file: {name: place.file for name, place in frame.passes.items()} for file, frame in pictures.items()},
        {file: tuple(place.file for places in frame.labels.values() for place in places) for file, frame in pictures.items()},
        frames,
    )
