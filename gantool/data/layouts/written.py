"""A layout as a TOML file, to be read, edited and given to `--layout`."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ...errors import GantoolError, cause, nearest
from ..frames import LabelForm, PassForm, PictureForm
from .description import Description, Rows, Source, check_fields
from .patterns import pattern

SUFFIX = ".toml"
FILE = "gantool-layout.toml"
"""In a folder it says what the folder is; `gantool data convert` writes it."""
_PATTERNS = ("image", "copy")
_KEYS = ("layout", *_PATTERNS, "rows", "picture", "passes", "labels")


def read(path: Path) -> Description:
    """Return the layout that a file describes. Raises `GantoolError`, one line, which names the file and the entry."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise GantoolError(f"cannot read layout {path}: {cause(error)}") from None
    try:
        return _description(table, path.stem)
    except GantoolError as error:
        raise GantoolError(f"layout {path}: {error}") from None


def write(description: Description) -> str:
    """Return a layout as TOML, which `read` takes."""
    lines = [f"layout = {_value(description.name)}"]
    lines += [f"{name} = {_value(texts)}" for name in _PATTERNS if (texts := getattr(description, name))]
    if description.rows:
        lines += ["", "[rows]", *_entries(description.rows)]
    for source in description.pictures:
        one = len(description.pictures) == 1
        lines += ["", "[picture]" if one else "[[picture]]", *_entries(source), *_entries(description.picture)]
    for name, (sources, form) in description.passes.items():
        head = f"[passes.{_key(name)}]" if len(sources) == 1 else f"[[passes.{_key(name)}]]"
        for source in sources:
            lines += ["", head, *_entries(source), *_entries(form)]
    for name, (source, label) in description.labels.items():
        lines += ["", f"[labels.{_key(name)}]", *_entries(source), *_entries(label)]
    return "\n".join(lines) + "\n"


def _description(table: Mapping[str, Any], stem: str) -> Description:
    _check_keys(table, _KEYS, "the file")
    given = table.get("picture")
    pictures = given if isinstance(given, list) else [given]
    if not given or not all(isinstance(one, dict) for one in pictures):
        raise GantoolError('it needs [picture] with files = "…", the pattern of the pictures')
    built = [_built((Source, PictureForm), one, "[picture]") for one in pictures]
    passes: dict[str, tuple[tuple[Source, ...], PassForm]] = {}
    for name, one in _tables(table, "passes"):
        several = [_built((Source, PassForm), each, f"[passes.{name}]") for each in (one if isinstance(one, list) else [one])]
        passes[name] = (tuple(source for source, _ in several), several[0][1])
    labels = {name: tuple(_built((Source, LabelForm), one, f"[labels.{name}]")) for name, one in _tables(table, "labels")}
    image, copy = (_patterns(table, name) for name in _PATTERNS)
    rows = _built((Rows,), table["rows"], "[rows]")[0] if "rows" in table else None
    description = Description(
        str(table.get("layout", stem)),
        tuple(source for source, _ in built),
        passes,
        labels,
        built[0][1],
        rows=rows,
        copy=copy,
        image=image,
    )
    sources = [
        *description.pictures,
        *(source for many, _ in passes.values() for source in many),
        *(s for s, _ in labels.values()),
    ]
    for text in (*copy, *(source.files for source in sources), *([rows.files] if rows else [])):
        pattern(text).match("")
    check_fields(description)
    return description


def _patterns(table: Mapping[str, Any], name: str) -> tuple[str, ...]:
    found = table.get(name, [])
    if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
        raise GantoolError(f"{name} must be a list of patterns")
    return tuple(found)


def _tables(table: Mapping[str, Any], group: str) -> Iterator[tuple[str, Any]]:
    found = table.get(group, {})
    if not isinstance(found, dict) or not all(one for one in found.values()):
        raise GantoolError(f"{group} must be tables, such as [{group}.depth]")
    yield from found.items()


def _built(kinds: tuple[type[Any], ...], table: Any, where: str) -> list[Any]:
    """Return one instance per dataclass, of the entries that are its own."""
    if not isinstance(table, dict):
        raise GantoolError(f"{where} must be a table")
    names = [{field.name for field in fields(kind)} for kind in kinds]
    _check_keys(table, [name for known in names for name in sorted(known)], where)
    for kind in kinds:
        for field in fields(kind):
            if field.name not in table and field.default is MISSING and field.default_factory is MISSING:
                raise GantoolError(f"{where} needs {field.name}")
    try:
        return [
            TypeAdapter(kind).validate_python({key: value for key, value in table.items() if key in known})
            for kind, known in zip(kinds, names, strict=True)
        ]
    except ValidationError as error:
        first = error.errors()[0]
        raise GantoolError(f"{where} {'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def _check_keys(table: Mapping[str, Any], known: Any, where: str) -> None:
    for key in table:
        if key not in known:
            raise GantoolError(f"{where} has an unknown entry {key!r}{nearest(key, known, 'entries')}")


def _entries(record: Any) -> Iterator[str]:
    """Yield the entries of a dataclass that are not at their default."""
    for field in fields(record):
        value = getattr(record, field.name)
        default = field.default_factory() if field.default_factory is not MISSING else field.default
        if value != default:
            yield f"{field.name} = {_value(value)}"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return repr(value)  # inf and nan are TOML's own words
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {_value(one)}" for key, one in value.items()) + " }"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)


def _key(name: str) -> str:
    return name if name.replace("_", "").replace("-", "").isalnum() and name.isascii() else json.dumps(name, ensure_ascii=False)
