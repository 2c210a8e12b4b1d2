"""Labels that lie within a file, brought to where they are in resized or cropped pictures; all else in it stays as it was."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .frames import LabelForm, LabelKind, Place
from .geometry import Fit
from .records import TABLES, Cell, boxes, cells_at, holds

_POINTS = (LabelKind.KEYPOINTS, LabelKind.POLYGONS)
_TUPLE = re.compile(r"\(([^()]*)\)")

Found = tuple[Place, LabelForm, Fit]
"""Where labels lie (see `read_records`), how they are written, and what happened to their picture."""


def moves(form: LabelForm) -> bool:
    """Return whether the numbers of such labels are pixels, or shares of a picture, and it is known which."""
    return form.kind in (*_POINTS, LabelKind.BOXES, LabelKind.SIZE) and bool(_words(form))


def fit_labels(data: bytes, name: str, found: Iterable[Found]) -> bytes:
    """Return the content of a file of which boxes, points and sizes are those of resized or cropped pictures.

    Args:
        data: The content.
        name: Of the file; the suffix says what it is.
        found: What lies in it.

    Whole numbers of an array become float64 unless all stay whole. A box of negative size, and a point whose `v` is 0, say that
    nothing is seen, and stay as they are; a box that is cut off becomes empty. Raises `ValueError` for what is no such file.
    """
    suffix = Path(name).suffix.lower()
    if suffix == ".npy":
        return _fit_array(np.load(io.BytesIO(data), allow_pickle=False), found)
    if suffix in TABLES:
        return _fit_rows(data.decode(), found).encode()
    content = json.loads(data)
    for place, form, fit in found:
        for cells in cells_at(content, place.key):
            numbers = list(_numbers(cells))
            width = len(_words(form))
            for first in range(0, len(numbers) - width + 1, width):
                _fit(numbers[first : first + width], form, fit)
    indent = 2 if b"\n" in data.strip() else None
    return json.dumps(content, ensure_ascii=False, indent=indent).encode()


def _words(form: LabelForm) -> list[str]:
    return (form.point if form.kind in _POINTS else form.corners).split()


def _fit(cells: Sequence[Cell], form: LabelForm, fit: Fit) -> None:
    """Write the numbers of one box, point or size anew."""
    before = [container[key] for container, key in cells]
    words = _words(form)
    named = dict(zip(words, map(float, before), strict=True))
    new = _sized(fit) if form.kind == LabelKind.SIZE else _box(named, form, fit) if "x0" in named else _point(named, form, fit)
    for (container, key), word, old in zip(cells, words, before, strict=True):
        if word in new:
            value = new[word]
            exact = int(value) if isinstance(old, int) and value == int(value) else value
            container[key] = f"{exact:.10g}" if isinstance(old, str) else exact


def _sized(fit: Fit) -> dict[str, float]:
    return {"w": float(fit.size[1]), "h": float(fit.size[0])}


def _box(named: dict[str, float], form: LabelForm, fit: Fit) -> dict[str, float]:
    ((left, top, right, bottom),) = boxes([list(named.values())], form, fit.before)
    if right < left or bottom < top:
        return {}
    left, top, right, bottom = fit.box(left, top, right, bottom) or (0.0, 0.0, 0.0, 0.0)
    if form.y_up:
        top, bottom = fit.size[0] - bottom, fit.size[0] - top
    last = 1.0 if form.inclusive else 0.0
    new = {"x0": left, "y0": top, "w": right - left, "h": bottom - top, "x1": right - last, "y1": bottom - last}
    height, width = fit.size if form.shares else (1, 1)
    return {word: value / (width if word in ("x0", "x1", "w") else height) for word, value in new.items()}


def _point(named: dict[str, float], form: LabelForm, fit: Fit) -> dict[str, float]:
    if named.get("v", 1.0) <= 0:
        return {}
    (height, width), (new_height, new_width) = (fit.before, fit.size) if form.shares else ((1, 1), (1, 1))
    x, y = named["x"] * width, named["y"] * height
    x, y = fit.point(x, fit.before[0] - y if form.y_up else y)
    return {"x": x / new_width, "y": (fit.size[0] - y if form.y_up else y) / new_height}


class _Text:
    """The numbers of a text such as `"(1.5, 2, 0)"`, as UnityEyes writes points."""

    def __init__(self, cell: Cell) -> None:
        self._cell = cell

    def __len__(self) -> int:
        return len(self._parts())

    def __getitem__(self, place: int) -> str:
        return self._parts()[place].strip()

    def __setitem__(self, place: int, number: str) -> None:
        parts = self._parts()
        parts[place] = parts[place].replace(parts[place].strip(), number)
        self._cell[0][self._cell[1]] = f"({','.join(parts)})"

    def _parts(self) -> list[str]:
        return str(self._cell[0][self._cell[1]])[1:-1].split(",")


def _numbers(cells: Sequence[Cell]) -> Iterator[Cell]:
    """Yield the cells that hold a number each, in lists of any depth too."""
    for container, key in cells:
        value = container[key]
        inside: Any = _Text((container, key)) if isinstance(value, str) and _TUPLE.fullmatch(value) else value
        if isinstance(inside, list | _Text):
            yield from _numbers([(inside, place) for place in range(len(inside))])
        else:
            yield container, key


def _fit_array(array: np.ndarray, found: Iterable[Found]) -> bytes:
    """Rows of fields, or rows of numbers."""
    found = list(found)
    rows = array if array.dtype.names or not array.size else np.atleast_2d(array)
    new = rows.astype(_with_floats(rows.dtype, [name for place, _, _ in found for name in place.key.split(",")]))
    for place, form, fit in found:
        for row in new:
            names = place.key.split(",") if place.key else range(len(_words(form)))
            _fit([(row, name) for name in names], form, fit)
    same = all(np.array_equal(new[name], new[name].astype(rows.dtype[name])) for name in rows.dtype.names or ())
    same = same and (bool(rows.dtype.names) or np.array_equal(new, new.astype(rows.dtype)))
    file = io.BytesIO()
    np.save(file, (new.astype(rows.dtype) if same else new).reshape(array.shape))
    return file.getvalue()


def _with_floats(dtype: np.dtype, names: Sequence[str]) -> np.dtype:
    """Return a type whose whole numbers of these names are float64; all of them where it has no names."""
    if dtype.names is None:
        return np.dtype(np.float64) if dtype.kind in "iu" else dtype
    return np.dtype([(name, "<f8" if name in names and dtype[name].kind in "iu" else dtype[name]) for name in dtype.names])


def _fit_rows(text: str, found: Iterable[Found]) -> str:
    lines = text.splitlines(keepends=True)
    separator = next((sign for sign in ("\t", ",") if sign in lines[0]), " ")
    header = [name.strip() for name in lines[0].split(None if separator == " " else separator)]
    rows = [line.rstrip("\r\n").split(None if separator == " " else separator) for line in lines]
    for place, form, fit in found:
        conditions, _, columns = place.key.rpartition("/")
        for row in rows[1:]:
            if row and holds(dict(zip(header, (word.strip() for word in row), strict=False)), conditions):
                _fit([(row, header.index(name)) for name in columns.split(",")], form, fit)
    ends = [line[len(line.rstrip("\r\n")) :] for line in lines]
    return "".join(f"{separator.join(row)}{end}" for row, end in zip(rows, ends, strict=True))
