"""The stored numbers of one pass, whatever file they lie in."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from ..errors import cause
from .decoding import open_pillow, read, read_header
from .encoding import Original, encoder_like
from .exr import SUFFIX as EXR
from .exr import read_channels
from .formats.hdf5 import open_h5
from .frames import Frame, PassForm, Place
from .images import ImageReadError
from .picture_files import holds_pictures, open_pictures

HDF5 = (".hdf5", ".h5")


def read_pass(root: Path, place: Place, form: PassForm) -> np.ndarray:
    """Return a pass, (H, W, C) of the type it is stored with; indices of a palette stay indices.

    Raises `ImageReadError`, which names the file.
    """
    path, suffix = root / place.file, Path(place.file).suffix.lower()
    if suffix == EXR:
        return read_channels(path, place.channels, part=place.part)
    try:
        if holds_pictures(place):
            return open_pictures(root, place).stored(place.row or 0)
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


def read_pass_of(root: Path, frame: Frame, passes: Mapping[str, PassForm], name: str) -> tuple[np.ndarray, PassForm] | None:
    """Return a pass of a frame as it is stored, and what its numbers mean there; None where the frame has none of that name.

    Raises `ImageReadError`.
    """
    place = frame.passes.get(name)
    if place is None:
        return None
    form = passes[name].at(place)
    return read_pass(root, place, form), form


def pass_like(data: bytes, name: str, stored: np.ndarray, form: PassForm) -> bytes:
    """Return a file that holds a pass like the file `data` did, of another size, say: its type, its palette, its kind of file.

    Args:
        data: The file that was read.
        name: Its name; the suffix says what it is. Of containers and EXR, see `exr.write_resized`.
        stored: (H, W, C), as `read_pass` gives it.
        form: What its numbers mean.

    Raises `ImageReadError` for a file that is none of these, or is damaged.
    """
    suffix = Path(name).suffix.lower()
    file = io.BytesIO()
    try:
        if suffix == ".npy":
            before = np.load(io.BytesIO(data), allow_pickle=False)
            np.save(file, np.ascontiguousarray(stored if before.ndim == 3 else stored[..., 0], dtype=before.dtype))
            return file.getvalue()
        if suffix == ".pfm":
            height, width, channels = stored.shape
            head = b"%s\n%d %d\n-1.0\n" % (b"PF" if channels == 3 else b"Pf", width, height)
            return head + np.ascontiguousarray(stored if form.top_first else stored[::-1], dtype="<f4").tobytes()
        with open_pillow(data) as image:
            if image.palette is not None and image.mode == "P":
                new = Image.fromarray(np.ascontiguousarray(stored[..., 0], dtype=np.uint8), mode="P")
                new.putpalette(image.palette)
                new.save(file, image.format, **({"transparency": t} if (t := image.info.get("transparency")) is not None else {}))
                return file.getvalue()
            return encoder_like(Original(data, image, read_header(image, data)))(np.ascontiguousarray(stored))
    except (OSError, ValueError, KeyError) as error:
        raise ImageReadError(name, cause(error)) from None


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
