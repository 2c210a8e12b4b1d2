"""The one exception type that means "the caller can fix this"."""

from __future__ import annotations

import difflib
import importlib.util
from collections.abc import Iterable
from pathlib import Path
from typing import Self


class GantoolError(Exception):
    """Bad input: a file, an option or a plugin that the caller can put right.

    The message is one line that names the thing and the way out. The command line prints it without a traceback and
    ends with `exit_code`.
    """

    exit_code = 2
    told = False
    """Whether every process of a run knows of it, so that the main one reports it for all."""
    urgent = False
    """Whether a process that is not the main one reports it at once."""

    def known(self) -> Self:
        """This error, of which every process of the run knows."""
        self.told = True
        return self


class InvalidValue(GantoolError, ValueError):
    """A value that a transform cannot use; pipelines of other libraries know it as `ValueError`."""


class InvalidType(GantoolError, TypeError):
    """Likewise one of another type."""


class PluginError(GantoolError):
    """A plugin that was asked for cannot be used."""


class MissingExtra(GantoolError, ImportError):
    """A feature needs a package that is not installed."""

    def __init__(self, feature: str, package: str, extra: str, *, of: str = "simgan-plugin") -> None:
        """`of`: the distribution that has the extra."""
        super().__init__(f"{feature} needs {package}: pip install '{of}[{extra}]'")


class TrainingFailed(GantoolError, RuntimeError):
    """Training cannot go on (a loss is no longer finite); what was written before stays good."""

    exit_code = 1


class ProcessLost(TrainingFailed):
    """Another process of the run ended, or answers no more."""

    urgent = True


class Stopped(Exception):
    """A signal ended a run after it saved. `exit_code` is 130 (Ctrl-C) or 143 (SIGTERM)."""

    def __init__(self, exit_code: int, run: Path) -> None:
        super().__init__(f"stopped; go on with: gantool train --resume {run}")
        self.exit_code = exit_code


def require(feature: str, extra: str, *packages: str) -> None:
    """Raise `MissingExtra` unless packages, called as they are imported, are installed. None is imported for that."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise MissingExtra(feature, {"sklearn": "scikit-learn"}.get(package, package), extra)


def quoted(value: object) -> str:
    """Return a value as messages quote it: arrays, too, in one line."""
    return " ".join(repr(value).splitlines())


def cause(error: BaseException) -> str:
    """Return in one line why something failed: what the system says of a file, else the message, else the type of the error."""
    told = error.strerror if isinstance(error, OSError) else None
    return told or " ".join(str(error).split()) or type(error).__name__


def raised(error: BaseException) -> str:
    """Return an error of code that is not gantool's as Python prints it, in one line: `"KeyError: 'x'"`.

    Errors that are gantool's own speak for themselves, and come without their type.
    """
    text = " ".join(str(error).split())
    return text if isinstance(error, GantoolError) else f"{type(error).__name__}: {text}".removesuffix(": ")


def suggest(word: str, known: Iterable[str]) -> str:
    """Return `"; did you mean 'x'?"` for the nearest of `known`, or `""` where nothing is near."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def listed(label: str, names: Iterable[str]) -> str:
    """Return `"; label: a, b"`."""
    return f"; {label}: {', '.join(names) or 'none'}"


def nearest(word: object, known: Iterable[str], label: str) -> str:
    """Return `"; did you mean 'x'?"`, or all that is known, after `label`, where nothing is near."""
    known = list(dict.fromkeys(known))
    return suggest(str(word), known) or listed(label, known)
