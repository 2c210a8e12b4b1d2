"""Why a plugin cannot be used, with file and line, and what to do about it.

Goes the way of `load_plugins` step by step, after a process of its own has gone it and survived, and then further: it imports
what factories name, torch included.
"""

from __future__ import annotations

import inspect
import re
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import Any

from ..components import Component, Recipe
from ..errors import GantoolError, raised
from ..options import describe
from .checks import Hooks, Unsound, hooks_of, records_of
from .discovery import check_installed, distribution_of, installed_plugins
from .probe import Probe, probe
from .registry import Provided, resolve_factory

SLOW = 3.0
"""Seconds from which describing a plugin is a finding: every listing and every `--help` of a run waits for it."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a plugin."""

    cause: str
    place: str
    """`"FILE, line N"`, or `""` where no line is to blame."""
    advice: str


@dataclass(frozen=True)
class Diagnosis:
    """One installed plugin and what is wrong with it."""

    name: str
    distribution: str
    version: str
    location: str
    """Value of the entry point."""
    findings: tuple[Finding, ...]


def diagnose(only: Sequence[str] | None = None) -> list[Diagnosis]:
    """Examine every installed plugin, whatever GANTOOL_PLUGINS says, or those named. What plugins print goes to stderr."""
    result = []
    for name, entries in installed_plugins().items():
        if only is not None and name not in only:
            continue
        with redirect_stdout(sys.stderr):
            findings = tuple(_findings(name, entries))
        result.append(Diagnosis(name, *distribution_of(entries[0]), entries[0].value, findings))
    return result


def _findings(name: str, entries: Sequence[EntryPoint]) -> Iterator[Finding]:
    entry = entries[0]
    package = entry.value.partition(":")[0].partition(".")[0]
    try:
        check_installed(name, entries)
    except Unsound as error:
        yield Finding(raised(error), "", error.advice or "correct the plugin's pyproject.toml and install it again")
        return
    seen = _probed(name)
    if seen.ending:
        yield Finding(
            f"importing it {seen.ending}", "", f"find the line with: python -X faulthandler -v -c 'import {entry.module}'"
        )
        return
    try:
        plugin = entry.load()
    except KeyboardInterrupt:  # the user's: the plugin's own would have ended the probe
        raise
    except BaseException as error:
        yield Finding(raised(error), _place_of(error, package), _advice_for_import(error, entry))
        return
    hooks: Hooks = {}
    try:
        with warnings.catch_warnings(record=True) as deprecations:
            warnings.simplefilter("always")
            hooks = hooks_of(plugin)
        records = records_of(hooks)
    except Unsound as error:
        place = _place_of(error.__cause__, package) if error.__cause__ else _place_named(str(error), plugin, hooks, package)
        yield Finding(raised(error), place, "compare it with the contract and the example: python -m pydoc gantool.hookspecs")
        return
    for warning in deprecations:
        yield Finding(
            f"deprecated: {warning.message}",
            f"{warning.filename}, line {warning.lineno}",
            "change it before the next major version",
        )
    advice = "import what is heavy in the module that a factory's string names: descriptions run whenever plugins are listed"
    if seen.imports is not None:
        yield Finding("its description imports torch", seen.imports, advice)
    if seen.seconds is not None and seen.seconds >= SLOW:
        yield Finding(f"its description takes {seen.seconds:.1f} s", "", f"{advice}; python -X importtime shows what takes long")
    yield from _findings_of_records(name, package, records)


def _probed(name: str) -> Probe:
    seen = probe(name, "torch")
    if (seen.seconds or 0) < SLOW:
        return seen
    again = probe(name, "torch")  # the first may have read from a cold disk
    return again if again.ending or (again.seconds or 0) < (seen.seconds or 0) else seen


def _findings_of_records(name: str, package: str, records: Sequence[tuple[str, Component]]) -> Iterator[Finding]:
    for kind, record in records:
        try:
            describe(record.options)
        except GantoolError as error:
            yield Finding(f"{kind} {record.name!r}: {raised(error)}", _place_of_class(record.options), "give it plain types")
        try:
            resolve_factory(Provided(name, kind, record))
        except GantoolError as error:
            text = raised(error).removeprefix(f"plugin {name!r}, ")
            place = _place_of(error.__cause__, package) if error.__cause__ else ""
            yield Finding(text, place, _advice_for_import(error.__cause__, None))
        if isinstance(record, Recipe):
            yield from _findings_of_slots(record)


def _findings_of_slots(recipe: Recipe) -> Iterator[Finding]:
    installed = installed_plugins()
    for name in dict.fromkeys([recipe.dataset, *(slot.default for slot in recipe.slots)]):
        plugin = name.partition(":")[0]
        if name and plugin not in installed:
            advice = "install the distribution that provides it, and add that to the dependencies of the plugin"
            yield Finding(f"recipe {recipe.name!r} uses {name}, but no plugin {plugin!r} is installed", "", advice)


def _advice_for_import(error: BaseException | None, entry: EntryPoint | None) -> str:
    """What to do about an error of an entry point's import, or of a factory's where `entry` is None."""
    match error:
        case GantoolError():
            return "do what the message says"
        case ModuleNotFoundError(name=str(missing)):
            if entry is not None and f"{entry.module}.".startswith(f"{missing}."):
                return (
                    "the entry point names a module that is not installed: correct it in pyproject.toml, or reinstall the plugin"
                )
            return f"install {missing.partition('.')[0]} here, and add it to the dependencies of the plugin"
        case SyntaxError():
            running = ".".join(map(str, sys.version_info[:2]))
            return f"correct that line; or it needs a newer Python than {running}, which requires-python should say"
        case ImportError():
            return "the package that it is imported from has another version than the plugin expects: install one that fits"
        case AttributeError() if entry is not None and entry.attr:
            return f"the entry point {entry.value!r} names something that {entry.module} does not have: correct pyproject.toml"
        case AttributeError() | None:
            return "correct the string of `factory`, or what it names"
    return "the plugin's own code fails at that line: correct it there"


def _place_of(error: BaseException, package: str) -> str:
    """Where in the plugin, or failing that anywhere, an error was raised; a syntax error is where it says."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}, line {error.lineno}"
    frames = [
        (frame.f_globals.get("__name__", ""), frame.f_code.co_filename, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    frames = [frame for frame in frames if not frame[1].startswith("<frozen")]
    own = [frame for frame in frames if frame[0].partition(".")[0] == package]
    chosen = own or [frame for frame in frames if frame[0].partition(".")[0] not in (__package__, "importlib")]
    return f"{chosen[-1][1]}, line {chosen[-1][2]}" if chosen else ""


def _place_named(message: str, plugin: object, hooks: Hooks, package: str) -> str:
    """Where the plugin's own function or class that a message names, or else the hook that yields records, is defined."""
    named = [getattr(plugin, word, None) for word in re.findall(r"\w+", message)]
    yielding = [implementation.function for found in hooks.values() for implementation in found]
    for thing in (*named, *yielding):
        if str(getattr(thing, "__module__", "")).partition(".")[0] != package and thing not in yielding:
            continue
        code = getattr(thing, "__code__", None)
        place = f"{code.co_filename}, line {code.co_firstlineno}" if code else _place_of_class(thing)
        if place:
            return place
    return ""


def _place_of_class(options: Any) -> str:
    try:
        return f"{inspect.getsourcefile(options)}, line {inspect.getsourcelines(options)[1]}"
    except (OSError, TypeError):
        return ""
