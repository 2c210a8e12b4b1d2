"""Labels that lie within a file: the values at a path of JSON, in fields of a structured array, in rows of a table."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import cause
from .frames import LabelForm, Place
from .geometry import Fit
from .images import ImageReadError

_TABLES = (".txt", ".csv", ".tsv")


def read_records(root: Path, place: Place, *, load: Callable[[Path], Any] | None = None) -> list[Any]:
    """Return what lies at a place, one entry per object.

    `place.key` says where:

        objects/*/box          JSON: `*` is every entry of a list; numbers are indices
        values/*/origin,size   several fields of each entry, joined into one list
        boxes/frames=3         the entry of the list `boxes` whose place has 3 in the list `frames` beside it
        x_min,x_max            fields of a structured .npy
        frame=3,camera=0/left,right    a table's rows with these values, and their columns; `column~text` is "contains"

    `load` reads JSON, in place of reading the file (a file that all frames share is worth keeping). Raises `ImageReadError`,
    which names the file.
    """
    path, suffix = root / place.file, Path(place.file).suffix.lower()
    try:
        if suffix == ".npy":
            array = np.load(path, allow_pickle=False)
            names = place.key.split(",") if place.key else list(array.dtype.names or ())
            return [[row[name].item() for name in names] for row in array] if names else list(array)
        if suffix in _TABLES:
            return list(_rows(path.read_text("utf-8", "replace"), place.key))
        data = load(path) if load else json.loads(path.read_bytes())
        return list(_walk(data, place.key.split("/") if place.key else []))
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise ImageReadError(str(path), f"no labels at {place.key or 'its top'}: {cause(error)}") from None


def boxes(records: Sequence[Sequence[float]], form: LabelForm, size: tuple[int, int]) -> np.ndarray:
    """Return boxes as edges (N, 4): left, top, right, bottom in pixels, from the top left corner of the picture.

    Args:
        records: Four numbers per box, as `form.corners` orders them.
        form: How they are written.
        size: (height, width) of the picture, for shares and for y that counts from the bottom.
    """
    words = form.corners.split()
    named = {word: np.array([record[place] for record in records], np.float64) for place, word in enumerate(words)}
    height, width = size if form.shares else (1, 1)
    left, top = named["x0"] * width, named["y0"] * height
    last = 1.0 if form.inclusive else 0.0
    right = left + named["w"] * width if "w" in named else named["x1"] * width + last
    bottom = top + named["h"] * height if "h" in named else named["y1"] * height + last
    if form.y_up:
        top, bottom = size[0] - bottom, size[0] - top
    return np.stack([left, top, right, bottom], axis=1) if len(records) else np.zeros((0, 4))


def fit_boxes(data: bytes, name: str, found: Iterable[tuple[Place, LabelForm, Fit]]) -> bytes:
    """Return the content of a file of which boxes are brought to where they are in resized or cropped pictures.

    Args:
        data: The content.
        name: Of the file; the suffix says what it is.
        found: Where boxes lie (see `read_records`), how they are written, and what happened to their picture.

    Whole numbers of a structured array stay whole, so they are rounded; all others are exact. A box of negative size, which says
    that nothing is seen, stays as it is; one that is cut off becomes empty. Raises `ValueError` for what is no such file.
    """
    suffix = Path(name).suffix.lower()
    if suffix == ".npy":
        array = np.load(io.BytesIO(data), allow_pickle=False)
        for place, form, fit in found:
            names = place.key.split(",")
            whole = array.dtype[names[0]].kind in "iu"
            for row in array:
                _fit([(row, name) for name in names], form, fit, whole=whole)
        file = io.BytesIO()
        np.save(file, array)
        return file.getvalue()
    if suffix in _TABLES:
        return _fit_rows(data.decode(), found).encode()
    content = json.loads(data)
    for place, form, fit in found:
        for cells in _cells(content, place.key.split("/")):
            _fit(cells, form, fit)
    indent = 2 if b"\n" in data.strip() else None
    return json.dumps(content, ensure_ascii=False, indent=indent).encode()


_Cell = tuple[Any, Any]
"""A container, and the key or index of a number in it."""


def _fit(cells: Sequence[_Cell], form: LabelForm, fit: Fit, *, whole: bool = False) -> None:
    before = [container[key] for container, key in cells]
    ((left, top, right, bottom),) = boxes([[float(value) for value in before]], form, fit.before)
    if right < left or bottom < top:
        return
    left, top, right, bottom = fit.box(left, top, right, bottom) or (0.0, 0.0, 0.0, 0.0)
    if form.y_up:
        top, bottom = fit.size[0] - bottom, fit.size[0] - top
    height, width = fit.size if form.shares else (1, 1)
    last = 1.0 if form.inclusive else 0.0
    new = {"x0": left, "y0": top, "w": right - left, "h": bottom - top, "x1": right - last, "y1": bottom - last}
    for (container, key), word, old in zip(cells, form.corners.split(), before, strict=True):
        value = new[word] / (width if word in ("x0", "x1", "w") else height)
        exact = int(value) if isinstance(old, int) and value == int(value) else value
        container[key] = round(value) if whole else f"{exact:.10g}" if isinstance(old, str) else exact


def _cells(data: Any, words: Sequence[str]) -> Iterator[list[_Cell]]:
    """Yield the numbers of each record at a path, as `_walk` finds their values."""
    word, rest = words[0], words[1:]
    if word != "*":
        yield from _cells(_step(data, word), rest)
        return
    for one in data:
        if "=" in rest[-1]:
            values = _one(one, rest)
            yield from [[(values, place) for place in range(len(values))]] if values is not None else []
            continue
        for inner in rest[:-1]:
            one = _step(one, inner)
        cells: list[_Cell] = []
        for name in rest[-1].split(","):
            inside = one[name]
            cells += [(inside, place) for place in range(len(inside))] if isinstance(inside, list) else [(one, name)]
        yield cells


def _fit_rows(text: str, found: Iterable[tuple[Place, LabelForm, Fit]]) -> str:
    lines = text.splitlines(keepends=True)
    separator = next((sign for sign in ("\t", ",") if sign in lines[0]), " ")
    header = [name.strip() for name in lines[0].split(None if separator == " " else separator)]
    rows = [line.rstrip("\r\n").split(None if separator == " " else separator) for line in lines]
    for place, form, fit in found:
        conditions, _, columns = place.key.rpartition("/")
        for row in rows[1:]:
            named = dict(zip(header, (word.strip() for word in row), strict=False))
            if row and all(_holds(named, condition) for condition in conditions.split(",") if condition):
                _fit([(row, header.index(name)) for name in columns.split(",")], form, fit)
    ends = [line[len(line.rstrip("\r\n")) :] for line in lines]
    return "".join(f"{separator.join(row)}{end}" for row, end in zip(rows, ends, strict=True))


def _walk(data: Any, words: Sequence[str]) -> Iterator[Any]:
    if not words:
        yield from data if isinstance(data, list) else [data]
        return
    word, rest = words[0], words[1:]
    if word == "*":
        for one in data:
            yield from ([found] if (found := _one(one, rest)) is not None else [])
    else:
        yield from _walk(_step(data, word), rest)


def _one(data: Any, words: Sequence[str]) -> Any:
    """Return the single value of an entry, None where it is not there in this video frame."""
    for place, word in enumerate(words):
        if place + 1 < len(words) and "=" in words[place + 1]:
            names, _, wanted = words[place + 1].partition("=")
            where = [str(value) for value in data[names]]
            return data[word][where.index(wanted)] if wanted in where else None
        data = _step(data, word)
    return data


def _step(data: Any, word: str) -> Any:
    if "," in word:
        joined: list[Any] = []
        for name in word.split(","):
            joined += data[name] if isinstance(data[name], list) else [data[name]]
        return joined
    return data[int(word)] if isinstance(data, list) else data[word]


def _rows(text: str, key: str) -> Iterator[Any]:
    lines = [line for line in text.splitlines() if line.strip()]
    separator = next((sign for sign in ("\t", ",") if sign in lines[0]), None)
    header = [name.strip() for name in lines[0].split(separator)]
    conditions, _, columns = key.rpartition("/") if "/" in key or not ("=" in key or "~" in key) else (key, "", "")
    names = columns.split(",") if columns else header
    for line in lines[1:]:
        row = dict(zip(header, (word.strip() for word in line.split(separator)), strict=False))
        if all(_holds(row, condition) for condition in conditions.split(",") if condition):
            yield [_number(row[name]) for name in names]


def _holds(row: Mapping[str, str], condition: str) -> bool:
    name, sign, wanted = condition.partition("=" if "=" in condition else "~")
    return row[name] == wanted if sign == "=" else wanted in row[name]


def _number(word: str) -> float | str:
    try:
        return float(word)
    except ValueError:
        return word
