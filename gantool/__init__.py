"""gantool: trains networks that make synthetic images look real, with everything a plugin can replace.

Importing this package imports no torch; the functions below do when they are called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._version import __version__
from .components import Component, Event, Figure, Format, NoOptions, Recipe, Setup, Slot
from .errors import GantoolError
from .hookspecs import hookimpl

if TYPE_CHECKING:
    from .api import build, evaluate, export, load, refine, save, train

__all__ = [
    "Component",
    "Event",
    "Figure",
    "Format",
    "GantoolError",
    "NoOptions",
    "Recipe",
    "Setup",
    "Slot",
    "__version__",
    "build",
    "evaluate",
    "export",
    "hookimpl",
    "load",
    "refine",
    "save",
    "train",
]

_API = ("build", "evaluate", "export", "load", "refine", "save", "train")


def __getattr__(name: str) -> object:
    if name in _API:
        from . import api

        return getattr(api, name)
    raise AttributeError(f"module 'gantool' has no attribute {name!r}")
