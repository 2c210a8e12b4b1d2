"""gantool: trains networks that make synthetic images look real, with everything a plugin can replace.

Importing this package imports no torch; the functions below do when they are called.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ._version import __version__

if TYPE_CHECKING:
    from .api import build, evaluate, export, load, refine, save, train
    from .components import Batch, Component, Event, Figure, Format, NoOptions, Recipe, Setup, Slot
    from .errors import GantoolError
    from .hookspecs import hookimpl

__all__ = [
    "Batch",
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

_HOMES = {
    "api": ("build", "evaluate", "export", "load", "refine", "save", "train"),
    "components": ("Batch", "Component", "Event", "Figure", "Format", "NoOptions", "Recipe", "Setup", "Slot"),
    "errors": ("GantoolError",),
    "hookspecs": ("hookimpl",),
}
"""Which module has a name; it is imported when the name is asked for, since `gantool --help` needs none of them."""


def __getattr__(name: str) -> object:
    home = next((module for module, names in _HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module 'gantool' has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
