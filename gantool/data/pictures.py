"""The pictures of frames, whatever file they lie in: read as people see them, written back among all else in the file."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..errors import GantoolError, cause
from . import IMAGE_SUFFIXES
from .decoding import probe, read
from .exr import SUFFIX as EXR
from .exr import read_channels, read_header, write_channels, write_resized
from .formats.arrays import as_image, image_form
from .formats.hdf5 import open_h5, rewrite_h5
from .frames import PassForm, PassKind, PictureForm, Place
from .geometry import Fit, fit_pass, window
from .images import Form, ImageReadError
from .picture_files import holds_pictures, open_pictures
from .preprocess import resize
from .stored import HDF5, pass_like, read_pass
from .view import View, view

_AS_STORED = PassForm(PassKind.OTHER)

Passes = Sequence[tuple[Place, PassForm]]
Pixels = Sequence[tuple[Place, np.ndarray]]


@lru_cache(maxsize=8)
def transform(name: str) -> View:
    """Return a view transform by its name, `"auto"` among them; a table is read once. Raises `GantoolError`."""
    return view("srgb" if name == "auto" else name)


def is_image_file(place: Place) -> bool:
    """Return whether a picture is an image file by itself."""
    return place.file.lower().endswith(IMAGE_SUFFIXES) and not place.key


def probe_picture(root: Path, place: Place) -> Form:
    """Return the form that `read_picture` gives, from headers. Raises `ImageReadError`."""
    path = root / place.file
    if is_image_file(place):
        return probe(path)
    if holds_pictures(place):
        return open_pictures(root, place).form
    if path.suffix.lower() == EXR:
        whole = with_alpha(root, place)
        part = next(part for part in read_header(path) if set(place.channels) <= set(part.channels) and _is(part.name, place))
        return Form(part.height, part.width, len(whole.channels), "float32")
    try:
        if path.suffix.lower() in HDF5:
            with open_h5(path) as file:
                shape, dtype = file[place.key].shape, file[place.key].dtype
        else:
            stored = (
                read_pass(root, replace(place, row=None), _AS_STORED) if path.suffix != ".npy" else np.load(path, mmap_mode="r")
            )
            shape, dtype = stored.shape, stored.dtype
    except (OSError, ValueError, KeyError) as error:
        raise ImageReadError(str(path), cause(error)) from None
    return image_form(shape if place.row is None else shape[1:], dtype)


def read_picture(root: Path, place: Place, form: PictureForm, by: str) -> np.ndarray:
    """Return a picture as it is shown: (H, W, C) uint8, uint16 or float32; linear light through the view transform `by`.

    Raises `ImageReadError`, which names the file, and `GantoolError` for a view that is none.
    """
    if is_image_file(place):
        return read(root / place.file)
    if holds_pictures(place):
        return _read_number(root, place)
    stored = read_pass(root, with_alpha(root, place), _AS_STORED)
    return shown(stored, transform(by)) if form.is_linear(place) else as_image(stored, str(root / place.file))


def _read_number(root: Path, place: Place) -> np.ndarray:
    opened = open_pictures(root, place)
    try:
        return opened.read(place.row or 0)
    except GantoolError:
        raise
    except Exception as error:  # libraries raise what they like for damaged files
        raise ImageReadError(str(root / place.file), cause(error)) from None


def shown(linear: np.ndarray, by: View) -> np.ndarray:
    """(H, W, C) linear light to (H, W, C) float32 in [0, 1]; a fourth channel is alpha and stays as it is."""
    colours, alpha = linear[..., :3], linear[..., 3:]
    return np.concatenate([by.to_display(colours), np.nan_to_num(alpha.astype(np.float32)).clip(0, 1)], axis=2)


def unshown(display: np.ndarray, before: np.ndarray, linear: np.ndarray, by: View) -> np.ndarray:
    """Undo `shown` for refined values: what is `linear` where they are as `before`, to the bit."""
    colours = np.where(display[..., :3] == before[..., :3], linear[..., :3], by.to_linear(display[..., :3], linear[..., :3]))
    return np.concatenate([colours, linear[..., 3:]], axis=2)


def with_alpha(root: Path, place: Place) -> Place:
    """Return the place with the alpha beside the colours of an EXR, where there is one."""
    if len(place.channels) != 3 or not place.file.lower().endswith(EXR):
        return place
    name = f"{place.channels[0][:-1]}A"
    there = any(
        _is(part.name, place) and {name, *place.channels} <= set(part.channels) for part in read_header(root / place.file)
    )
    return replace(place, channels=(*place.channels, name)) if there else place


def with_copies(root: Path, place: Place) -> Place:
    """Return the place with all channels of an EXR that hold the same: a single number is written as grey, in three or four."""
    if len(place.channels) != 1 or not place.file.lower().endswith(EXR):
        return place
    path, own = root / place.file, read_pass(root, place, _AS_STORED)
    part = next(part for part in read_header(path) if place.channels[0] in part.channels and _is(part.name, place))
    same = (name for name in part.channels if np.array_equal(read_channels(path, [name], part=part.name), own, equal_nan=True))
    return replace(place, channels=tuple(same))


def fitted(image: np.ndarray, fit: Fit) -> np.ndarray:
    """Bring a picture to the size of a fit, as it is brought to it for a network."""
    return np.ascontiguousarray(window(resize(image, fit.scaled), fit))


def rewritten(path: Path, *, pictures: Pixels = (), passes: Passes = (), fit: Fit | None = None) -> bytes:
    """Return a file like that at `path` with other pixels: all else in it stays as it was.

    Args:
        path: The file.
        pictures: Where pictures lie in it, and (H, W, C) of what takes their place, in the unit that is stored.
        passes: Where passes lie in it.
        fit: What happened to the pictures, if anything: passes follow, and what nobody knows takes the nearest pixels.

    Raises `ImageReadError` where it is damaged, `GantoolError`, and `ValueError` for passes that cannot be fitted.
    """
    suffix, root = path.suffix.lower(), path.parent
    if pictures and holds_pictures(pictures[0][0]):
        opened = open_pictures(root, replace(pictures[0][0], file=path.name))
        return opened.rewritten({place.row or 0: pixels for place, pixels in pictures})
    # Two passes may be two channels of one file.
    own = list({replace(place, file=path.name): form for place, form in passes}.items()) if fit else []
    followed = [(place, fit_pass(read_pass(root, place, form), form, fit, place)) for place, form in own] if fit else []
    if suffix == EXR:
        return _exr(path.read_bytes(), path.name, pictures, followed, fit)
    if suffix in HDF5:
        return _hdf5(path, [*followed, *pictures], fit)
    ((place, pixels),) = [*pictures, *followed]
    form = own[0][1] if own else _AS_STORED
    whole = read_pass(root, replace(place, file=path.name, row=None), form) if place.row is not None else pixels
    if place.row is not None:
        whole = _with_rows(whole, [(place, pixels)])
    return pass_like(path.read_bytes(), path.name, whole, form)


def _exr(data: bytes, name: str, pictures: Pixels, followed: Pixels, fit: Fit | None) -> bytes:
    if fit:
        planes = {
            (place.part, channel): pixels[..., number]
            for place, pixels in followed
            for number, channel in enumerate(place.channels)
        }

        def follow(part: str, channel: str, pixels: np.ndarray) -> np.ndarray:
            found = planes.get((part, channel), planes.get(("", channel)))
            return fit.ids(pixels) if found is None else found

        data = write_resized(data, fit.size, follow, name=name)
    return write_channels(data, [(place.part, place.channels, pixels) for place, pixels in pictures], name=name)


def _hdf5(path: Path, arrays: Pixels, fit: Fit | None) -> bytes:
    """Return a file with other arrays, of which several may be rows of one."""
    by_key: dict[str, list[tuple[Place, np.ndarray]]] = {}
    for place, pixels in arrays:
        by_key.setdefault(place.key, []).append((place, pixels))
    with open_h5(path) as file:
        new = {key: _with_rows(file[key][()], rows) for key, rows in by_key.items()}
    written = io.BytesIO()
    rewrite_h5(path, written, new)
    del fit
    return written.getvalue()


def _with_rows(whole: np.ndarray, rows: Sequence[tuple[Place, np.ndarray]]) -> np.ndarray:
    """Put images into the array that holds them, or one of them alone, at the size that they have."""
    if rows[0][0].row is None:
        pixels = rows[0][1]
        return pixels.reshape(pixels.shape[: whole.ndim]).astype(whole.dtype)
    height, width = rows[0][1].shape[:2]
    made = np.empty((whole.shape[0], height, width, *whole.shape[3:]), whole.dtype)
    if made.shape == whole.shape:
        made[...] = whole
    for place, pixels in rows:
        made[place.row] = pixels.reshape(made.shape[1:])
    return made


def _is(part: str, place: Place) -> bool:
    return place.part in ("", part)
