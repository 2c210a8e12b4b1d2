"""Which layout a folder is in, and what a person says about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from ...errors import GantoolError, nearest
from ..frames import Frames
from . import (
    airsim,
    blender,
    blenderproc,
    bop,
    carla,
    dope,
    generic,
    hypersim,
    kubric,
    mitsuba,
    replicator,
    rhd,
    solo,
    vkitti2,
    written,
)
from .description import Description, Source, apply, only
from .model import Written
from .tree import Tree
from .units import matches

AUTO = "auto"


def _plain(tree: Tree) -> Description | None:
    """Take every image file for a picture."""
    suffixes = dict.fromkeys(file.rpartition(".")[2] for file in tree.pictures)
    return Description(generic.PLAIN, tuple(Source(f"{{at/}}{{frame}}.{suffix}") for suffix in suffixes)) if suffixes else None


def _generic(name: str, summary: str) -> Written:
    def recognise(tree: Tree) -> Description | None:
        found = generic.describe(tree)
        return found if found and found.name == name else None

    return Written(name, summary, recognise)


LAYOUTS: tuple[Written, ...] = (
    bop.LAYOUT,
    solo.LAYOUT,
    replicator.LAYOUT,
    kubric.LAYOUT,
    hypersim.LAYOUT,
    blenderproc.LAYOUT,
    vkitti2.LAYOUT,
    airsim.LAYOUT,
    rhd.LAYOUT,
    dope.LAYOUT,
    mitsuba.LAYOUT,
    blender.LAYOUT,
    carla.LAYOUT,
    _generic(generic.LISTED, "pictures that COCO, YOLO, VOC, CVAT or tables list"),
    _generic(generic.FOLDERS, "folders by what they hold, such as images/ and masks/"),
    _generic(generic.COMPANIONS, "names by what they hold, such as rgb_0001.png and 0001_mask.png"),
    Written(generic.PLAIN, "every image file is a picture", _plain),
)
"""The host's own, the most particular first."""


def describe(tree: Tree, layout: str = AUTO, layouts: Sequence[Written] = LAYOUTS) -> Description:
    """Return what a tree is.

    Args:
        tree: The files.
        layout: `"auto"`, the name of a layout, or the path of a TOML file.
        layouts: Those that are known; plugins' come first.

    Raises `GantoolError`: a layout that is not known, that the tree is not in, or a file that describes none.
    """
    if layout.endswith(written.SUFFIX):
        return written.read(Path(layout))
    if layout == AUTO:
        for one in layouts:
            # What is sure of a folder's names comes before "every image file is a picture".
            if one.name != generic.PLAIN and (found := one.recognise(tree)):
                return found
        return generic.describe(tree) or Description(generic.PLAIN, (), missing="there are no image files")
    for one in layouts:
        if one.name == layout:
            found = one.recognise(tree)
            if found is None:
                raise GantoolError(f"--layout {layout}: {tree.root} is not laid out so; leave --layout out to see how it is")
            return found
    names = [AUTO, *(one.name for one in layouts)]
    raise GantoolError(f"--layout {layout}: there is no such layout{nearest(layout, names, 'known')}, or give a .toml file")


def read_frames(
    root: Path,
    *,
    layout: str = AUTO,
    image: Iterable[str] = (),
    copy: Iterable[str] = (),
    layouts: Sequence[Written] = LAYOUTS,
) -> Frames:
    """Return the frames of a folder: its pictures, with passes and labels.

    Args:
        root: The folder.
        layout: As `describe` takes it.
        image: Shell patterns of the files that are pictures, by path or by name; whatever else looks like one is no picture.
        copy: Shell patterns of files that are neither, and are left as they are.
        layouts: As `describe` takes it.

    What is in doubt is among the result's `doubts`: `settled` raises it. Raises `GantoolError` as `describe`, and for a pattern
    that matches nothing.
    """
    tree = Tree(root)
    kept = _matching(tree, "--copy", copy, tree.files)
    tree = tree.of(file for file in tree.files if file not in kept)
    said = _matching(tree, "--image", image, tree.pictures)
    description = describe(tree, layout, layouts)
    frames = apply(description, tree)
    if said:
        pictures = {frame.picture.file for frame in frames.frames}
        # A layout that knows these pictures knows their passes, too.
        if layout == AUTO and (description.doubts or not said <= pictures) and (by_hand := generic.describe(tree, said)):
            frames = apply(by_hand, tree)
        frames = replace(only(frames, said), doubts=())
    return replace(frames, copied=tuple(sorted({*frames.copied, *kept})))


def _matching(tree: Tree, option: str, patterns: Iterable[str], files: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for text in patterns:
        taken = {file for file in files if matches(file, text)}
        if not taken:
            raise GantoolError(f"{option} {text!r} matches no file of {tree.root}")
        found |= taken
    return found
