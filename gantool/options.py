"""Option dataclasses: validated with pydantic, described from the same source. No torch."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping
from functools import cache
from typing import Any

from .errors import GantoolError, PluginError, nearest, quoted


@cache
def _adapter(options: type) -> Any:
    # pydantic takes 0.1 s to import, and `gantool --help` does not need it.
    from pydantic import ConfigDict, TypeAdapter
    from pydantic.errors import PydanticUndefinedAnnotation, PydanticUserError

    if "__pydantic_config__" not in vars(options):
        # JSON has no inf and no nan: a field that means one says so, with pydantic's `AllowInfNan`.
        config = ConfigDict(extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)
        options.__pydantic_config__ = config  # type: ignore[attr-defined]
    try:
        adapter: Any = TypeAdapter(options)
        len(adapter.core_schema)  # a type that cannot be resolved shows only when the schema is used
    except (PydanticUserError, PydanticUndefinedAnnotation) as error:
        name = f"{options.__module__}.{options.__qualname__}"
        cause = "its types must be plain, and imported when the program runs, not only for type checking"
        raise PluginError(f"the options {name} cannot be used: {cause} ({str(error).splitlines()[0]})") from error
    return adapter


@cache
def _lists_of_words(options: type) -> frozenset[str]:
    """Names of the fields that hold several texts."""
    properties = _adapter(options).json_schema().get("properties", {})
    return frozenset(
        name
        for name, found in properties.items()
        if found.get("type") == "array" and found.get("items", {}).get("type") == "string"
    )


def validate(options: type, values: Mapping[str, Any], *, where: str) -> Any:
    """Build an instance of the dataclass `options` from `values`.

    `where` stands in front of the name in messages: `"generator."`, or `"--"` for flags. Raises `GantoolError`, one line,
    for a name that does not exist (with the nearest one) and for a value out of bounds (with the bounds).
    """
    known = [field.name for field in dataclasses.fields(options)]
    for name in values:
        if name not in known:
            raise GantoolError(
                f"no option {where}{name}{nearest(name, known, 'options are') if known else '; it has no options'}"
            )
    from pydantic import ValidationError

    try:
        # One word in the place of several is a list of one, not its letters and no error.
        words = _lists_of_words(options)
        built = _adapter(options).validate_python({n: [v] if n in words and isinstance(v, str) else v for n, v in values.items()})
    except ValidationError as error:
        details = error.errors(include_url=False)
        name = str(details[0]["loc"][0]) if details[0]["loc"] else ""
        if not name or "anyOf" not in _adapter(options).json_schema()["properties"].get(name, {}):
            details = details[:1]  # else no alternative took it, and all of them are named
        details = [each for each in details if each["loc"][:1] == details[0]["loc"][:1]]
        # What reads a value from words says itself what it was given, so it comes first.
        said = any(each["type"] == "value_error" for each in details)
        details.sort(key=lambda each: each["type"] != "value_error")
        message = ("; otherwise " if said else " or ").join(dict.fromkeys(map(_message, details)))
        if name:
            raise _refused(where, name, message, {} if said else values) from None
        group = where.rstrip(".-")
        raise GantoolError(f"{group}: {message}" if group else message) from None
    for name, value in values.items():
        # pydantic takes true for 1, and a run would have one step, or one block, without a word.
        if _counts_a_truth(value, getattr(built, name)):
            raise _refused(where, name, "input should be a number", values)
    return built


def _counts_a_truth(said: Any, read: Any) -> bool:
    if isinstance(said, bool):
        return type(read) in (int, float)
    if isinstance(said, Mapping) and isinstance(read, Mapping):
        return any(_counts_a_truth(value, read.get(key)) for key, value in said.items())
    several = isinstance(said, list | tuple) and isinstance(read, list | tuple)
    return several and any(map(_counts_a_truth, said, read))


def _message(details: Mapping[str, Any]) -> str:
    # A check of the dataclass itself (__post_init__) names no field; its message does, in its own words.
    own = details.get("ctx", {}).get("error")
    return details["msg"][0].lower() + details["msg"][1:] if own is None else str(own) or type(own).__name__


def _refused(where: str, name: str, message: str, values: Mapping[str, Any]) -> GantoolError:
    flag = name.replace("_", "-") if where == "--" else name
    got = f", got {quoted(values[name])}" if name in values else ""
    return GantoolError(f"{where}{flag}: {message}{got}")


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
    schema = _adapter(options).json_schema()
    properties = {name: _referenced(found, schema) for name, found in schema.get("properties", {}).items()}
    defaults = to_dict(options())
    # pydantic reads the docstrings of the class itself, not those of its bases.
    bases = [base for base in reversed(options.__mro__[1:]) if dataclasses.is_dataclass(base)]
    inherited = {info.name: info.doc for base in bases for info in describe(base)}
    return [
        OptionInfo(
            name=field.name,
            type=_type_name(properties[field.name]),
            default=defaults[field.name],
            bounds=_bounds(properties[field.name]),
            doc=inspect.cleandoc(properties[field.name].get("description", "")) or inherited.get(field.name, ""),
        )
        for field in dataclasses.fields(options)
    ]


def derived(config: Any) -> dict[str, tuple[Any, str]]:
    """Return the public properties of an options instance, {name: (value, docstring)}: figures that follow from options."""
    found = inspect.getmembers(type(config), lambda member: isinstance(member, property))
    return {name: (getattr(config, name), inspect.cleandoc(p.__doc__ or "")) for name, p in found if name[0] != "_"}


def to_dict(config: Any) -> dict[str, Any]:
    """Turn an options instance into plain JSON data."""
    options: type = type(config)
    plain: dict[str, Any] = _adapter(options).dump_python(config, mode="json")
    return plain


_TYPE_NAMES = {
    "integer": "int",
    "number": "float",
    "string": "text",
    "boolean": "true/false",
    "array": "list",
    "object": "table",
    "null": "none",
}


def _referenced(found: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Put the definition of an enumeration or a nested dataclass in the place of the reference to it."""
    definition = found.get("$ref", "").rpartition("/")[2]
    return {**schema["$defs"][definition], **found} if definition else found


def _type_name(schema: Mapping[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_type_name(choice) for choice in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    if "prefixItems" in schema:
        return f"[{', '.join(_type_name(item) for item in schema['prefixItems'])}]"
    if schema.get("type") == "array" and schema.get("items"):
        return f"list of {_type_name(schema['items'])}"
    return _TYPE_NAMES.get(schema.get("type", "any"), "any")


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
