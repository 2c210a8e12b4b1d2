"""What one source says: a command line, the environment, a file or a Python call. Names are not resolved here. No torch."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..data.domains import Preprocess, Reading
from ..errors import GantoolError, quoted, suggest
from ..kinds import SLOT_KINDS
from .settings import RunSettings

FORMAT = 1
"""Grows when a run folder of a newer gantool cannot be read by an older one."""

SETTINGS = (*(f.name for f in dataclasses.fields(RunSettings)), *(f.name for f in dataclasses.fields(Preprocess)))
"""Every setting that is not an option of a component."""

_NAMES = ("plugin", "preset", "dataset", "metric")
_PATHS = ("synthetic", "real")
_READING = tuple(f.name for f in dataclasses.fields(Reading))
_TABLES = ("parts", "options")
_NOTES = ("processes", "versions", "created", "total_steps")
"""What `run.json` holds for its readers."""


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What one source says."""

    plugin: str | None = None
    preset: str | None = None
    dataset: str | None = None
    metric: str | None = None
    parts: Mapping[str, str] = field(default_factory=dict)
    """Slot or kind: component name."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """`"slot.option"`: value."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Fields of `RunSettings` and `Preprocess`."""

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], *, where: str) -> Choices:
        """Read the form that `Plan.to_dict` writes; `where` names the source in errors. Raises `GantoolError`.

        `synthetic` and `real` stand for the data set `gantool:files` and its options, `layout`, `image`, `copy` and `view` for
        options of the data set, `generator` and other kinds for parts.
        """
        values = {key: value for key, value in values.items() if key not in _NOTES}
        if "format" in values:
            check_format(values.pop("format"), where)
            # A run from before there were patches was trained on whole images, and is to be so again.
            values.setdefault("patch", "off")
        kinds = {kind: values.pop(kind) for kind in SLOT_KINDS if not isinstance(values.get(kind, {}), Mapping)}
        for name in values:
            if name not in (known := (*SETTINGS, *_NAMES, *_PATHS, *_READING, *_TABLES)):
                table = f"; options of a slot go into [options.{name}]" if isinstance(values[name], Mapping) else ""
                raise GantoolError(f"{where}: no setting {name!r}{table or suggest(name, (*known, *SLOT_KINDS))}")
        names = {name: values.pop(name) for name in _NAMES if name in values}
        paths = {f"dataset.{name}": _absolute(values.pop(name), name, where) for name in _PATHS if name in values}
        read = {f"dataset.{name}": _in_place(values.pop(name), name, where) for name in _READING if name in values}
        parts, options = (_table(values.pop(name, {}), name, where) for name in _TABLES)
        parts = {**kinds, **parts}
        for name, value in {**names, **parts}.items():
            if not isinstance(value, str):
                raise GantoolError(f"{where}: {name} must be a name, got {value!r}")
        if paths:
            names.setdefault("dataset", "gantool:files")
        return cls(**names, parts=parts, options=_dotted(options, where) | paths | read, settings=values)

    def with_options(self, options: Mapping[str, Any], *, where: str) -> Choices:
        """Return these choices with `options`, `{"slot.option": value}`, over their own. Raises `GantoolError`.

        A name without a slot is kept: whoever knows the slots says which are meant.
        """
        for name, value in options.items():
            if name in SETTINGS:
                raise GantoolError(f"{where} {name}: it is a setting, no option of a slot: --{name.replace('_', '-')} {value}")
            if "." in name and not all(name.partition(".")):
                raise GantoolError(f"{where} {name}: write SLOT.OPTION, such as generator.width")
        return dataclasses.replace(self, options={**self.options, **options})


def read_config(file: Path, *, what: str = "--config ") -> Choices:
    """Read a TOML file, or a JSON file such as run.json; `what` stands before its name in errors. Raises `GantoolError`."""
    json_file = file.suffix == ".json"
    try:
        text = file.read_text(encoding="utf-8")
        values = json.loads(text) if json_file else tomllib.loads(text)
    except OSError as error:
        raise GantoolError(f"{what}{file} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:  # bytes that are no text, too
        raise GantoolError(f"{what}{file} is no valid {'JSON' if json_file else 'TOML'}: {error}") from None
    if not isinstance(values, dict):
        raise GantoolError(f"{what}{file} must hold a table of settings")
    return Choices.from_mapping(values, where=f"{what}{file}")


def check_format(version: object, where: str) -> None:
    """Raise `GantoolError` unless this gantool reads that format of `run.json`."""
    if not isinstance(version, int):
        raise GantoolError(f"{where}: format must be a whole number, got {version!r}")
    if version > FORMAT:
        raise GantoolError(f"{where} was written by a newer gantool (format {version}, this one reads up to {FORMAT}): upgrade")


def _table(value: Any, name: str, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise GantoolError(f"{where}: {name} must be a table, got {value!r}")
    return value


def _dotted(tables: Mapping[str, Any], where: str) -> dict[str, Any]:
    return {
        f"{slot}.{name}": value
        for slot, table in tables.items()
        for name, value in _table(table, f"options.{slot}", where).items()
    }


def _in_place(value: Any, name: str, where: str) -> Any:
    """Make the path of a layout or of a view transform independent of the working directory; names and patterns stay."""
    is_path = isinstance(value, str | Path) and str(value).lower().endswith((".toml", ".cube"))
    return _absolute(value, name, where) if is_path else value


def _absolute(value: Any, name: str, where: str) -> str:
    """Make a path independent of the working directory: a run is resumed from anywhere."""
    if not isinstance(value, str | Path) or not str(value):
        raise GantoolError(f"{where}: {name} must be a path, got {quoted(value)}")
    text = str(value)
    # A URL is absolute; `pipe:` gets its own message where it is opened.
    return text if "://" in text or text.startswith("pipe:") else str(Path(value).expanduser().absolute())
