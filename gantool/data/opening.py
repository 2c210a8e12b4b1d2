"""A path to the images that are there."""

from __future__ import annotations

from pathlib import Path

from ..errors import GantoolError
from .decoding import EXTENSIONS
from .folder import FolderImages
from .hdf5 import Hdf5Images
from .images import Images
from .npz import NpzImages

H5_SUFFIXES = (".h5", ".hdf5")
ARRAY_SUFFIXES = (".npz", *H5_SUFFIXES)
"""Names of files that hold arrays of images."""


def open_images(path: str | Path) -> Images:
    """Open a folder (read with its subfolders), an .npz or an .h5 file.

    Raises `GantoolError`, one line: nothing there, nothing in it, no kind of file that is read, damaged.
    """
    path = Path(path)
    images = _open(path)
    if not len(images):
        raise GantoolError(f"no images in {path}" + (f": read are {', '.join(EXTENSIONS)}" if path.is_dir() else ""))
    return images


def _open(path: Path) -> Images:
    suffix = path.suffix.lower()
    if path.is_dir():
        return FolderImages(path)
    if not path.exists():
        raise GantoolError(f"{path} does not exist")
    if suffix == ".npz":
        return NpzImages(path)
    if suffix in H5_SUFFIXES:
        return Hdf5Images(path)
    hint = "; give the folder that it is in" if suffix in EXTENSIONS else ""
    raise GantoolError(f"{path} is neither a folder nor one of {', '.join(ARRAY_SUFFIXES)}{hint}")
