"""Pictures in folders, for programs to read: PNG, without loss, under numbers that say nothing of a label."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...data.encoding import as_png
from ...errors import GantoolError


@dataclass(frozen=True)
class Picture:
    """A picture that a program is given."""

    name: str
    """Of its file."""
    size: tuple[int, int]
    """(H, W) in pixels."""


class Store:
    """Holds each picture once, and links it to wherever it is wanted: arms share many, and seeds share all.

    Args:
        folder: Of the store, on the same file system as the places. It may be there from before.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._whole: dict[Path, tuple[int, int]] = {}

    def fill(self, place: Path, images: Iterable[np.ndarray]) -> list[Picture]:
        """Put pictures, (H, W, C) uint8 or uint16 with 1 to 4 channels, into a new folder. Raises `GantoolError`."""
        place.mkdir(parents=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        pictures = []
        for number, image in enumerate(images):
            if image.shape[2] > 4:
                raise GantoolError(f"--trainer is given PNG files, and the images have {image.shape[2]} channels: leave it out")
            picture = Picture(f"{number:06}.png", (image.shape[0], image.shape[1]))
            _link(self._stored(image), place / picture.name)
            pictures.append(picture)
        return pictures

    def _stored(self, image: np.ndarray) -> Path:
        """The file that holds an image; written anew where it is not as it was, for a program may have changed it by a link."""
        kind = f"{image.shape} {image.dtype.name}".encode()
        digest = hashlib.blake2b(kind + np.ascontiguousarray(image).tobytes(), digest_size=16).hexdigest()
        path = self.folder / f"{digest}.png"
        if path not in self._whole or self._whole[path] != _state(path):
            path.unlink(missing_ok=True)
            path.write_bytes(as_png(image))
            path.chmod(0o444)
            self._whole[path] = _state(path)
        return path


def _state(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _link(path: Path, place: Path) -> None:
    try:
        os.link(path, place)
    except OSError:  # a file system without links, or with a limit to them
        shutil.copy2(path, place)


def check_names(named: Collection[str], pictures: Sequence[Picture], file: str, wanted: str) -> None:
    """Raise `GantoolError` where a file names a picture that is not there, or says nothing of one. `wanted`: what to write."""
    names = [picture.name for picture in pictures]
    known = set(names)
    if strange := next((name for name in named if name not in known), None):
        raise GantoolError(f"{file} names {strange!r}, and no picture of {{test}} is called so: {names[0]} to {names[-1]}")
    if missing := [name for name in names if name not in named]:
        raise GantoolError(
            f"{file} says nothing of {len(missing):,} of {len(names):,} pictures, such as {missing[0]}: write {wanted}"
        )
