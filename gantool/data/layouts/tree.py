"""A folder, listed once, and short looks into single files of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from PIL import Image

from ...errors import GantoolError
from .. import IMAGE_SUFFIXES
from ..decoding import read
from ..exr import ExrPart, read_header
from ..formats.arrays import Spec
from ..formats.hdf5 import open_h5, read_specs
from ..images import ImageReadError
from ..locations import walk
from ..picture_files import OpensPictures, open_at, opener, suffixes
from ..stored import HDF5

T = TypeVar("T")

PICTURES = (*IMAGE_SUFFIXES, ".exr", ".pfm")
"""Endings of files that hold the pixels of one picture or pass."""

ARRAYS = (".npy", ".npz", *HDF5)

_LOOKED_AT = 65_536
"""Pixels that are counted, in whole rows: enough to tell ids from a picture."""
_FLAT = 0.85
_FEW = 50
"""Ids have at most one colour in so many pixels."""
_MOST_IDS = 1024
_EXACT = 2**24
"""Floats hold whole numbers up to here."""
_UNIT = 0.8
_UNIT_OFF = 0.06


@dataclass(frozen=True)
class Look:
    """What the pixels of a file are like."""

    height: int
    width: int
    channels: int
    bits: int
    """8, 16 or 32 (floats)."""
    palette: bool = False
    """Pixels are indices into a table of colours."""
    lossy: bool = False
    colours: int = 0
    flat: float = 0.0
    """Share of pixels that equal their left neighbour."""
    unit: bool = False
    """Colours are unit vectors, as (n + 1) / 2."""
    red_only: bool = False
    """Three channels or more, with something in the first alone."""
    no_blue: bool = False
    grey: bool = False
    """One channel, or three that are alike."""
    measured: bool = False
    """Of a file of measurements, in a plugin's format: many bits are no sign of a pass there."""
    whole: bool = False
    """Whole numbers."""

    @property
    def ids(self) -> bool:
        """Whether they look like ids: few colours in flat patches."""
        few = self.colours <= min(_MOST_IDS, self.height * self.width / _FEW)
        exact = self.bits < 32 or (self.measured and self.whole)
        return self.palette or (not self.lossy and exact and few and self.flat >= _FLAT)

    @property
    def data(self) -> str:
        """Why they are hardly a picture, to follow a file's name; "" for what looks like a picture."""
        if self.ids:
            return f"looks like ids ({self.colours} colour{'s' * (self.colours != 1)})"
        if self.unit:
            return "looks like normals"
        if self.channels == 1 and self.bits > 8 and not self.measured:
            return f"has one channel of {self.bits} bits"
        return ""


class Tree:
    """The files of a folder, as paths relative to it, and looks into them, each taken once."""

    def __init__(self, root: Path, files: Iterable[str] | None = None) -> None:
        """Raises `GantoolError` for a folder that cannot be read."""
        self.root = root
        self.files: tuple[str, ...] = tuple(sorted(walk(root) if files is None else files))
        self._seen: dict[tuple[str, str], Any] = {}
        self._found: dict[tuple[str, str], Any] = {}

    def of(self, files: Iterable[str]) -> Tree:
        """Return the tree with these files alone; looks are shared."""
        other = Tree(self.root, files)
        other._seen = self._seen
        return other

    @cached_property
    def pictures(self) -> tuple[str, ...]:
        """Files that hold a picture or a pass each, or several of them."""
        found = {file for file in self.files if file.lower().endswith(PICTURES)}
        others = {file: storage for file in self.files if (storage := self.opener(file))}
        found |= {file for file, storage in others.items() if not storage.alone}
        found |= {file for file, storage in others.items() if storage.alone and not found and storage.claims(self.root / file)}
        return tuple(sorted(found))

    def opener(self, file: str) -> OpensPictures | None:
        """Return the plugin's format that opens a file, if any."""
        return opener(file) if file.lower().endswith(self._opened) else None

    @cached_property
    def _opened(self) -> tuple[str, ...]:
        return suffixes()

    @cached_property
    def values(self) -> tuple[str, ...]:
        """Files that hold pictures, passes or arrays."""
        return tuple(file for file in self.files if file.lower().endswith((*PICTURES, *ARRAYS)))

    def ending(self, suffix: str) -> list[str]:
        """Return the files whose path ends so, in any case."""
        return [file for file in self.files if file.lower().endswith(suffix)]

    def look(self, file: str) -> Look | None:
        """Decode an image file and tell what it is like; None where it cannot be read. Of several pictures, the middle one."""
        storage = self.opener(file)
        opened = storage is not None and storage.claims(self.root / file)
        return self._once("look", file, lambda: _look_inside(self.root / file) if opened else _look(self.root / file))

    def json(self, file: str) -> Any:
        """Return the content of a JSON file; None where it is none or is not there."""
        return self._once("json", file, lambda: _read_json(self.root / file))

    def exr(self, file: str) -> tuple[ExrPart, ...]:
        """Return the parts of an EXR; none where it cannot be read. Raises `MissingExtra` without OpenEXR."""
        return self._once("exr", file, lambda: _read_exr(self.root / file))

    def hdf5(self, file: str) -> Mapping[str, Spec]:
        """Return the data sets of an HDF5 file; none where it cannot be read. Raises `MissingExtra` without h5py."""
        return self._once("hdf5", file, lambda: _read_hdf5(self.root / file))

    def once(self, kind: str, of: str, find: Callable[[], T]) -> T:
        """Return what was found out about these files once."""
        if (kind, of) not in self._found:
            self._found[kind, of] = find()
        return cast("T", self._found[kind, of])

    def _once(self, kind: str, file: str, look: Callable[[], T]) -> T:
        if (kind, file) not in self._seen:
            self._seen[kind, file] = look()
        return cast("T", self._seen[kind, file])


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None


def _read_exr(path: Path) -> tuple[ExrPart, ...]:
    try:
        return read_header(path)
    except ImageReadError:
        return ()


def _read_hdf5(path: Path) -> Mapping[str, Spec]:
    try:
        file = open_h5(path)
    except GantoolError as error:
        if type(error) is not GantoolError:
            raise
        return {}
    with file:
        return read_specs(file)


def _look(path: Path) -> Look | None:
    palette = lossy = False
    try:
        if path.suffix.lower() in IMAGE_SUFFIXES:
            with Image.open(path) as image:
                palette, lossy = image.mode == "P", image.format in ("JPEG", "MPO")
        pixels = read(path)
    except (OSError, ImageReadError):
        return None
    return look_at(pixels, palette=palette, lossy=lossy)


def _look_inside(path: Path) -> Look | None:
    try:
        opened = open_at(path)
        pixels = opened.stored(len(opened) // 2)
    except (GantoolError, ImageReadError):
        return None
    if pixels.dtype.kind == "f" and np.array_equal(pixels, np.rint(pixels)) and np.abs(pixels).max(initial=0) < _EXACT:
        pixels = pixels.astype(np.int32)  # masks are stored as floats, too
    return replace(look_at(pixels), measured=True)


def look_like_ids(pixels: np.ndarray) -> bool:
    """Return whether pixels (H, W, C) look like ids: few colours in flat patches."""
    return pixels.dtype.kind == "u" and look_at(pixels).ids


def look_at(pixels: np.ndarray, *, palette: bool = False, lossy: bool = False) -> Look:
    """Return what pixels (H, W, C) are like."""
    height, width, channels = pixels.shape
    rows = pixels[:: max(1, height * width // _LOOKED_AT)]
    colours = rows[..., :3] if channels >= 3 else rows[..., :1]
    wide = np.ascontiguousarray(rows).view(f"V{rows.shape[2] * rows.itemsize}")[..., 0]
    bits = 8 * pixels.itemsize
    return Look(
        height,
        width,
        channels,
        bits,
        palette,
        lossy,
        colours=len(np.unique(wide)),
        flat=float((rows[:, 1:] == rows[:, :-1]).all(axis=2).mean()) if width > 1 else 0.0,
        unit=channels >= 3 and bits < 32 and _are_unit_vectors(colours),
        red_only=channels >= 3 and bool(colours[..., 0].any()) and not colours[..., 1:].any(),
        no_blue=channels >= 3 and bool(colours[..., 1].any()) and not colours[..., 2].any(),
        grey=channels < 3 or bool((colours == colours[..., :1]).all()),
        whole=pixels.dtype.kind != "f",
    )


def _are_unit_vectors(colours: np.ndarray) -> bool:
    """Return whether most pixels lie on the sphere; black and the middle grey of a vector of length 0 are background."""
    full = 255 if colours.dtype == np.uint8 else 65535
    length = np.linalg.norm(colours.reshape(-1, 3) * (2 / full) - 1, axis=1)
    inside = length[(length > _UNIT_OFF) & colours.reshape(-1, 3).any(axis=1)]
    return len(inside) > _UNIT_OFF * len(length) and bool((np.abs(inside - 1) < _UNIT_OFF).mean() > _UNIT)
