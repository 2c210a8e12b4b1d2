"""Labels that lie within a file: the values at a path of JSON, in fields of a structured array, in rows of a table."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import cause
from .frames import LabelForm, Place
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
