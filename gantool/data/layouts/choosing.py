"""Which layout a folder is in, and what a person says about it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from ...errors import GantoolError, PluginError, nearest
from ...plugins import Provided
from .. import IMAGE_SUFFIXES
from ..domains import Arrangement, Reading
from ..frames import Frame, Frames, LabelForm, LabelKind, PassForm, PassKind, PictureForm, Place
from ..installed import ask, installed
from ..listing import Layout, Listing
from ..locations import Location
from ..picture_files import opener
from ..pictures import is_image_file
from . import generic, written
from .contained import expanded
from .description import Description, Source, apply
from .model import Written, listing_of
from .tree import Tree
from .units import matches

T = TypeVar("T")

AUTO = "auto"
HOST = "gantool"
_NO_DIGITS = str.maketrans("", "", "0123456789")


def _plain(tree: Tree) -> Description | None:
    """Take every image file for a picture."""
    suffixes = dict.fromkeys(file.rpartition(".")[2] for file in tree.pictures)
    return Description(generic.PLAIN, tuple(Source(f"{{at/}}{{frame}}.{suffix}") for suffix in suffixes)) if suffixes else None


def _generic(name: str, summary: str) -> Written:
    def recognise(tree: Tree) -> Description | None:
        found = generic.describe(tree)
        return found if found and found.name == name else None

    return Written(name, summary, recognise)


PLAIN = Written(generic.PLAIN, "every image file is a picture", _plain)
LISTED = _generic(generic.LISTED, "pictures that COCO, YOLO, VOC, CVAT or tables list")
FOLDERS = _generic(generic.FOLDERS, "folders by what they hold, such as images/ and masks/")
COMPANIONS = _generic(generic.COMPANIONS, "names by what they hold, such as rgb_0001.png and 0001_mask.png")


def arrange(place: Location) -> Listing:
    """Return what the files of a folder of this machine are, found out once.

    Raises `GantoolError` as `read_frames` does, and where anything is in doubt.
    """
    if "listing" not in place.known:
        place.known["listing"] = _arrange(place.path, place.files, place.reading)
    listing: Listing = place.known["listing"]
    return listing


def _arrange(root: Path, files: Sequence[str], reading: Reading) -> Listing:
    known = list(_installed())
    layouts = {one.record.name: layout for one, layout in known}
    asked = [reading.layout] if reading.layout in layouts else layouts if reading.layout == AUTO else []
    for name in asked:
        # One that is not written as patterns says itself what is what; those that are come after it, for they look at pixels.
        layout = layouts[name]
        if not isinstance(layout, Written) and (found := _asked(name, reading.layout, layout.arrange, root, files)) is not None:
            return _expanded(root, _with_frames(found, name), files, reading)
    others = any(one.plugin != HOST for one, _ in known)
    if reading == Reading(view=reading.view) and not others and _numbered(files) and not generic.called_depth(root, files[0]):
        return Listing(tuple(files), ())
    patterns = [layout for layout in layouts.values() if isinstance(layout, Written)]
    tree = Tree(root, files)
    frames = apply(describe_as_said(tree, reading, patterns), tree)
    if frames.doubts:
        frames.settled(root)
    frames = expanded(root, frames, reading)
    # What annotates pictures by itself is looked after whatever the layout.
    plain = (
        frames.layout in (PLAIN.name, LISTED.name)
        and not (frames.passes or frames.notes or frames.picture.kind)
        and not any(file.lower().endswith(IMAGE_SUFFIXES) for file in frames.copied)
        and all(is_image_file(frame.picture) for frame in frames.frames)
    )
    listing = listing_of(frames, files)
    # Folders of nothing but pictures are the commonest, and the largest: files are enough to say what is in them.
    return Listing(tuple(sorted(listing.images)), listing.others) if plain else listing


def _expanded(root: Path, listing: Listing, files: Sequence[str], reading: Reading) -> Listing:
    made = listing.frames and expanded(root, listing.frames, reading)
    return listing if made is listing.frames or made is None else listing_of(made, files)


def _numbered(files: Sequence[str]) -> bool:
    """Return whether there is nothing but image files whose names differ in numbers alone, so that they are of one kind.

    This is a short cut for large folders. AirSim's pictures and passes differ in a number, too.
    """
    kinds = {file.translate(_NO_DIGITS) for file in files}
    name = files[0].rpartition("/")[2].lower()
    return len(kinds) == 1 and name.endswith(IMAGE_SUFFIXES) and not name.startswith("img_") and opener(name) is None


def _installed() -> Iterator[tuple[Provided, Layout]]:
    """Yield all layouts, plugins' before the host's. One that cannot be imported stops nothing: nobody asked for it."""
    found = installed()
    provided = found.registry.all("layout")
    for one in sorted(provided, key=lambda one: one.plugin == HOST):
        try:
            yield one, found.make(one)
        except PluginError as error:
            warnings.warn(str(error), stacklevel=2)


def _asked(name: str, wanted: str, call: Callable[..., T], *arguments: Any) -> T | None:
    """Ask a layout; one that fails stops nothing unless it was `wanted` by its name."""
    try:
        return ask(f"layout {name!r}", call, *arguments)
    except PluginError as error:
        if name == wanted:
            raise
        warnings.warn(str(error), stacklevel=2)
        return None


def _with_frames(listing: Listing, layout: str) -> Listing:
    """Return the listing of a layout that names files alone, in full: nothing is known of the numbers of its passes."""
    if listing.frames or not (listing.passes or listing.labels):
        return listing
    frames = tuple(
        Frame(
            image.rpartition(".")[0],
            Place(image),
            {name: Place(file) for name, file in listing.passes.get(image, {}).items()},
            {"labels": tuple(map(Place, listing.labels[image]))} if image in listing.labels else {},
        )
        for image in listing.images
    )
    passes = {name: PassForm(PassKind.OTHER) for files in listing.passes.values() for name in files}
    labels = {"labels": LabelForm(LabelKind.OTHER)} if listing.labels else {}
    return replace(listing, frames=Frames(layout, PictureForm(), frames, passes, labels))


def describe(tree: Tree, layout: str = AUTO, layouts: Sequence[Written] | None = None) -> Description:
    """Return what a tree is.

    Args:
        tree: The files.
        layout: `"auto"`, the name of a layout, or the path of a TOML file.
        layouts: Those that are known, by default those that are installed; plugins' come first.

    Raises `GantoolError`: a layout that is not known, that the tree is not in, or a file that describes none.
    """
    if layout.endswith(written.SUFFIX):
        return written.read(Path(layout))
    if layouts is None:
        layouts = [one for _, one in _installed() if isinstance(one, Written)]
    if layout == AUTO and written.FILE in tree.files:
        return written.read(tree.root / written.FILE)
    if layout == AUTO:
        for one in layouts:
            # What is sure of a folder's names comes before "every image file is a picture".
            if one.name != generic.PLAIN and (found := _asked(one.name, layout, one.recognise, tree)):
                return found
        return generic.describe(tree) or Description(generic.PLAIN, (), missing="there are no image files")
    for one in layouts:
        if one.name == layout:
            found = _asked(one.name, layout, one.recognise, tree)
            if found is None:
                raise GantoolError(f"--layout {layout}: {tree.root} is not laid out so; leave --layout out to see how it is")
            return found
    names = [AUTO, *(one.name for one in layouts)]
    raise GantoolError(f"--layout {layout}: there is no such layout{nearest(layout, names, 'known')}, or give a .toml file")


def read_frames(root: Path, *, layout: str = AUTO, image: Sequence[str] = (), copy: Sequence[str] = ()) -> Frames:
    """Return the frames of a folder: its pictures, with passes and labels.

    Args:
        root: The folder.
        layout: As `describe` takes it.
        image: Shell patterns of the files that are pictures, by path or by name; whatever else looks like one is no picture.
        copy: Shell patterns of files that are neither, and are left as they are.

    What is in doubt is among the result's `doubts`: `settled` raises it. Raises `GantoolError` as `describe`, and for a pattern
    that matches nothing.
    """
    tree = Tree(root)
    return apply(describe_as_said(tree, Reading(layout=layout, image=tuple(image), copy=tuple(copy))), tree)


def describe_as_said(tree: Tree, said: Arrangement, layouts: Sequence[Written] | None = None) -> Description:
    """Return what a tree is by what a person says of it. Raises `GantoolError` as `read_frames`."""
    kept = _matching(tree, "--copy", said.copy, tree.files)
    rest = tree.of(file for file in tree.files if file not in kept)
    pictures = _matching(rest, "--image", said.image, rest.pictures)
    found = describe(rest, said.layout, layouts)
    if pictures:
        # A layout that knows these pictures knows their passes, too.
        unknown = found.doubts or not pictures <= {frame.picture.file for frame in apply(found, rest).frames}
        by_hand = generic.describe(rest, pictures) if said.layout == AUTO and unknown else None
        found = replace(by_hand or found, doubts=(), image=said.image)
    return replace(found, copy=(*said.copy, *found.copy))


def _matching(tree: Tree, option: str, patterns: Iterable[str], files: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for text in patterns:
        taken = {file for file in files if matches(file, text)}
        if not taken:
            raise GantoolError(f"{option} {text!r} matches no file of {tree.root}")
        found |= taken
    return found
