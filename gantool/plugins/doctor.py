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
from dataclasses import dataclass
from importlib.metadata import EntryPoint, distributions
from typing import Any

from ..components import Recipe
from ..errors import GantoolError, raised
from ..options import describe
from .discovery import distribution_of, installed_plugins
from .hooks import HOOK_NAMES
from .probe import Probe, probe
from .records import Unsound
from .registry import PluginInfo, Provided, Undone, info_of, load_entries
from .strangers import printing_to_stderr

SLOW = 3.0
"""Seconds from which describing a plugin is a finding: every listing and every `--help` of a run waits for it."""

_SETS = "pass dtype=, device= and a generator where they are needed, and set nothing when a module is imported"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a plugin."""

    cause: str
    place: str
    """`"FILE, line N"`, or `""` where no line is to blame."""
    advice: str


def diagnose(only: Sequence[str] | None = None) -> list[tuple[PluginInfo, tuple[Finding, ...]]]:
    """Examine every installed plugin, whatever GANTOOL_PLUGINS says, or those named. What plugins print goes to stderr."""
    asked = {name: entries for name, entries in installed_plugins().items() if only is None or name in only}
    with printing_to_stderr():
        return [(info_of(name, entries), tuple(_findings(name, entries))) for name, entries in asked.items()]


def _findings(name: str, entries: Sequence[EntryPoint]) -> Iterator[Finding]:
    yield from _installed_twice(entries[0])
    seen = _probed(name)
    if seen.ending:
        advice = f"find the line with: python -X faulthandler -v -c 'import {entries[0].module}'"
        yield Finding(f"importing it {seen.ending}", "", advice)
        return
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        info = load_entries({name: entries}).plugins[name]
    package = info.location.partition(":")[0].partition(".")[0]
    if info.error is not None:
        yield Finding(raised(info.error), *_place_and_advice(info.error, entries[0], package))
        return
    for text, warning in ((str(warning.message), warning) for warning in said):
        if text.startswith(f"{info}: "):
            cause, place = text.removeprefix(f"{info}: "), f"{warning.filename}, line {warning.lineno}"
            if warning.category is Undone:
                yield Finding(cause, "", _SETS)
            else:
                yield Finding(f"deprecated: {cause}", place, "change it before the next major version")
    advice = "import what is heavy in the module that a factory's string names: descriptions run whenever plugins are listed"
    if seen.imports is not None:
        yield Finding("its description imports torch", seen.imports, advice)
    if seen.seconds is not None and seen.seconds >= SLOW:
        yield Finding(f"its description takes {seen.seconds:.1f} s", "", f"{advice}; python -X importtime shows what takes long")
    for provided in info.provides:
        yield from _findings_of(provided, package)


def _installed_twice(entry: EntryPoint) -> Iterator[Finding]:
    """Two versions in one folder: which of them Python finds is chance, and an upgrade that was cut off leaves such."""
    if entry.dist is None or not (name := distribution_of(entry.dist)[0]):
        return
    folder = entry.dist.locate_file("")
    found = sorted(distribution_of(each)[1] for each in distributions(name=name) if each.locate_file("") == folder)
    if len(found) > 1:
        advice = f"pip uninstall {name}, until there is none left, and install it again"
        yield Finding(f"{name} lies {len(found)} times in {folder}: {' and '.join(found)}", "", advice)


def _probed(name: str) -> Probe:
    seen = probe(name, "torch")
    if (seen.seconds or 0) < SLOW:
        return seen
    again = probe(name, "torch")  # the first may have read from a cold disk
    return again if again.ending or (again.seconds or 0) < (seen.seconds or 0) else seen


def _findings_of(provided: Provided, package: str) -> Iterator[Finding]:
    record = provided.record
    try:
        describe(record.options)
    except GantoolError as error:
        yield Finding(f"{provided.kind} {record.name!r}: {error}", _place_of_source(record.options), "give it plain types")
    owner = f"plugin {provided.plugin!r}, "
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            provided.factory()
    except GantoolError as error:
        place = _place_of(error.__cause__, package) if error.__cause__ else ""
        yield Finding(str(error).removeprefix(owner), place, _advice_for_import(error.__cause__, None))
    for warning in said:
        if warning.category is Undone:
            yield Finding(str(warning.message).removeprefix(owner), "", _SETS)
    if isinstance(record, Recipe):
        for name in dict.fromkeys([record.dataset, *(slot.default for slot in record.slots)]):
            plugin = name.partition(":")[0]
            if name and plugin not in installed_plugins():
                advice = "install the distribution that provides it, and add that to the dependencies of the plugin"
                yield Finding(f"recipe {record.name!r} uses {name}, but no plugin {plugin!r} is installed", "", advice)


def _place_and_advice(error: BaseException, entry: EntryPoint, package: str) -> tuple[str, str]:
    if not isinstance(error, Unsound):
        return _place_of(error, package), _advice_for_import(error, entry)
    if error.advice:
        return "", error.advice
    place = _place_of(error.__cause__, package) if error.__cause__ else _place_named(str(error), entry.load(), package)
    return place, "compare it with the contract and the example: python -m pydoc gantool.hookspecs"


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


def _place_named(message: str, plugin: object, package: str) -> str:
    """Where the plugin's own function or class that a message names, or else its first hook, is defined."""
    for word in (*re.findall(r"\w+", message), *HOOK_NAMES):
        thing = getattr(plugin, word, None)
        if str(getattr(thing, "__module__", "")).partition(".")[0] == package and (place := _place_of_source(thing)):
            return place
    return ""


def _place_of_source(thing: Any) -> str:
    try:
        return f"{inspect.getsourcefile(thing)}, line {inspect.getsourcelines(thing)[1]}"
    except (OSError, TypeError):
        return ""
