"""Estimators by name: components of plugins, or any callable of the user's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..components import Component
from ..plugins.records import is_reference
from ..plugins.registry import Part, Provided, Registry


def choose(registry: Registry, name: str, options: Mapping[str, Any]) -> Part:
    """Find an estimator: a component, or `package.module:callable`, which is called as the factory of a component is.

    Raises `GantoolError` for one that does not exist, with the nearest name, and for options that it does not have.
    """
    plugin = name.partition(":")[0]
    known = plugin in registry.plugins or plugin in registry.left_out
    if is_reference(name) and not known:
        return Provided("", "estimator", Component(name=name, factory=name)).with_options(options, where="estimator.")
    return registry.choose("estimator", name, options)
