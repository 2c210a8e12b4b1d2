"""The plugins of this process: loaded one by one, and looked up with errors that say what to do. No torch.

A plugin that cannot be used is kept with its cause. It stops nothing unless it was asked for.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import reduce
from importlib import import_module
from importlib.metadata import EntryPoint
from typing import Any

import pluggy

from ..ambient import importing
from ..components import Component, Event, Slot
from ..errors import GantoolError, PluginError, listed, nearest, raised
from ..kinds import KINDS
from ..options import to_dict, validate
from .discovery import BUILT_IN, check_installed, distribution_of, installed_plugins
from .hooks import ask_all, new_manager, records_of, register
from .strangers import printing_to_stderr, told_apart

VARIABLE = "GANTOOL_PLUGINS"
"""The environment variable that restricts which plugins are loaded."""


class Undone(RuntimeWarning):
    """A plugin set something for the whole process when it was imported."""


@dataclass(frozen=True)
class Provided:
    """The record of a component together with the plugin that it comes from."""

    plugin: str
    """Empty for a callable of the user's, whose name is the string that the user wrote."""
    kind: str
    record: Component

    @property
    def full_name(self) -> str:
        """`"plugin:name"`, which names it whatever else is installed."""
        return f"{self.plugin}:{self.record.name}" if self.plugin else self.record.name

    def __str__(self) -> str:
        return f"plugin {self.plugin!r}, {self.kind} {self.record.name!r}"

    def factory(self) -> Callable[..., Any]:
        """Import what the component names as `"package.module:callable"`. This is where torch comes in.

        Raises `PluginError` with the cause where that fails.
        """
        reference, owner = self.record.factory, f"{self}: " if self.plugin else ""
        module, _, path = reference.partition(":")
        try:
            with importing() as changed, told_apart() as signalled:
                found = reduce(getattr, path.split("."), import_module(module))
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            if isinstance(error, KeyboardInterrupt) and signalled():
                raise
            raise PluginError(f"{owner}cannot import {reference!r}: {raised(error)}") from error
        tell_undone(f"{owner}importing {module}", changed)
        if not callable(found):
            raise PluginError(f"{owner}{reference!r} cannot be called: it is of type {type(found).__name__}")
        return found

    def with_options(self, options: Mapping[str, Any], *, where: str) -> Part:
        """Choose it with these options; `where` stands in front of their names in errors. Raises `GantoolError`."""
        return Part(self, validate(self.record.options, options, where=where))


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
            built = self.provided.factory()(config=self.config, **arguments)
        except (TypeError, ValueError) as error:
            # Without a frame of the factory: it cannot be called with these arguments.
            if isinstance(error, TypeError) and error.__traceback__ is not None and error.__traceback__.tb_next is not None:
                raise
            raise GantoolError(f"{self.component}: {error}") from None
        if kind.product is not None and not isinstance(built, kind.product):
            first = kind.product[0] if isinstance(kind.product, tuple) else kind.product
            wanted = [name for name in dir(first) if name[0] != "_" and not hasattr(built, name)]
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
    error: BaseException | None = field(default=None, compare=False)
    """Why it cannot be used; None for a working plugin."""

    @property
    def broken(self) -> str | None:
        """The error in one line."""
        return None if self.error is None else raised(self.error)

    def __str__(self) -> str:
        return f"plugin {self.name!r} ({self.distribution} {self.version})"


@dataclass(frozen=True)
class Registry:
    """The plugins of this process. Every look-up that fails raises `GantoolError` with one line that names the way out."""

    plugins: Mapping[str, PluginInfo]
    """By name, working and broken, the built-in "gantool" first."""
    left_out: frozenset[str] = frozenset()
    """Installed plugins that were not loaded because others were asked for."""
    manager: pluggy.PluginManager = field(default_factory=new_manager, compare=False)
    """Those that work, by name. Hooks of `manager.hook` give an `Answer` of each plugin."""

    def all(self, kind: str | None = None) -> list[Provided]:
        """Return what working plugins provide, of one kind or of all."""
        return [p for info in self.plugins.values() for p in info.provides if kind in (None, p.kind)]

    def find(self, kind: str, name: str) -> Provided:
        """Look up a component by its full name, or by its bare name where only one plugin provides that.

        Raises `PluginError` where the name is qualified by a plugin that is broken.
        """
        plugin, colon, bare = name.rpartition(":")
        own = [p for p in (self.working(plugin).provides if colon else self.all()) if p.kind == kind]
        found = [p for p in own if p.record.name == bare]
        if len(found) == 1:
            return found[0]
        if found:
            choices = " and ".join(p.full_name for p in found)
            raise GantoolError(f"{kind} {name!r} is provided by {choices}: write one of these")
        names = [p.record.name for p in own]
        if colon:
            raise GantoolError(f"{self.plugins[plugin]} has no {kind} {bare!r}{nearest(bare, names, 'it has')}")
        raise self.unknown(kind, name, names)

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
        recipes = self.all("recipe")
        bare = [p.record.name for p in recipes]
        if name not in self.plugins and name not in self.left_out:
            if ":" in name or name in bare:
                return self.find("recipe", name)
            raise self.unknown("plugin or recipe", name, [*self.plugins, *bare])
        info, own = self.working(name), [p for p in recipes if p.plugin == name]
        if not own:
            raise GantoolError(f"{info} provides no recipe{listed('plugins that do', dict.fromkeys(p.plugin for p in recipes))}")
        if len(own) > 1:
            raise GantoolError(f"{info} has several recipes{listed('write one of', [p.full_name for p in own])}")
        return own[0]

    def parts(self, kind: str, requires: frozenset[str], accepts: frozenset[str] = frozenset()) -> list[Provided]:
        """Return the components of a kind that provide all that a slot requires and need nothing that it does not accept."""
        return [p for p in self.all(kind) if requires <= p.record.provides and p.record.needs <= accepts]

    def check_fits(self, slot: Slot, provided: Provided) -> None:
        """Raise `GantoolError`, naming the installed parts that fit, unless `provided` fits the slot."""
        fitting = self.parts(slot.kind, slot.requires, slot.accepts)
        if provided in fitting:
            return
        missing = " and ".join(map(repr, sorted(slot.requires - provided.record.provides)))
        refused = " and ".join(map(repr, sorted(provided.record.needs - slot.accepts)))
        why = f"{provided.full_name} needs {refused}, which slot {slot.name!r} does not accept"
        if provided.kind != slot.kind:
            why = f"slot {slot.name!r} needs a {slot.kind}; {provided.full_name} is a {provided.kind}"
        elif missing:
            why = f"slot {slot.name!r} needs a {slot.kind} that provides {missing}; {provided.full_name} does not"
        label = "installed ones that do" if missing else "installed ones that fit"
        raise GantoolError(f"{why}{listed(label, [p.full_name for p in fitting])}")

    def notify(self, event: Event, on_error: Callable[[str, BaseException], None]) -> None:
        """Call every `gantool_log` hook; what one raises goes to `on_error(plugin, error)` and never stops the others."""
        for answer in self.manager.hook.gantool_log(event=event):
            if answer.error is not None:
                on_error(answer.plugin, answer.error)

    def working(self, name: str) -> PluginInfo:
        """Return a plugin that was asked for by its name. Raises `PluginError` with the cause where it is broken."""
        if name in self.left_out:
            raise GantoolError(f"plugin {name!r} is installed but not loaded: add it to {VARIABLE} or unset that")
        if name not in self.plugins:
            raise self.unknown("plugin", name, self.plugins)
        info = self.plugins[name]
        if info.error is not None:
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
    registry = load_entries({name: entries for name, entries in installed.items() if only is None or name in asked_for})
    registry = replace(registry, left_out=frozenset(installed) - set(registry.plugins))
    for name in asked_for:
        registry.working(name)
    return registry


def load_entries(installed: Mapping[str, Sequence[EntryPoint]]) -> Registry:
    """Load what these entry points name, by plugin. A plugin that cannot be used is kept with its error."""
    plugins, manager = {name: info_of(name, entries) for name, entries in installed.items()}, new_manager()

    @contextmanager
    def isolated(name: str) -> Iterator[None]:
        with told_apart() as signalled:
            try:
                yield
            except BaseException as error:  # SystemExit, and what extension modules raise: a panic of PyO3 is no Exception
                if isinstance(error, KeyboardInterrupt) and signalled():
                    raise
                plugins[name] = replace(plugins[name], error=error)
                manager.unregister(name=name)

    with printing_to_stderr():
        for name, entries in installed.items():
            with isolated(name):
                check_installed(name, entries)
                with importing() as changed:
                    plugin = entries[0].load()
                tell_undone(f"{plugins[name]}: importing it", changed)
                for warning in register(manager, name, plugin):
                    # Python hides the deprecation warnings of imported modules; whoever uses the plugin shall see these.
                    text = f"{plugins[name]}: {warning.message}"
                    warnings.warn_explicit(text, FutureWarning, warning.filename, warning.lineno)
        for name, answers in ask_all(manager).items():
            with isolated(name):
                provides = tuple(Provided(name, kind, record) for kind, record in records_of(answers))
                plugins[name] = replace(plugins[name], provides=provides)
    return Registry(plugins, manager=manager)


def tell_undone(what: str, changed: Sequence[str]) -> None:
    """Warn of what code set for the whole process when it was imported; it is as it was by then."""
    if changed:
        warnings.warn(f"{what} sets {' and '.join(changed)}, which is the program's to set: it was undone", Undone, stacklevel=2)


def info_of(name: str, entries: Sequence[EntryPoint]) -> PluginInfo:
    """Say what is installed under a name, without looking into it."""
    return PluginInfo(name, *distribution_of(entries[0].dist), location=entries[0].value)
