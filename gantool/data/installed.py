"""The formats and layouts of this process, whichever plugin brings them. No numpy."""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from typing import Any

from ..components import Format
from ..plugins import VARIABLE, Part, Provided, Registry, load_plugins


class Installed:
    """The installed plugins, and what was made of their formats and layouts so far."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._made: dict[Provided, Any] = {}

    def make(self, provided: Provided) -> Any:
        """Return what the factory of a format or layout makes, made once. Raises `PluginError` where it cannot be imported."""
        if provided not in self._made:
            record = provided.record
            more = {"record": record} if isinstance(record, Format) else {}
            self._made[provided] = Part(provided, record.options()).build(**more)
        return self._made[provided]


def installed() -> Installed:
    """Return what is installed. Plugins are loaded once, and anew where GANTOOL_PLUGINS or the path has changed."""
    return _load(os.environ.get(VARIABLE, ""), tuple(sys.path))


@lru_cache(maxsize=2)
def _load(only: str, path: tuple[str, ...]) -> Installed:
    del only, path  # `load_plugins` looks there itself
    return Installed(load_plugins())
