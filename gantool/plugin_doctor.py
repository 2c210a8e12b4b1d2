"""Why a plugin cannot be used, with file and line, and what to do about it.

Goes the way of `load_plugins` step by step, and then further: it imports what factories name, torch included.
"""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import Any

from .components import Component, Recipe
from .errors import GantoolError
from .options import describe
from .plugin_checks import Hooks, Unsound, hooks_of, one_line, records_of
from .plugin_discovery import check_installed, distribution_of, installed_plugins
from .plugins import VARIABLE, Provided, resolve_factory


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


def who_imports(module: str, plugin: str) -> str | None:
    """Return `"FILE, line N"` of the plugin where describing it imports `module`; None where it does not.

    Runs in a process of its own, since this one may hold the module already.
    """
    path = os.pathsep.join(entry or os.curdir for entry in sys.path)
    result = subprocess.run(
        [sys.executable, "-c", _WATCH, module, plugin],
        env={**os.environ, "PYTHONPATH": path, VARIABLE: ""},
        capture_output=True,
        text=True,
        check=False,
    )
    return next(iter(result.stdout.splitlines()), None)


_WATCH = """
import os, sys

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name != module:
            return None
        own, other, frame = None, None, sys._getframe(1)
        while frame is not None:
            place = f"{frame.f_code.co_filename}, line {frame.f_lineno}"
            if own is None and str(frame.f_globals.get("__name__")).partition(".")[0] == package:
                own = place
            if other is None and "importlib" not in frame.f_code.co_filename:
                other = place
            frame = frame.f_back
        print(own or other, file=out, flush=True)
        os._exit(0)  # what was asked is known, and the import itself would take seconds

out, module, plugin = sys.stdout, *sys.argv[1:]
from gantool.plugin_discovery import installed_plugins
from gantool.plugins import load_plugins
package = installed_plugins()[plugin][0].value.partition(":")[0].partition(".")[0]
sys.meta_path.insert(0, Watch())
load_plugins([plugin])
"""
"""Prints the line of a plugin (sys.argv[2]) through which a module (sys.argv[1]) is imported first while it is described."""


def _findings(name: str, entries: Sequence[EntryPoint]) -> Iterator[Finding]:
    entry = entries[0]
    package = entry.value.partition(":")[0].partition(".")[0]
    try:
        check_installed(name, entries)
    except Unsound as error:
        yield Finding(one_line(error), "", error.advice or "correct the plugin's pyproject.toml and install it again")
        return
    try:
        plugin = entry.load()
    except (Exception, SystemExit) as error:
        yield Finding(one_line(error), _place_of(error, package), _advice_for_import(error, entry))
        return
    hooks: Hooks = {}
    try:
        with warnings.catch_warnings(record=True) as deprecations:
            warnings.simplefilter("always")
            hooks = hooks_of(plugin)
        records = records_of(hooks)
    except Unsound as error:
        place = _place_of(error.__cause__, package) if error.__cause__ else _place_named(str(error), plugin, hooks)
        yield Finding(one_line(error), place, "compare it with the contract and the example: python -m pydoc gantool.hookspecs")
        return
    for warning in deprecations:
        yield Finding(
            f"deprecated: {warning.message}",
            f"{warning.filename}, line {warning.lineno}",
            "change it before the next major version",
        )
    yield from _findings_of_records(name, package, records)


def _findings_of_records(name: str, package: str, records: Sequence[tuple[str, Component]]) -> Iterator[Finding]:
    place = who_imports("torch", name)
    if place is not None:
        advice = "import torch in the module that a factory's string names: descriptions run whenever plugins are listed"
        yield Finding("its description imports torch", place, advice)
    for kind, record in records:
        try:
            describe(record.options)
        except GantoolError as error:
            yield Finding(f"{kind} {record.name!r}: {one_line(error)}", _place_of_class(record.options), "give it plain types")
        try:
            resolve_factory(Provided(name, kind, record))
        except GantoolError as error:
            cause = one_line(error).removeprefix(f"plugin {name!r}, ")
            place = _place_of(error.__cause__, package) if error.__cause__ else ""
            yield Finding(cause, place, _advice_for_import(error.__cause__, None))
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


def _place_named(message: str, plugin: object, hooks: Hooks) -> str:
    """Where the function that a message names, or else the hook that yields records, is defined."""
    named = [getattr(plugin, word, None) for word in re.findall(r"\w+", message)]
    yielding = [implementation.function for found in hooks.values() for implementation in found]
    for function in (*named, *yielding):
        code = getattr(function, "__code__", None)
        if code is not None:
            return f"{code.co_filename}, line {code.co_firstlineno}"
    return ""


def _place_of_class(options: Any) -> str:
    try:
        return f"{inspect.getsourcefile(options)}, line {inspect.getsourcelines(options)[1]}"
    except (OSError, TypeError):
        return ""
