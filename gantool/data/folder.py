"""A folder of image files."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import GantoolError
from .decoding import EXTENSIONS, probe, read
from .images import Form, first_of_each
from .parallel import apply_to_all


@dataclass(frozen=True)
class Listing:
    """The files of a folder and its subfolders, as paths relative to it, sorted; hidden ones are left out."""

    images: tuple[str, ...]
    others: tuple[str, ...]


def list_files(root: Path) -> Listing:
    """List a folder. Symbolic links are followed, but never back into a folder that holds them.

    A link that leads nowhere is listed, so that it gets reported. Raises `GantoolError` for a folder that cannot be read.
    """
    paths = sorted(walk(root))
    images = tuple(path for path in paths if path.lower().endswith(EXTENSIONS))
    others = tuple(path for path in paths if not path.lower().endswith(EXTENSIONS))
    return Listing(images, others)


def walk(folder: Path, prefix: str = "", above: frozenset[tuple[int, int]] = frozenset()) -> Iterator[str]:
    """Yield the files of a folder as `list_files` does, unsorted; `prefix` and `above` are of the folders it lies in."""
    try:
        here = folder.stat()
        above |= {(here.st_dev, here.st_ino)}
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                try:
                    found = entry.stat()
                except OSError:
                    yield prefix + entry.name
                    continue
                if stat.S_ISDIR(found.st_mode):
                    if (found.st_dev, found.st_ino) not in above:
                        yield from walk(folder / entry.name, f"{prefix}{entry.name}/", above)
                # Opening anything else, such as a named pipe, could block for ever.
                elif stat.S_ISREG(found.st_mode):
                    yield prefix + entry.name
    except OSError as error:
        raise GantoolError(f"cannot read folder {folder}: {error.strerror}") from None


class FolderImages:
    """The images of a folder and its subfolders, sorted by path. See `images.Images`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.name = str(root)
        self.files: Sequence[str] = list_files(root).images
        self.names: Sequence[str] = [str(root / file) for file in self.files]
        self.labels: Mapping[str, np.ndarray] = {}

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> np.ndarray:
        return read(self.root / self.files[index])

    def forms(self) -> Mapping[Form, int]:
        """See `images.Images.forms`."""
        return first_of_each(apply_to_all(lambda file: probe(self.root / file), self.files))
