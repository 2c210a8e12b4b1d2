"""A set written anew with its pictures moved by one map, and with them passes and labels: what `gantool data align` does."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from ..data.aligning import Alignment
from ..data.formats import find
from ..data.frames import Place
from ..data.geometry import Fit
from ..data.images import Form
from ..data.layouts.choosing import arrange
from ..data.locations import Location
from ..data.parallel import apply_to_all
from ..data.pictures import fitted, is_image_file
from ..data.writing import OpenedPicture, write_file
from ..errors import GantoolError, cause
from ..files import hidden, replacing
from .labels import LabelFiles, copy_new
from .pipeline import Failed


@dataclass(frozen=True)
class Aligned:
    """What was written."""

    output: Path
    pictures: int
    others: int
    """Files of passes and labels, or arrays of points."""
    failed: tuple[Failed, ...] = ()
    notices: tuple[str, ...] = ()


def check_aligned(place: Location, output: Path) -> None:
    """Raise `GantoolError` where the set cannot be written there: another format, something there already, inside of the set."""
    if output.exists():
        raise GantoolError(f"{output} exists: choose another name, or remove it")
    if place.is_folder and place.path.resolve() in output.resolve().parents:
        raise GantoolError(f"{output} lies in {place}, which is read: choose another place")
    if not place.is_folder and find(place).record.name != "npz":
        raise GantoolError(f"{place}: folders of image files and .npz are aligned, and `data convert` makes these of others")


def write_aligned(place: Location, output: Path, alignment: Alignment) -> Aligned:
    """Write the set at `place` as `output`, which must not exist: a folder of image files, or an .npz file.

    Raises `GantoolError`: as `check_aligned`, pictures that are no image files, a damaged picture.
    """
    check_aligned(place, output)
    return (_folder if place.is_folder else _arrays)(place, output, alignment)


def _folder(place: Location, output: Path, alignment: Alignment) -> Aligned:
    listing = arrange(place)
    if other := next((file for file in listing.images if not is_image_file(Place(file))), None):
        raise GantoolError(f"{place.path / other} is no image file, and only these are aligned: write pictures as PNG first")
    temporary = hidden(output)
    labels = LabelFiles(place.path, temporary, listing, alignment.fit)
    try:
        forms = apply_to_all(partial(_picture, place.path, temporary, alignment=alignment), list(listing.images))
        copied, failed = copy_new(list(listing.others), temporary, labels.carry)
        notices = labels.notices(forms, "pictures are moved")
        temporary.rename(output)
    except OSError as error:
        raise GantoolError(f"cannot write {output}: {cause(error)}") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return Aligned(output, len(forms), copied, tuple(failed), tuple(notices))


def _picture(source: Path, output: Path, file: str, *, alignment: Alignment) -> Form:
    opened = OpenedPicture((source / file).read_bytes(), str(source / file))
    picture = opened.read()
    pixels = fitted(picture.pixels, alignment.fit((picture.pixels.shape[0], picture.pixels.shape[1])))
    (output / file).parent.mkdir(parents=True, exist_ok=True)
    write_file(output / file, picture.encode(pixels))
    return opened.form


def _arrays(place: Location, output: Path, alignment: Alignment) -> Aligned:
    images = find(place).open(place)
    first = images[0]
    fit = alignment.fit((first.shape[0], first.shape[1]))
    with np.load(place.path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    moved = {name: new for name, array in arrays.items() if (new := _moved(name, array, name in images.labels, fit)) is not None}
    try:
        with replacing(output) as temporary, temporary.open("wb") as target:
            np.savez(target, **{**arrays, **moved})
    except OSError as error:
        raise GantoolError(f"cannot write {output}: {cause(error)}") from None
    still = [name for name in images.labels if name not in moved]
    notices = [f"left as they are: {', '.join(still)}; arrays of points have names that end in _xy"] if still else []
    return Aligned(output, len(images), len(moved) - 1, notices=tuple(notices))


def _moved(name: str, array: np.ndarray, label: bool, fit: Fit) -> np.ndarray | None:
    """Pictures and label maps, (N, H, W, ...), and points, (N, ..., 2); None for what holds no places."""
    if array.shape[1:3] == fit.before and not label:
        rows = [fitted(row if row.ndim == 3 else row[..., None], fit) for row in array]
        return np.stack(rows).reshape(array.shape)
    if array.shape[1:3] == fit.before:
        return np.stack([fit.ids(row) for row in array])
    if array.shape[-1:] == (2,) and array.dtype.kind == "f" and (array.ndim > 2 or name.endswith("_xy")):
        moved: np.ndarray = array * np.array(fit.scale[::-1]) - np.array(fit.corner[::-1])
        return moved.astype(array.dtype)
    return None
