"""Which files of a folder are annotations, and of which kind."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ..frames import Place
from ..images import Form, ImageReadError
from ..listing import Listing
from ..pictures import probe_picture
from . import labelme, sidecars, tables
from .coco import Coco, is_coco
from .cvat import Cvat, is_cvat
from .model import Annotations, ImageIndex, Problem, Size
from .voc import Voc, parse
from .yolo import Yolo, read_config

_SHOWN = 3


class Folder:
    """The images of a folder and what annotates them."""

    def __init__(self, root: Path, listing: Listing) -> None:
        self.root = root
        self.index = ImageIndex(listing.images)
        # A link that leads nowhere, say: whoever copies it learns why.
        self._unreadable = [file for file in listing.others if not os.access(root / file, os.R_OK)]
        readable = [file for file in listing.others if file not in self._unreadable]
        frames = listing.frames.frames if listing.frames else ()
        self._places = {frame.picture.file: frame.picture for frame in frames}
        self._forms: dict[str, Form] = {}
        self.annotations: tuple[Annotations, ...] = tuple(_find(root, readable, self.index))
        self._owner = {file: found for found in self.annotations for file in found.files}

    def owner(self, file: str) -> Annotations | None:
        """Return what a file belongs to."""
        return self._owner.get(file)

    def size(self, image: str) -> Size | None:
        """Return (height, width) of an image from its header; None where it cannot be read."""
        try:
            form = self.form(image)
        except ImageReadError:
            return None
        return form.height, form.width

    def form(self, image: str) -> Form:
        """Return the form of an image from its header, which is read once. Raises `ImageReadError`."""
        if image not in self._forms:
            self._forms[image] = probe_picture(self.root, self._places.get(image) or Place(image))
        return self._forms[image]

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong with the annotations: boxes and points outside, images or labels that are missing, and so on."""
        yield from (Problem(file, "cannot be read") for file in self._unreadable)
        covered: set[str] = set()
        for found in self.annotations:
            yield from found.check(self.size)
            covered |= found.tally().images
        missing = [image for image in self.index.images if image not in covered]
        if self.annotations and missing:
            names = ", ".join(missing[:_SHOWN]) + (" and others" if len(missing) > _SHOWN else "")
            yield Problem(str(self.root), f"{len(missing):,} of {len(self.index.images):,} images have no labels: {names}")


def _find(root: Path, others: Sequence[str], index: ImageIndex) -> Iterator[Annotations]:
    left = list(others)

    def take(found: Annotations) -> Annotations:
        gone = set(found.files)
        left[:] = [file for file in left if file not in gone]
        return found

    for file in [file for file in left if file.endswith((".yaml", ".yml"))]:
        if read_config((root / file).read_bytes()) is not None:
            yield take(Yolo(root, file, left, index))
    yield from map(take, _by_content(root, left, index, _BEFORE_SIDECARS))
    for found in [sidecars.Sidecars(root, suffix, left, index) for suffix in sidecars.SUFFIXES]:
        if found.files:
            yield take(found)
    yield from map(take, _by_content(root, left, index, _AFTER_SIDECARS))
    named = {file: column for file in left if file.lower().endswith(tables.SUFFIXES) and (column := _column(root, file, index))}
    if named:
        yield take(tables.Tables(root, named, index))


def _by_content(root: Path, left: Sequence[str], index: ImageIndex, kinds: Sequence[_Kind]) -> Iterator[Annotations]:
    """Yield what takes the files of one suffix that hold what they should."""
    for suffix, holds, make in kinds:
        files = [file for file in left if file.endswith(suffix) and holds((root / file).read_bytes())]
        if files:
            yield make(root, files, index)


def _may_be_voc(data: bytes) -> bool:
    """Return whether a file is VOC's, or damaged XML, which is better reported than passed over."""
    try:
        parse(data)
    except ValueError:
        return b"<annotation>" in data
    return True


def _column(root: Path, file: str, index: ImageIndex) -> str | None:
    try:
        return tables.image_column(tables.read_rows(root / file), index, file)
    except ValueError:
        return None


_Kind = tuple[str, Callable[[bytes], bool], Callable[[Path, Sequence[str], ImageIndex], Annotations]]
_BEFORE_SIDECARS: tuple[_Kind, ...] = ((".json", labelme.is_json, labelme.LabelMe), (".xml", labelme.is_xml, labelme.LabelMe))
_AFTER_SIDECARS: tuple[_Kind, ...] = ((".json", is_coco, Coco), (".xml", is_cvat, Cvat), (".xml", _may_be_voc, Voc))
