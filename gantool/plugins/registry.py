"""The plugins of this process: loaded one by one, and looked up with errors that say what to do. No torch.

A plugin that cannot be used is kept with its cause. It stops nothing unless it was asked for.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from functools import reduce
from importlib import import_module
from importlib.metadata import EntryPoint
from typing import Any

from pluggy import HookImpl

from ..components import Component, Event, Slot
from ..errors import GantoolError, PluginError, listed, nearest, raised
from ..kinds import KINDS
from ..options import to_dict, validate
from .checks import Hooks, hooks_of, is_reference, records_of
from .discovery import BUILT_IN, check_installed, distribution_of, installed_plugins

VARIABLE = "GANTOOL_PLUGINS"
"""The environment variable that restricts which plugins are loaded."""


@dataclass(frozen=True)
class Provided:
    """A component together with the plugin that it comes from."""

    plugin: str
    """Empty for a callable of the user's, whose name is the string that the user wrote."""
    kind: str
    component: Component

    @property
    def full_name(self) -> str:
        """`"plugin:name"`, which names it whatever else is installed."""
        return f"{self.plugin}:{self.component.name}" if self.plugin else self.component.name

    def __str__(self) -> str:
        return f"plugin {self.plugin!r}, {self.kind} {self.component.name!r}"

    def with_options(self, options: Mapping[str, Any], *, where: str) -> Part:
        """Choose it with these options; `where` stands in front of their names in errors. Raises `GantoolError`."""
        return Part(self, validate(self.component.options, options, where=where))


@dataclass(frozen=True)
class Part:
    """A chosen component with validated options, not built."""

    provided: Provided
    config: Any
    """An instance of the component's options."""

    @property
    def component(self) -> str:
        """Full name, `plugin:name`."""
        return self.provided.full_name

    @property
    def options(self) -> dict[str, Any]:
        """All options as JSON data."""
        return to_dict(self.config)

    def build(self, **arguments: Any) -> Any:
        """Call the factory; `arguments` are those of the kind, beside `config`.

        Raises `GantoolError` for what the factory refuses (`ValueError`) and `PluginError` where it cannot be imported or makes
        something else than its kind is.
        """
        kind = KINDS[self.provided.kind]
        try:
            built = resolve_factory(self.provided)(config=self.config, **arguments)
        except (TypeError, ValueError) as error:
            # Without a frame of the factory: it cannot be called with these arguments.
            if isinstance(error, TypeError) and error.__traceback__ is not None and error.__traceback__.tb_next is not None:
                raise
            raise GantoolError(f"{self.component}: {error}") from None
        if kind.product is not None and not isinstance(built, kind.product):
            wanted = [name for name in dir(kind.product) if name[0] != "_" and not hasattr(built, name)]
            raise PluginError(f"{kind.name} {self.component} made a {type(built).__name__}, which lacks {' and '.join(wanted)}")
        return built


@dataclass(frozen=True)
class PluginInfo:
    """An installed plugin, working or broken."""

    name: str
    distribution: str
    version: str
    location: str
    """Value of the entry point, such as `"my_plugin.plugin"`."""
    provides: tuple[Provided, ...] = ()
    broken: str | None = None
    """Why it cannot be used, in one line; None for a working plugin."""

    def __str__(self) -> str:
        return f"plugin {self.name!r} ({self.distribution} {self.version})"


@dataclass(frozen=True)
class Registry:
    """The plugins of this process. Every look-up that fails raises `GantoolError` with one line that names the way out."""

    plugins: Mapping[str, PluginInfo]
    """By name, working and broken, the built-in "gantool" first."""
    left_out: frozenset[str] = frozenset()
    """Installed plugins that were not loaded because others were asked for."""
    observers: tuple[tuple[str, HookImpl], ...] = ()
    """Plugin name and implementation of every `gantool_log` hook."""

    def all(self, kind: str | None = None) -> list[Provided]:
        """Return what working plugins provide, of one kind or of all."""
        return [p for info in self.plugins.values() for p in info.provides if kind in (None, p.kind)]

    def find(self, kind: str, name: str) -> Provided:
        """Look up a component by its full name, or by its bare name where only one plugin provides that.

        Raises `PluginError` where the name is qualified by a plugin that is broken.
        """
        plugin, colon, bare = name.partition(":")
        if colon:
            info = self.working(plugin)
            found = [p for p in info.provides if (p.kind, p.component.name) == (kind, bare)]
            if not found:
                own = [p.component.name for p in info.provides if p.kind == kind]
                raise GantoolError(f"{info} has no {kind} {bare!r}{nearest(bare, own, 'it has')}")
            return found[0]
        found = [p for p in self.all(kind) if p.component.name == name]
        if len(found) == 1:
            return found[0]
        if found:
            choices = " and ".join(p.full_name for p in found)
            raise GantoolError(f"{kind} {name!r} is provided by {choices}: write one of these")
        raise self.unknown(kind, name, [p.component.name for p in self.all(kind)])

    def choose(self, kind: str, name: str, options: Mapping[str, Any]) -> Part:
        """Look up a component as `find` does, and validate its options. Raises `GantoolError`."""
        return self.find(kind, name).with_options(options, where=f"{kind}.")

    def build(self, kind: str, name: str, options: Mapping[str, Any], /, **arguments: Any) -> Any:
        """Look up, validate and build in one go: see `Part.build`."""
        return self.choose(kind, name, options).build(**arguments)

    def recipe(self, name: str) -> Provided:
        """Look up what `--plugin` names: a plugin (with its only recipe), `plugin:recipe`, or the bare name of a recipe.

        A plugin's name goes before the name of another plugin's recipe.
        """
        if name in self.plugins or name in self.left_out:
            return self._only_recipe(self.working(name))
        bare = [p.component.name for p in self.all("recipe")]
        if ":" in name or name in bare:
            return self.find("recipe", name)
        raise self.unknown("plugin or recipe", name, [*self.plugins, *bare])

    def _only_recipe(self, info: PluginInfo) -> Provided:
        own = [p for p in info.provides if p.kind == "recipe"]
        if len(own) == 1:
            return own[0]
        if own:
            raise GantoolError(f"{info} has several recipes{listed('write one of', [p.full_name for p in own])}")
        having = dict.fromkeys(p.plugin for p in self.all("recipe"))
        raise GantoolError(f"{info} provides no recipe{listed('plugins that do', having)}")

    def parts(self, kind: str, requires: frozenset[str], accepts: frozenset[str] = frozenset()) -> list[Provided]:
        """Return the components of a kind that provide all that a slot requires and need nothing that it does not accept."""
        return [p for p in self.all(kind) if requires <= p.component.provides and p.component.needs <= accepts]

    def check_fits(self, slot: Slot, provided: Provided) -> None:
        """Raise `GantoolError`, naming the installed parts that fit, unless `provided` fits the slot."""
        missing = sorted(slot.requires - provided.component.provides)
        refused = sorted(provided.component.needs - slot.accepts)
        if provided.kind == slot.kind and not missing and not refused:
            return
        needs = f"slot {slot.name!r} needs a {slot.kind}"
        if provided.kind != slot.kind:
            why = f"{needs}; {provided.full_name} is a {provided.kind}"
        elif missing:
            why = f"{needs} that provides {' and '.join(map(repr, missing))}; {provided.full_name} does not"
        else:
            why = f"{provided.full_name} needs {' and '.join(map(repr, refused))}, which slot {slot.name!r} does not accept"
        fitting = [p.full_name for p in self.parts(slot.kind, slot.requires, slot.accepts)]
        raise GantoolError(f"{why}{listed('installed ones that do' if missing else 'installed ones that fit', fitting)}")

    def notify(self, event: Event, on_error: Callable[[str, BaseException], None]) -> None:
        """Call every `gantool_log` hook; what one raises goes to `on_error(plugin, error)` and never stops the others."""
        for plugin, implementation in self.observers:
            try:
                # A hook may leave out arguments that it does not use.
                implementation.function(*[event for _ in implementation.argnames])
            except (Exception, SystemExit) as error:
                on_error(plugin, error)

    def working(self, name: str) -> PluginInfo:
        """Return a plugin that was asked for by its name. Raises `PluginError` with the cause where it is broken."""
        info = self.plugins.get(name)
        if info is None and name in self.left_out:
            raise GantoolError(f"plugin {name!r} is installed but not loaded: add it to {VARIABLE} or unset that")
        if info is None:
            raise self.unknown("plugin", name, list(self.plugins))
        if info.broken is not None:
            raise PluginError(f"{info} is broken: {info.broken}")
        return info

    def unknown(self, what: str, name: str, known: Iterable[str]) -> GantoolError:
        """Return the error for a name that nothing has; it says what is broken or not loaded, which may have it."""
        broken = "".join(f"; {info} is broken: {info.broken}" for info in self.plugins.values() if info.broken is not None)
        absent = listed(f"not loaded because of {VARIABLE}", sorted(self.left_out)) if self.left_out else ""
        return GantoolError(f"no {what} {name!r}{nearest(name, known, 'installed')}{broken}{absent}")


def load_plugins(only: Sequence[str] | None = None) -> Registry:
    """Load the built-ins and the installed plugins, or of these those that are named.

    `only` defaults to the environment variable GANTOOL_PLUGINS, a comma-separated list; empty or unset means all. Raises
    `GantoolError` for a name that is not installed and `PluginError` for a named plugin that is broken.
    """
    source = "" if only is not None else f"{VARIABLE}: "
    if only is None:
        only = [name.strip() for name in os.environ.get(VARIABLE, "").split(",") if name.strip()] or None
    installed = installed_plugins()
    asked_for = list(dict.fromkeys([BUILT_IN.name, *(only or ())]))
    for name in asked_for:
        if name not in installed:
            raise GantoolError(f"{source}no plugin {name!r} is installed{nearest(name, installed, 'installed')}")
    loaded = {name: _load(name, entries) for name, entries in installed.items() if only is None or name in asked_for}
    registry = Registry(
        plugins={name: info for name, (info, _) in loaded.items()},
        left_out=frozenset(installed) - set(loaded),
        observers=tuple((name, hook) for name, (_, hooks) in loaded.items() for hook in hooks.get("gantool_log", [])),
    )
    for name in asked_for:
        registry.working(name)
    return registry


def _load(name: str, entries: Sequence[EntryPoint]) -> tuple[PluginInfo, Hooks]:
    info = PluginInfo(name, *distribution_of(entries[0]), location=entries[0].value)
    try:
        check_installed(name, entries)
        # What a plugin prints must not end up in the output of `gantool plugins --json`.
        with redirect_stdout(sys.stderr):
            hooks = _hooks_with_visible_warnings(info, entries[0].load())
            provides = tuple(Provided(name, kind, record) for kind, record in records_of(hooks))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit, and what extension modules raise: a panic of PyO3 is no Exception
        return replace(info, broken=raised(error)), {}
    return replace(info, provides=provides), hooks


def _hooks_with_visible_warnings(info: PluginInfo, plugin: object) -> Hooks:
    with warnings.catch_warnings(record=True) as deprecations:
        warnings.simplefilter("always")
        hooks = hooks_of(plugin)
    for warning in deprecations:
        # Python hides the deprecation warnings of imported modules; whoever uses the plugin shall see these.
        warnings.warn_explicit(f"{info}: {warning.message}", FutureWarning, warning.filename, warning.lineno)
    return hooks


def resolve_factory(target: Provided | str) -> Callable[..., Any]:
    """Import the callable that a component, or a user, names as `"package.module:callable"`. This is where torch comes in.

    Raises `PluginError` with the cause where that fails.
    """
    reference = target if isinstance(target, str) else target.component.factory
    owner = "" if isinstance(target, str) or not target.plugin else f"{target}: "
    if not is_reference(reference):
        raise PluginError(f"{owner}{reference!r} is not of the form 'package.module:callable'")
    module, _, path = reference.partition(":")
    try:
        found = reduce(getattr, path.split("."), import_module(module))
    except (Exception, SystemExit) as error:
        raise PluginError(f"{owner}cannot import {reference!r}: {raised(error)}") from error
    if not callable(found):
        raise PluginError(f"{owner}{reference!r} cannot be called: it is of type {type(found).__name__}")
    return found
