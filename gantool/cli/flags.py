"""Fields of settings dataclasses as options of a command: their names, types, choices, defaults and help. No pydantic."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Callable
from dataclasses import Field, fields
from functools import cache
from itertools import pairwise
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import click

from ..values import Flag, Reads
from .complete import complete_component

Command = TypeVar("Command", bound=Callable[..., Any])

_Type = tuple[Any, list[Any]]

run_argument = click.argument("run", type=click.Path())
json_flag = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
quiet_flag = click.option("--quiet", is_flag=True, help="Print nothing but errors.")


def settings(cls: type, *, layered: bool = False) -> Callable[[Command], Command]:
    """Give a command an option for each field of a dataclass, passed on under the field's name; None where nobody said it.

    `layered`: other places can say it too (a file, a preset). Then no default is shown, and what they switch on can be
    switched off.
    """

    def decorate(command: Command) -> Command:
        hints, docs = get_type_hints(cls, include_extras=True), docstrings(cls)
        known = {field.name: field for field in fields(cls)}
        # Its own fields stand before those that it inherits.
        names = dict.fromkeys(name for base in cls.__mro__ for name in vars(base).get("__annotations__", {}))
        for name in reversed(names):
            types = [(kind, notes) for kind, notes in _types(hints[name]) if kind is not NoneType]
            _option(known[name], types, _help(known[name], docs.get(name, ""), layered), layered)(command)
        return command

    return decorate


def _types(hint: Any) -> list[_Type]:
    """What a value may be: types, each with what is noted of it."""
    if get_origin(hint) is Annotated:
        inner, *notes = get_args(hint)
        return [(kind, [*own, *notes]) for kind, own in _types(inner)]
    if get_origin(hint) in (Union, UnionType):
        return [each for choice in get_args(hint) for each in _types(choice)]
    return [(hint, [])]


def docstrings(cls: type) -> dict[str, str]:
    """Return what stands below the fields of a dataclass and of its bases, each as one line. Python has it in the source only."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__[:-1]):
        node = _classes(base.__module__).get(base.__name__)
        for field, text in pairwise(node.body if node else ()):
            if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
                found[ast.unparse(field.target)] = " ".join(str(text.value.value).split())
    return found


@cache
def _classes(module: str) -> dict[str, ast.ClassDef]:
    try:
        tree = ast.parse(inspect.getsource(sys.modules[module]))
    except (OSError, TypeError, SyntaxError):  # a program without its sources has help without words
        return {}
    return {node.name: node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}


def _option(field: Field[Any], types: list[_Type], text: str, layered: bool) -> Callable[[Command], Command]:
    flag = next((note for _, notes in types for note in notes if isinstance(note, Flag)), Flag())
    name, (kind, notes) = flag.name or _flag(field.name), types[0]
    if kind is bool:
        switch = f"{name}/--no-{name[2:]}" if layered or field.default else name
        return click.option(switch, field.name, is_flag=True, default=None, help=text)
    # What is checked at once; anything else is text until all settings are validated.
    origin: Any = get_origin(kind)
    plain = None if len(types) > 1 or any(isinstance(note, Reads) for note in notes) else origin or kind
    words: dict[str, Any] = {"metavar": flag.form or "|".join(dict.fromkeys(_form(*each) for each in types))}
    if plain is tuple:
        words |= {"multiple": True, "callback": _split if flag.commas else _collect}
    elif plain is Literal:
        words = {"type": click.Choice(get_args(kind)), "metavar": flag.form or None}
    elif words["metavar"] == "PATH":
        words["type"] = click.Path()
    elif plain in (int, float):
        words["type"] = plain
    if flag.completes:
        words["shell_complete"] = complete_component(flag.completes)
    return click.option(name, field.name, default=None, help=text, **words)


def _form(kind: Any, notes: list[Any]) -> str:
    reads = "".join(note.form for note in notes if isinstance(note, Reads))
    return reads or ("|".join(get_args(kind)) if get_origin(kind) is Literal else "N" if kind in (int, float) else "NAME")


def _help(field: Field[Any], doc: str, layered: bool) -> str:
    """The first sentence of the docstring, and the default: that of the field, or what "None: ..." says happens without one."""
    first, *others = re.split(r"(?<=\.)\s+", re.sub(r"`(\w+)`", lambda name: _flag(name[1]), doc))
    without = [text.removeprefix("None: ").rstrip(".") for text in others if text.startswith("None: ")]
    default = ",".join(field.default) if isinstance(field.default, tuple) else str(field.default)
    shown = {"True": field.name, "False": "", "None": ""}.get(default, default) or "".join(without)
    return first if layered or not shown else f"{first} [default: {shown}]"


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _collect(_ctx: click.Context, _param: click.Parameter, words: tuple[str, ...]) -> tuple[str, ...] | None:
    return words or None


def _split(_ctx: click.Context, _param: click.Parameter, words: tuple[str, ...]) -> tuple[str, ...] | None:
    """Split words at commas, so that both `-x a -x b` and `-x a,b` do."""
    return tuple(word.strip() for text in words for word in text.split(",") if word.strip()) if words else None
