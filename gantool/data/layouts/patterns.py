"""Patterns of paths with named fields: what the files of one frame have in common is in the fields.

{frame}        part of a name          {frame:d}   digits only
{at/}          any folders, or none    {png|jpg}   one of these words
{eye:left|right}   one of these words, as a field
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from ...errors import GantoolError

_FIELD = re.compile(r"\{([^{}]*)\}")
_NAME = re.compile(r"([A-Za-z]\w*)(:.+|/)?")
_COMPRESSED = ("gz", "bz2", "fz")
_KINDS = {None: "[^/]+?", ":d": r"\d+", "/": "(?:[^/]+/)*"}


@dataclass(frozen=True)
class Pattern:
    """A pattern, ready to be matched."""

    text: str

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """Names of its fields, in their order."""
        return tuple(self._regex.groupindex)

    def match(self, path: str) -> dict[str, str] | None:
        """Return the fields of a path, or None where it does not match."""
        found = self._regex.fullmatch(path)
        return found.groupdict() if found else None

    @cached_property
    def pieces(self) -> list[str]:
        """What is between its fields, and their names, in turn."""
        return _FIELD.split(self.text)

    @cached_property
    def _regex(self) -> re.Pattern[str]:
        parts, seen = [], set()
        for place, piece in enumerate(self.pieces):
            if place % 2 == 0:
                if odd := next((brace for brace in "{}" if brace in piece), ""):
                    raise GantoolError(f"pattern {self.text!r}: a {odd} has no other half; fields are in braces, as {{frame}}")
                parts.append(re.escape(piece))
            elif "|" in piece and ":" not in piece:
                parts.append(f"(?:{_one_of(piece)})")
            elif (name := _NAME.fullmatch(piece)) is None:
                raise GantoolError(
                    f"pattern {self.text!r}: {{{piece}}} is no field; write {{frame}}, {{frame:d}}, {{at/}} or {{png|jpg}}"
                )
            elif name[1] in seen:
                parts.append(f"(?P={name[1]})")
            else:
                seen.add(name[1])
                parts.append(f"(?P<{name[1]}>{_KINDS.get(name[2]) or _one_of(name[2][1:])})")
        return re.compile("".join(parts))


def _one_of(words: str) -> str:
    return "|".join(map(re.escape, words.split("|")))


@lru_cache(maxsize=512)
def pattern(text: str) -> Pattern:
    """Return the pattern of a text. Raises `GantoolError` once it is matched, where the text is none."""
    return Pattern(text)


def fill(text: str, fields: Mapping[str, str]) -> str:
    """Return a text with its fields filled in; `{frame:d}` loses its leading zeros, as keys of JSON are written.

    Raises `GantoolError` for a field that is not known.
    """

    def one(found: re.Match[str]) -> str:
        name, _, kind = found[1].rstrip("/").partition(":")
        if name not in fields:
            raise GantoolError(f"{text!r} needs the field {name}, which the pattern of the pictures has not")
        return str(int(fields[name])) if kind == "d" else fields[name]

    return _FIELD.sub(one, text)


def split_suffix(file: str) -> tuple[str, str]:
    """Return a path without its suffix, and the suffix without its dot: "scan.nii.gz" is compressed, and of one kind."""
    stem, _, suffix = file.rpartition(".")
    inner, _, kind = stem.rpartition(".")
    compressed = suffix.lower() in _COMPRESSED and inner and kind.isalpha()
    return (inner, f"{kind}.{suffix}") if compressed else (stem, suffix)


def natural(text: str) -> list[tuple[int, str]]:
    """Return a key that sorts 2 before 10."""
    return [(int(piece), "") if piece.isdigit() else (-1, piece) for piece in re.split(r"(\d+)", text) if piece]
