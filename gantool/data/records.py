"""Labels that lie within a file: the values at a path of JSON, in fields of a structured array, in rows of a table."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import cause
from .frames import LabelForm, Place
from .images import ImageReadError

TABLES = (".txt", ".csv", ".tsv")

Cell = tuple[Any, Any]
"""A container, and the key or index of a value in it."""


def read_records(root: Path, place: Place, *, load: Callable[[Path], Any] | None = None) -> list[Any]:
    """Return what lies at a place, one entry per object.

    `place.key` says where:

        objects/*/box          JSON: `*` is every entry of a list or of an object; numbers are indices
        values/*/origin,size   several fields of each entry, joined into one list
        views/id=cam/box       the entries of a list of objects that have such a value; `name~text` is "contains"
        boxes/frames=3         the entry of the list `boxes` whose place has 3 in the list `frames` beside it
        box                    a list of numbers is one entry, a list of lists or objects has as many as it is long
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
            if names:
                return [[row[name].item() for name in names] for row in array]
            return list(np.atleast_2d(array)) if array.size else []
        if suffix in TABLES:
            return list(_rows(path.read_text("utf-8", "replace"), place.key))
        data = load(path) if load else json.loads(path.read_bytes())
        return [_value(cells) for cells in cells_at(data, place.key)]
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


def points(records: Sequence[Any], form: LabelForm, size: tuple[int, int]) -> np.ndarray:
    """Return points as (N, 2): x and y in pixels, from the top left corner of the picture; those that were seen alone.

    Args:
        records: Numbers, in lists of any depth or in texts such as `"(1.5, 2)"`, as `form.point` orders them.
        form: How they are written.
        size: (height, width) of the picture, for shares and for y that counts from the bottom.
    """
    words, numbers = form.point.split(), list(_flat(records))
    rows = np.reshape(numbers[: len(numbers) // len(words) * len(words)], (-1, len(words)))
    named = dict(zip(words, rows.T, strict=True))
    height, width = size if form.shares else (1, 1)
    x, y = named["x"] * width, named["y"] * height
    seen = named["v"] > 0 if "v" in named else np.ones(len(rows), bool)
    return np.stack([x, size[0] - y if form.y_up else y], axis=1)[seen]


def _flat(value: Any) -> Iterator[float]:
    if isinstance(value, list):
        for inner in value:
            yield from _flat(inner)
    elif isinstance(value, str):
        yield from map(float, value.strip("()").split(","))
    else:
        yield float(value)


def cells_at(data: Any, key: str) -> Iterator[list[Cell]]:
    """Yield what lies at a path of JSON, as the cells of each entry.

    Raises `KeyError`, `IndexError`, `TypeError` or `ValueError` where there is nothing.
    """
    yield from _select(([data], 0), key.split("/") if key else [], each=True)


def _select(cell: Cell, words: Sequence[str], *, each: bool) -> Iterator[list[Cell]]:
    """`each`: whether a list of lists at the end is an entry each; below a `*` it is one entry."""
    data = cell[0][cell[1]]
    if not words:
        several = each and isinstance(data, list) and (not data or isinstance(data[0], list | dict))
        yield from ([(data, place)] for place in range(len(data))) if several else [[cell]]
        return
    word, rest = words[0], words[1:]
    if word == "*":
        for place in data if isinstance(data, dict) else range(len(data)):
            yield from _select((data, place), rest, each=False)
    elif isinstance(data, list) and ("=" in word or "~" in word):
        for place, one in enumerate(data):
            if isinstance(one, dict) and holds(defaultdict(str, one), word):
                yield from _select((data, place), rest, each=False)
    elif rest and isinstance(data, dict) and isinstance(data.get(rest[0].partition("=")[0]), list):
        name, _, wanted = rest[0].partition("=")
        where = [str(value) for value in data[name]]
        if wanted in where:
            yield from _select((data[word], where.index(wanted)), rest[1:], each=each)
    elif "," in word:
        yield [_step(data, name) for name in word.split(",")]
    else:
        yield from _select(_step(data, word), rest, each=each)


def _step(data: Any, word: str) -> Cell:
    key = int(word) if isinstance(data, list) else word
    data[key]  # raises where there is none
    return data, key


def _value(cells: Sequence[Cell]) -> Any:
    found = [container[key] for container, key in cells]
    if len(found) == 1:
        return found[0]
    return [value for one in found for value in (one if isinstance(one, list) else [one])]


def _rows(text: str, key: str) -> Iterator[Any]:
    lines = [line for line in text.splitlines() if line.strip()]
    separator = next((sign for sign in ("\t", ",") if sign in lines[0]), None)
    header = [name.strip() for name in lines[0].split(separator)]
    conditions, _, columns = key.rpartition("/") if "/" in key or not ("=" in key or "~" in key) else (key, "", "")
    names = columns.split(",") if columns else header
    for line in lines[1:]:
        row = dict(zip(header, (word.strip() for word in line.split(separator)), strict=False))
        if holds(row, conditions):
            yield [_number(row[name]) for name in names]


def holds(row: Mapping[str, Any], conditions: str) -> bool:
    """Return whether a row of a table, or an object, has what `conditions` say: `frame=3,file~name`."""
    for condition in filter(None, conditions.split(",")):
        name, sign, wanted = condition.partition("=" if "=" in condition else "~")
        value = str(row[name])
        if not (value == wanted if sign == "=" else wanted in value):
            return False
    return True


def _number(word: str) -> float | str:
    try:
        return float(word)
    except ValueError:
        return word
