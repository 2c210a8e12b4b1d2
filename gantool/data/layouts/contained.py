"""Frames of files that hold several pictures each: which these are is in the files, not in their names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ...errors import GantoolError, MissingExtra
from ..domains import Reading
from ..frames import Frame, Frames, Place
from ..images import ImageReadError
from ..picture_files import AUTO, NoPicture, PictureFile, holds_pictures, open_at, opener


def expanded(root: Path, frames: Frames, reading: Reading) -> Frames:
    """Return a frame for each picture of such files. A pass in a file of as many goes along, picture by picture.

    Files without a picture are copied. Raises `GantoolError` where a person has to say which array is the picture.
    """
    found = _Expansion(root, reading)
    made = tuple(one for frame in frames.frames for one in found.frames(frame))
    if made == frames.frames:
        return frames
    gone = {frame.picture.file for frame in frames.frames} - {frame.picture.file for frame in made}
    return replace(
        frames,
        frames=made,
        picture=replace(frames.picture, unit=frames.picture.unit or found.unit),
        copied=tuple(sorted({*frames.copied, *gone})),
        notes=(*frames.notes, *found.notes()),
        missing=frames.missing if made else "; ".join(found.notes()),
    )


class _Expansion:
    def __init__(self, root: Path, reading: Reading) -> None:
        self._root, self._reading = root, reading
        self._told: dict[str, list[str]] = {}
        """Files by what is to be said of them."""
        self.unit = ""

    def frames(self, frame: Frame) -> Iterator[Frame]:
        place = frame.picture
        if not _is_open_to(self._root, place):
            yield frame
            return
        try:
            opened = open_at(self._root / place.file, array=place.key or self._reading.array, slices=self._slices(place))
        except NoPicture as error:
            self._told.setdefault(f"no picture ({error.cause}), so copied", []).append(place.file)
            return
        except ImageReadError:  # whoever reads it says why
            yield replace(frame, picture=replace(place, key=place.key or AUTO))
            return
        self.unit = self.unit or opened.unit
        for note in opened.notes:
            self._told.setdefault(note, []).append(place.file)
        count = len(opened)
        for number in range(count):
            row = number if count > 1 else None
            yield replace(
                frame,
                name=f"{frame.name}:{number}" if count > 1 else frame.name,
                picture=replace(place, key=opened.array, part=opened.slices, row=row),
                passes={name: self._beside(one, opened, row) for name, one in frame.passes.items()},
            )

    def notes(self) -> tuple[str, ...]:
        """What is to be said, each once."""
        more = {text: f" and {len(files) - 1:,} more" if len(files) > 1 else "" for text, files in self._told.items()}
        return tuple(f"{files[0]}{more[text]}: {text}" for text, files in self._told.items())

    def _beside(self, place: Place, picture: PictureFile, row: int | None) -> Place:
        """Return where the pass of one of the pictures is; as it is, where it is not in a file of as many."""
        if not _is_open_to(self._root, place):
            return place
        try:
            opened = open_at(self._root / place.file, array=place.key or AUTO, slices=picture.slices or AUTO)
        except (GantoolError, MissingExtra):
            return place
        same = len(opened) == len(picture) and opened.form.size == picture.form.size
        return replace(place, key=opened.array, part=opened.slices, row=row) if same else place

    def _slices(self, place: Place) -> str:
        return place.part or self._reading.slices


def _is_open_to(root: Path, place: Place) -> bool:
    """Return whether a plugin opens the file of a place of which nothing but the file is known."""
    if place.row is not None or place.channels:
        return False
    if holds_pictures(place):
        return True
    storage = opener(place.file)
    return storage is not None and storage.claims(root / place.file)
