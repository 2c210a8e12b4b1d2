"""How single values are read from the words that people write (options, sizes, ranges), and written for them. No torch."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Annotated, Any

from annotated_types import Interval

from .errors import GantoolError, quoted


@dataclass(frozen=True)
class Reads:
    """Metadata of a type whose values may be written as words, too: `Annotated[tuple[int, int], Reads(parse_size, "HxW")]`.

    `parse` gets what was given and returns what the type holds; its `ValueError` is the message, without the option's name.
    """

    parse: Callable[[Any], Any]
    form: str
    """How help writes such a value, `"HxW"`."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_before_validator_function(self.parse, handler(source))


@dataclass(frozen=True)
class Flag:
    """Metadata of a field: what its option on the command line is like where the field's name and type do not say it."""

    form: str = ""
    """How help writes a value, `"PATTERN"`."""
    name: str = ""
    """Such as `"--estimator"` for the field `estimators`."""
    commas: bool = False
    """Whether several values may stand in one word: `a,b`."""
    completes: str = ""
    """The kind of component whose names the shell offers."""


def parse_value(text: str) -> Any:
    """Read a value as TOML does (1e-4 is a number, [1, 2] a list, true a truth); anything else is text."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def parse_pairs(words: Iterable[str], flag: str, form: str) -> dict[str, str]:
    """Read `["a=1", "b=2"]`, what `flag` was given, a later one over an earlier. Raises `GantoolError` for what lacks a part."""
    pairs = [(word, *word.partition("=")) for word in words]
    for word, name, equals, _ in pairs:
        if not equals or not name.strip():
            raise GantoolError(f"{flag} {word}: write {form}")
    return {name.strip(): value.strip() for _, name, _, value in pairs}


def parse_options(words: Iterable[str], form: str = "SLOT.OPTION=VALUE") -> dict[str, Any]:
    """Read what `-o` was given: `["generator.blocks=6"]` to `{"generator.blocks": 6}`. Raises `GantoolError`."""
    return {name: parse_value(value) for name, value in parse_pairs(words, "-o", form).items()}


def parse_size(value: Any) -> tuple[int, int]:
    """Read `"35x55"` or `[35, 55]`, height first. Raises `ValueError`."""
    written = re.fullmatch(r"\s*(-?\d{1,9})\s*[xX]\s*(-?\d{1,9})\s*", value, re.ASCII) if isinstance(value, str) else None
    try:
        height, width = map(_whole, [int(side) for side in written.groups()] if written else _pair(value))
    except (ValueError, OverflowError):
        raise ValueError(f"{quoted(value)} is not HEIGHTxWIDTH in pixels, such as 35x55") from None
    if min(height, width) < 1:
        raise ValueError(f"{value!r} must be at least 1x1")
    return height, width


def parse_range(value: Any) -> tuple[float, float]:
    """Read `"400,1200"` or `[400, 1200]`, the lower value first. Raises `ValueError`."""
    try:
        low, high = map(float, _pair([float(end) for end in value.split(",")] if isinstance(value, str) else value))
    except (ValueError, OverflowError):
        raise ValueError(f"{quoted(value)} is not LO,HI, such as 400,1200") from None
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(f"{value!r}: the first value must be below the second, and both finite")
    return low, high


def parse_tile(value: Any) -> Any:
    """Read the side of a tile: `"auto"` is None, `"off"` 0. Raises `ValueError`."""
    if not isinstance(value, str):
        return value
    if value in ("auto", "off"):
        return None if value == "auto" else 0
    if not value.isdecimal() or int(value) == 0:
        raise ValueError(f"{value!r} is not auto, off or a number of pixels")
    return int(value)


def _pair(value: Any) -> tuple[float, float]:
    """The two numbers of a list, a tuple or an array, as Python's own. Raises `ValueError` for anything else."""
    plain = value.tolist() if hasattr(value, "tolist") else value
    numbers = [each.item() if hasattr(each, "item") else each for each in plain] if isinstance(plain, list | tuple) else []
    # A truth is an int to Python, and no number here.
    if len(numbers) != 2 or not {type(number) for number in numbers} <= {int, float}:
        raise ValueError("no two numbers")
    return numbers[0], numbers[1]


def _whole(number: float) -> int:
    if number != int(number):
        raise ValueError("not whole")
    return int(number)


Pixels = Annotated[int, Interval(ge=1, le=65535)]
Size = Annotated[tuple[Pixels, Pixels], Reads(parse_size, "HxW")]
"""Height and width in pixels: (35, 55), [35, 55] or "35x55"."""
Place = Annotated[str, Reads(lambda value: str(value) if isinstance(value, PurePath) else value, "PATH")]
"""Where images are: a path, a pattern or a URL."""
Device = Annotated[str, Reads(lambda value: str(value) if type(value).__module__ == "torch" else value, "NAME")]
"""Where torch computes: "cuda:1", or torch's own object for it."""
Range = Annotated[tuple[float, float], Reads(parse_range, "LO,HI")]
"""Lowest and highest value: (400, 1200), [400, 1200] or "400,1200"."""

_UNITS = {"deg": "°", "px": " px", "%": " %"}


def figure(value: float, unit: str, *, sign: bool = False) -> str:
    """Write an error with its unit: "5.10°", "1.2 px"."""
    return number(value, unit, sign=sign) + _UNITS.get(unit, "")


def number(value: Any, unit: str = "", *, sign: bool = False) -> str:
    """Three significant digits (of degrees two decimals), whole numbers whole; a dash for what is not known."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "–"
    if not isinstance(value, float):
        plain = "yes" if value else "no"
        return plain if isinstance(value, bool) else format(value, "," if isinstance(value, int) else "")
    digits = 2 if unit == "deg" else max(0, 2 - math.floor(math.log10(abs(value)))) if value else 0
    return f"{value:{'+' if sign else ''},.{digits}f}" if digits <= 6 else f"{value:{'+' if sign else ''}.2e}"


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number with what there are: `"1 image"`, `"2,000 images"`; `many` where that is not `one` and an s."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
