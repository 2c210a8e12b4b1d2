"""The formats and layouts of this process, whichever plugin brings them. No numpy."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

from ..components import Format
from ..errors import GantoolError, PluginError, raised
from ..plugins import VARIABLE, Part, Provided, Registry, load_plugins

T = TypeVar("T")


def ask(owner: str, call: Callable[..., T], *arguments: Any, **named: Any) -> T:
    """Call a format or layout, a plugin's maybe. An error that is not gantool's becomes a `PluginError` that names `owner`."""
    try:
        return call(*arguments, **named)
    except GantoolError:
        raise
    except Exception as error:
        raise PluginError(f"{owner}: {raised(error)}") from error


class Installed:
    """The installed plugins, and what was made of their formats and layouts so far."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._made: dict[Provided, Any] = {}

    def make(self, provided: Provided) -> Any:
        """Return what the factory of a format or layout makes, made once. Raises `PluginError` where it cannot be made."""
        if provided not in self._made:
            record = provided.record
            more = {"record": record} if isinstance(record, Format) else {}
            self._made[provided] = ask(str(provided), Part(provided, record.options()).build, **more)
        return self._made[provided]


def installed() -> Installed:
    """Return what is installed. Plugins are loaded once, and anew where GANTOOL_PLUGINS or the path has changed."""
    return _load(os.environ.get(VARIABLE, ""), tuple(sys.path))


@lru_cache(maxsize=2)
def _load(only: str, path: tuple[str, ...]) -> Installed:
    del only, path  # `load_plugins` looks there itself
    return Installed(load_plugins())
