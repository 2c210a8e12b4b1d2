"""The stored numbers of one pass, whatever file they lie in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from ..errors import cause
from .decoding import read
from .exr import SUFFIX as EXR
from .exr import read_channels
from .formats.hdf5 import open_h5
from .frames import PassForm, Place
from .images import ImageReadError

HDF5 = (".hdf5", ".h5")


def read_pass(root: Path, place: Place, form: PassForm) -> np.ndarray:
    """Return a pass, (H, W, C) of the type it is stored with; indices of a palette stay indices.

    Raises `ImageReadError`, which names the file.
    """
    path, suffix = root / place.file, Path(place.file).suffix.lower()
    if suffix == EXR:
        return read_channels(path, place.channels, part=place.part)
    try:
        if suffix == ".npy":
            array = np.load(path, allow_pickle=False)
        elif suffix in HDF5:
            with open_h5(path) as file:
                array = file[place.key][()]
        elif suffix == ".pfm":
            array = _read_pfm(path.read_bytes(), top_first=form.top_first)
        else:
            array = _read_image(path)
    except (OSError, ValueError, KeyError) as error:
        raise ImageReadError(str(path), cause(error)) from None
    if place.row is not None:
        array = array[place.row]
    if array.ndim not in (2, 3):
        raise ImageReadError(str(path), f"it is of shape {array.shape}, not (H, W) or (H, W, C)")
    image: np.ndarray = array if array.ndim == 3 else array[..., None]
    return image


def _read_image(path: Path) -> np.ndarray:
    try:
        with Image.open(path) as image:
            # A palette shows ids in colours; the ids are the indices.
            if image.mode == "P":
                return np.asarray(image)
    except OSError:
        pass  # `read` says why
    return read(path)


def _read_pfm(data: bytes, *, top_first: bool) -> np.ndarray:
    head, _, rest = data.partition(b"\n")
    size, _, rest = rest.partition(b"\n")
    scale, _, body = rest.partition(b"\n")
    width, height = (int(word) for word in size.split())
    channels = {b"PF": 3, b"Pf": 1}.get(head.strip())
    if channels is None:
        raise ValueError("not a PFM, or damaged")
    order = "<" if float(scale) < 0 else ">"
    if len(body) < 4 * width * height * channels:
        raise ValueError("the file ends within the image")
    pixels = np.frombuffer(body, f"{order}f4", width * height * channels).reshape(height, width, channels)
    return np.ascontiguousarray(pixels if top_first else pixels[::-1], dtype=np.float32)
