"""What annotations and passes say of each picture of a folder, as labels that are read when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import GantoolError, cause
from ..values import counted
from .annotations.finding import Folder
from .annotations.objects import AnnotatedObject
from .formats.folder import FolderImages
from .frames import DEPTHS, Frame, Frames, PassForm, PassKind
from .images import ImageReadError
from .passes import background, combine, values
from .stored import read_pass

OBJECTS, OUTLINES = "objects", "outlines"
"""Kinds of columns: objects with boxes, and objects of which every pixel is known. Others are kinds of passes."""

_LOOKED_AT = 256
"""Frames of which class ids are collected, where nothing names them."""


@dataclass(frozen=True)
class Scene:
    """What is known of the objects of one picture."""

    objects: tuple[AnnotatedObject, ...]
    ids: Callable[[], np.ndarray] | None = None
    """Reads the pass of instances, (H, W) int64, where that is what says which pixels belong to an object."""


class Column:
    """Labels of one name: a record for each picture, a `Scene` or an array of its pixels.

    Args:
        kind: `OBJECTS`, `OUTLINES` or a kind of passes.
        names: Of classes.
        count: Pictures.
        read: The record of the picture with that number. Raises `GantoolError`.
        problem: Why it cannot be used; "" where it can.
        doubt: Looks for what a person should know who trusts it; "" for nothing. It reads all annotations once more.
    """

    def __init__(
        self,
        kind: str,
        names: Sequence[str],
        count: int,
        read: Callable[[int], Any],
        problem: str = "",
        doubt: Callable[[], str] = str,
    ) -> None:
        self.kind, self.names, self.problem, self.doubt = kind, tuple(names), problem, doubt
        self._count, self._read = count, read

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, rows: Any) -> list[Any]:
        """Return the records of pictures with these numbers."""
        return [self._read(int(row)) for row in rows]


def scene_columns(images: object) -> dict[str, Column]:
    """Return the labels of pictures that annotations and passes are: "objects", and each pass of ids or depth by its name.

    Normals, motion and the like are no labels. Raises `GantoolError` for a damaged annotation.
    """
    if not isinstance(images, FolderImages):
        return {}
    found = _objects(images)
    if images.frames is not None:
        for name, form in images.frames.passes.items():
            if form.kind in {PassKind.CLASSES, PassKind.MATERIALS, PassKind.INSTANCES, *DEPTHS}:
                found[name] = _pass(images, images.frames, name, form)
    return found


def _objects(images: FolderImages) -> dict[str, Column]:
    folder = Folder(images.root, images.listing)
    known: dict[str, list[AnnotatedObject]] = {}
    for found in folder.annotations:
        try:
            known |= found.objects(folder.size)
        except (ValueError, KeyError, TypeError) as error:
            raise GantoolError(f"{images.root}: {found.format} annotations are damaged ({cause(error)})") from None
    marked = [each for objects in known.values() for each in objects]
    if not marked:
        return {}
    missing = [file for file in images.files if file not in known]
    problem = f"{images.name}: {len(missing):,} of {len(images):,} images have no labels, such as {missing[0]}" if missing else ""
    frames = images.frames
    ids = next((name for name, form in frames.passes.items() if form.kind == PassKind.INSTANCES), None) if frames else None
    outlined = all(each.outlined or (ids and each.instance is not None) for each in marked)

    def read(row: int) -> Scene:
        objects = tuple(known[images.files[row]])
        if frames is None or ids is None or all(each.outlined for each in objects):
            return Scene(objects)
        return Scene(objects, lambda: _stored(images.root, frames.frames[row], ids, frames.passes[ids]))

    names = sorted({each.name for each in marked})
    kind, doubt = OUTLINES if outlined else OBJECTS, partial(_doubt, images.name, folder)
    return {OBJECTS: Column(kind, names, len(images), read, problem, doubt)}


def _doubt(name: str, folder: Folder) -> str:
    """Say what is wrong with annotations; missing ones are a matter of their own."""
    wrong = [str(each) for found in folder.annotations for each in found.check(folder.size)]
    if not wrong:
        return ""
    return f"{name}: {counted(len(wrong), 'annotation')} may be wrong, such as {wrong[0]}; gantool data inspect lists them"


def _pass(images: FolderImages, frames: Frames, name: str, form: PassForm) -> Column:
    missing = [frame.name for frame in frames.frames if name not in frame.passes]
    problem = f"{images.name}: {len(missing):,} frames have no {name}, such as {missing[0]}" if missing else ""
    names, ids = _class_names(images.root, frames, name, form)

    def read(row: int) -> np.ndarray:
        stored = _stored(images.root, frames.frames[row], name, form)
        return _numbered(stored, ids) if ids else stored

    return Column(str(form.kind), names, len(images), read, problem)


def _stored(root: Path, frame: Frame, name: str, form: PassForm) -> np.ndarray:
    """(H, W) of a pass: int64 ids, or float32 in its unit, NaN where there is nothing. Raises `GantoolError`."""
    place = frame.passes[name]
    stored = read_pass(root, place, form)
    try:
        if form.kind in DEPTHS:
            return np.where(background(stored, form), np.float32(np.nan), values(stored, form, place)[..., 0])
        return combine(stored, form)[..., 0]
    except ValueError as error:
        raise ImageReadError(str(root / place.file), cause(error)) from None


def _class_names(root: Path, frames: Frames, name: str, form: PassForm) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Names of classes and their ids, in one order; none for what is no classes."""
    if form.kind not in (PassKind.CLASSES, PassKind.MATERIALS):
        return (), ()
    ids = sorted(int(key) for key in form.names)
    if not ids:
        holding = [frame for frame in frames.frames if name in frame.passes]
        looked = holding[:: max(1, len(holding) // _LOOKED_AT)]
        ids = sorted({int(value) for frame in looked for value in np.unique(_stored(root, frame, name, form))})
    return tuple(form.names.get(str(key), str(key)) for key in ids), tuple(ids)


def _numbered(stored: np.ndarray, ids: Sequence[int]) -> np.ndarray:
    """(H, W) ids to their places among `ids`, int16, -1 for others."""
    known = np.array(ids)
    places = np.searchsorted(known, stored).clip(0, len(known) - 1)
    return np.where(known[places] == stored, places, -1).astype(np.int16)
