"""Files beside images: carried along untouched, but for what would no longer be true."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from ..data import IMAGE_SUFFIXES
from ..data.annotations.finding import Folder
from ..data.annotations.model import Annotations, Problem, Size
from ..data.annotations.paths import rewrite_paths, rewrite_table_paths
from ..data.frames import Frames, LabelForm, LabelKind, PassForm, PassKind, Place
from ..data.geometry import Fit
from ..data.images import Form
from ..data.listing import Listing
from ..data.moving import fit_labels, moves
from ..data.pictures import is_image_file, probe_picture, rewritten
from ..data.writing import write_file
from ..errors import GantoolError, cause
from ..files import replacing
from .pipeline import Failed
from .places import writing

_MASK = PassForm(PassKind.CLASSES)
_EXACT = (".png", ".bmp", ".tif", ".tiff", ".ppm", ".pgm")
"""Image files that keep every value."""
_TEXTS = (".json", ".txt", ".csv", ".tsv", ".xml")
_NUMBER = re.compile(r"\d+")
_TEXT_OF_NUMBERS = re.compile(r"\(?\s*[+-]?\d+(\.\d*)?(e[+-]?\d+)?(\s*,\s*[+-]?\d+(\.\d*)?(e[+-]?\d+)?)*\s*\)?", re.IGNORECASE)
_LOOKED_AT, _NAMED = 8, 4
_OF_A_TABLE = "its numbers"


class InvalidAnnotations(GantoolError):
    """Annotations that do not fit their images."""

    def __init__(self, place: Path, problems: list[Problem]) -> None:
        more = f" and {len(problems) - 1:,} more" if len(problems) > 1 else ""
        super().__init__(f"the annotations of {place} do not fit: {problems[0]}{more}; nothing was refined")
        self.problems = problems


class LabelFiles:
    """The files of a folder that are no images to refine."""

    def __init__(self, source: Path, output: Path, listing: Listing, fits: Callable[[Size], Fit] | None) -> None:
        """`fits`: what happens to pictures of a size; None where they keep their places."""
        self._source, self._output, self._fits = source, output, fits
        self._listing = listing
        self._folder = Folder(source, listing)
        self.form = self._folder.form
        self._passes: dict[str, list[tuple[Place, PassForm, str]]] = {}
        """By file, each with the file of its picture."""
        self._placed: dict[str, list[tuple[Place, LabelForm, str]]] = {}
        if listing.frames and fits:
            self._sort(listing.frames)

    def check(self) -> None:
        """Raise `InvalidAnnotations` where one does not fit."""
        problems = list(self._folder.problems())
        if problems:
            raise InvalidAnnotations(self._source, problems)

    def carry(self, file: str) -> None:
        """Write a file into the output: byte for byte, but for absolute paths into the input and sizes that change.

        Raises `OSError` and `ValueError` for what is wrong with the file, `GantoolError` for the output.
        """
        source, target = self._source / file, self._output / file
        owner = self._folder.owner(file)
        fitted = self._fitted(file, owner) if self._fits else None
        if owner is None and fitted is None:
            copy_file(source, target)
            return
        data = source.read_bytes()
        new = data if fitted is None else fitted
        if owner is not None:
            rewrite = rewrite_table_paths if file.lower().endswith(".parquet") else rewrite_paths
            new = rewrite(new, self._source, self._output)
        if new == data:
            copy_file(source, target)
            return
        with writing(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            write_file(target, new)

    def notices(self, forms: Iterable[Form], what: str) -> list[str]:
        """Return lines to show where images of these forms are written at other places; `what` says how."""
        if self._fits is None or not any(map(self._changes, {(form.height, form.width) for form in forms})):
            return []
        kinds: dict[str, list[str]] = {}
        for file in self._listing.others:
            kinds.setdefault(_NUMBER.sub("#", file), []).append(file)
        left = [(files, names) for files in kinds.values() if (names := self._unknown(files[:_LOOKED_AT]))]
        if not left:
            return []
        words = [
            f"{files[0]}{' and its like' * (len(files) > 1)} ({', '.join(names[:_NAMED])})" for files, names in left[:_NAMED]
        ]
        more = f" and {len(left) - _NAMED} more kinds of files" if len(left) > _NAMED else ""
        return [
            f"{what}, so labels in pixels no longer fit where nobody knows which numbers are "
            f"pixels; left as they are: {'; '.join(words)}{more}"
        ]

    def _sort(self, frames: Frames) -> None:
        for frame in frames.frames:
            picture = frame.picture.file
            for name, place in frame.passes.items():
                self._passes.setdefault(place.file, []).append((place, frames.passes[name], picture))
            for name, places in frame.labels.items():
                form = frames.labels[name]
                for place in places:
                    if form.kind == LabelKind.MASKS and is_image_file(place):
                        self._passes.setdefault(place.file, []).append((place, _MASK, picture))
                    elif moves(form):
                        self._placed.setdefault(place.file, []).append((place, form, picture))

    def _fitted(self, file: str, owner: Annotations | None) -> bytes | None:
        """Return the content of a file for the pictures that are written; None for one that nothing is known of."""
        assert self._fits is not None
        path = self._source / file
        if file in self._passes:
            passes = [(place, form) for place, form, _ in self._passes[file]]
            fit = self._fit(self._passes[file][0][2])
            return rewritten(path, passes=passes, fit=fit) if fit else None
        if owner is None and file not in self._placed:
            return self._fitted_copy(file)
        new = path.read_bytes()
        try:
            if owner is not None:
                new = owner.scaled(file, new, self._folder.size, self._fits)
            fits = [(place, form, fit) for place, form, image in self._placed.get(file, ()) if (fit := self._fit(image))]
            return fit_labels(new, file, fits) if fits else new
        except (KeyError, TypeError, IndexError) as error:
            raise ValueError(f"cannot be scaled, for it is damaged: {type(error).__name__} {error}") from None

    def _fitted_copy(self, file: str) -> bytes | None:
        """An image without loss that is no picture, and as large as one: ids, most likely, which take the nearest pixel."""
        place = Place(file)
        if not file.lower().endswith(_EXACT):
            return None
        form = probe_picture(self._source, place)
        if (form.height, form.width) not in self._sizes:
            return None
        fit = self._moved((form.height, form.width))
        return rewritten(self._source / file, passes=[(place, _MASK)], fit=fit) if fit else None

    @cached_property
    def _sizes(self) -> frozenset[tuple[int, int] | None]:
        return frozenset(map(self._folder.size, self._listing.images))

    def _fit(self, image: str) -> Fit | None:
        size = self._folder.size(image)
        if size is None:
            raise ValueError(f"its image {image} cannot be read")
        return self._moved(size)

    def _moved(self, size: Size) -> Fit | None:
        """Return what happens to pictures of a size, None where nothing does. Raises `ValueError` where that cannot be."""
        fit = self._fits(size) if self._fits else None
        return fit if fit and (fit.cuts or fit.size != size) else None

    def _changes(self, size: Size) -> bool:
        try:
            return self._moved(size) is not None
        except ValueError:
            return True  # what is smaller than a crop fails when it is its turn

    def _unknown(self, files: Sequence[str]) -> list[str]:
        """Return names of numbers in files of a kind that are left as they are, and may be pixels."""
        found: dict[str, None] = {}
        for file in files:
            if file in self._passes:
                continue
            owner = self._folder.owner(file)
            try:
                data = (self._source / file).read_bytes() if file.lower().endswith(_TEXTS) else b""
                names = owner.unknown(file, data) if owner else _numbers_in(file, data)
                names = [*names, *["its size"] * self._is_picture(file)]
            except (OSError, ValueError, KeyError, TypeError, IndexError):
                continue  # who copies it says what is wrong
            found.update(dict.fromkeys(name for name in names if name not in self._known.get(file, ())))
        return list(found)

    @cached_property
    def _known(self) -> Mapping[str, set[str]]:
        """By file, the names in it that a layout knows."""
        found: dict[str, set[str]] = {}
        frames = self._listing.frames
        for frame in frames.frames if frames else ():
            for place in (place for places in frame.labels.values() for place in places if place.key):
                found.setdefault(place.file, {_OF_A_TABLE}).update(re.split("[/,]", place.key))
        return found

    def _is_picture(self, file: str) -> bool:
        """Return whether a file is an image as large as the pictures, and copied as it is."""
        if not file.lower().endswith(IMAGE_SUFFIXES) or file.lower().endswith(_EXACT):
            return False
        form = probe_picture(self._source, Place(file))
        return (form.height, form.width) in self._sizes


def _numbers_in(file: str, data: bytes) -> list[str]:
    """Return the names of numbers in JSON, at any depth; of a table, that it has some."""
    if not file.lower().endswith(".json"):
        return [_OF_A_TABLE] if data and any(char.isdigit() for char in data.decode("utf-8", "replace")) else []
    found: dict[str, None] = {}

    def walk(value: Any, name: str) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                walk(inner, name if key.isdigit() else key)
        elif isinstance(value, list):
            for inner in value:
                walk(inner, name)
        elif name and ((isinstance(value, int | float) and not isinstance(value, bool)) or _is_number(value)):
            found[name] = None

    walk(json.loads(data), "")
    return list(found)


def _is_number(value: Any) -> bool:
    """Return whether a text is a number, or several: "(1.5, 2)"."""
    return isinstance(value, str) and _TEXT_OF_NUMBERS.fullmatch(value) is not None


def copy_new(files: Sequence[str], output: Path, carry: Callable[[str], None]) -> tuple[int, list[Failed]]:
    """Let `carry` write what is not in `output` yet, by relative paths; return how many were, and what could not be read."""
    failed = []
    new = [file for file in files if not (output / file).exists()]
    for file in new:
        try:
            carry(file)
        except (OSError, ValueError) as error:
            failed.append(Failed(file, cause(error)))
    return len(new) - len(failed), failed


def copy_file(source: Path, target: Path) -> None:
    """Copy bytes and time of change, whole or not at all. Raises OSError for `source`, `GantoolError` for `target`."""
    with source.open("rb") as data, writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as temporary:
            with temporary.open("wb") as copy:
                shutil.copyfileobj(data, copy)
            changed = os.fstat(data.fileno())
            os.utime(temporary, ns=(changed.st_atime_ns, changed.st_mtime_ns))
