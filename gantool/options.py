"""Option dataclasses: validated with pydantic, described from the same source. No torch."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping
from functools import cache
from typing import Any

from .errors import GantoolError, suggest


@cache
def _adapter(options: type) -> Any:
    # pydantic takes 0.1 s to import, and `gantool --help` does not need it.
    from pydantic import ConfigDict, TypeAdapter

    if "__pydantic_config__" not in vars(options):
        options.__pydantic_config__ = ConfigDict(extra="forbid", use_attribute_docstrings=True)  # type: ignore[attr-defined]
    return TypeAdapter(options)


def validate(options: type, values: Mapping[str, Any], *, where: str) -> Any:
    """Build an instance of the dataclass `options` from `values`.

    `where` is what the user wrote in front of the name (`"generator."`, `"--"`). Raises `GantoolError`, one line, for a name
    that does not exist (with the nearest one) and for a value out of bounds (with the bounds).
    """
    known = [field.name for field in dataclasses.fields(options)]
    for name in values:
        if name not in known:
            options_are = f"; options are: {', '.join(known)}" if known else "; it has no options"
            raise GantoolError(f"no option {where}{name}{suggest(name, known) or options_are}")
    from pydantic import ValidationError

    try:
        return _adapter(options).validate_python(dict(values))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        # A check of the dataclass itself (__post_init__) has no field; its message names what it is about.
        message = first["msg"].removeprefix("Value error, ")
        message = message[0].lower() + message[1:]
        got = f", got {values[name]!r}" if name in values else ""
        raise GantoolError(f"{where}{name}: {message}{got}" if name else f"{where.rstrip('.')}: {message}") from None


@dataclasses.dataclass(frozen=True)
class OptionInfo:
    """One option, as `gantool show` prints it."""

    name: str
    type: str
    default: Any
    bounds: str
    """`"1 to 9"`, `"≥ 1"`, or `""`."""
    doc: str
    """What it means, with its unit."""


def describe(options: type) -> list[OptionInfo]:
    """List the options of a dataclass in the order of definition."""
    properties = _adapter(options).json_schema().get("properties", {})
    defaults = to_dict(options())
    return [
        OptionInfo(
            name=field.name,
            type=_type_name(properties[field.name]),
            default=defaults[field.name],
            bounds=_bounds(properties[field.name]),
            doc=inspect.cleandoc(properties[field.name].get("description", "")),
        )
        for field in dataclasses.fields(options)
    ]


def derived(config: Any) -> dict[str, tuple[Any, str]]:
    """Return the public properties of an options instance, {name: (value, docstring)}: figures that follow from options."""
    found = inspect.getmembers(type(config), lambda member: isinstance(member, property))
    return {name: (getattr(config, name), inspect.cleandoc(p.__doc__ or "")) for name, p in found if name[0] != "_"}


def to_dict(config: Any) -> dict[str, Any]:
    """Turn an options instance into plain JSON data."""
    plain: dict[str, Any] = _adapter(type(config)).dump_python(config, mode="json")
    return plain


def _type_name(schema: Mapping[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_type_name(choice) for choice in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    names = {"integer": "int", "number": "float", "string": "text", "boolean": "true/false", "array": "list", "null": "none"}
    return names.get(schema.get("type", ""), schema.get("type", "any"))


def _bounds(schema: Mapping[str, Any]) -> str:
    if "anyOf" in schema:
        return next((text for choice in schema["anyOf"] if (text := _bounds(choice))), "")
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if low is not None and high is not None:
        return f"{low} to {high}"
    parts = [f"≥ {low}" if low is not None else "", f"> {above}" if above is not None else ""]
    parts += [f"≤ {high}" if high is not None else "", f"< {below}" if below is not None else ""]
    return ", ".join(part for part in parts if part)
