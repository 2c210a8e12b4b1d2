"""What makes a plugin sound: its hooks are hooks of gantool, and the records that they yield can be used. No torch."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pluggy

from .. import hookspecs
from ..components import Component, Recipe, Slot
from ..errors import GantoolError, nearest, raised
from ..kinds import KINDS, RESERVED, SLOT_KINDS, Kind

NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
"""Names of plugins, components and slots: safe in `plugin:name`, in `-o slot.option=` and in a comma-separated list."""

NAME_RULE = "lower-case letters, digits, '-' and '_' only, and begins with a letter or digit"

HOOK_NAMES = (*(kind.hook for kind in KINDS.values()), "gantool_log")

Hooks = Mapping[str, list[pluggy.HookImpl]]
"""The implementations of each hook in one plugin, by the name of the hook."""


class Unsound(GantoolError):
    """A plugin cannot be used. The message is the cause, in one line, without the plugin's name."""

    def __init__(self, cause: str, advice: str = "") -> None:
        super().__init__(cause)
        self.advice = advice


def is_reference(text: object) -> bool:
    """Tell whether `text` has the form `"package.module:callable"`."""
    if not isinstance(text, str) or text.count(":") != 1:
        return False
    return all(word.isidentifier() for part in text.split(":") for word in part.split("."))


def hooks_of(plugin: object) -> Hooks:
    """Return the hook implementations of a plugin (a module or an object).

    Raises `Unsound` for a function that is marked but no hook, has arguments that its hook lacks, or wraps; for one that
    looks like a hook but is not marked; and for a plugin without hooks. Warns where a hook or an argument is deprecated.
    """
    # A manager of its own for each plugin: nothing that one plugin does can change how another is called.
    manager = pluggy.PluginManager("gantool")
    manager.add_hookspecs(hookspecs)
    for name in dir(plugin):
        looks_like_a_hook = name.startswith("gantool_") and inspect.isroutine(inspect.getattr_static(plugin, name, None))
        if looks_like_a_hook and manager.parse_hookimpl_opts(plugin, name) is None:
            raise Unsound(f"function {name} is not marked with @gantool.hookimpl")
    try:
        manager.register(plugin, "plugin")
    except pluggy.PluginValidationError as error:
        # The first line names the plugin, which every message of ours does already.
        raise Unsound(": ".join(str(error).splitlines()[1:])) from None
    hooks = {}
    for caller in manager.get_hookcallers(plugin) or []:
        implementations = caller.get_hookimpls()
        for implementation in implementations:
            if not caller.has_spec() and not implementation.optionalhook:
                raise Unsound(f"there is no hook {caller.name}{nearest(caller.name, HOOK_NAMES, 'hooks are')}")
            if implementation.wrapper or implementation.hookwrapper:
                raise Unsound(f"{caller.name} is a hook wrapper; plugins are called one by one, so it has nothing to wrap")
        hooks[caller.name] = implementations
    if not hooks:
        raise Unsound("it has no hooks: does the entry point name the module with the functions marked @gantool.hookimpl?")
    return hooks


def records_of(hooks: Hooks) -> list[tuple[str, Component]]:
    """Call every hook that yields records; return them with their kinds, in the order of `KINDS`. Raises `Unsound`."""
    found: dict[tuple[str, str], Component] = {}
    for kind in KINDS.values():
        for implementation in hooks.get(kind.hook, []):
            for record in _yielded(kind.hook, implementation):
                check_record(kind, record)
                if (kind.name, record.name) in found:
                    raise Unsound(f"{kind.name} {record.name!r} is provided twice")
                found[kind.name, record.name] = record
    return [(kind, record) for (kind, _), record in found.items()]


def _yielded(hook: str, implementation: pluggy.HookImpl) -> list[Any]:
    try:
        result = implementation.function()
        if isinstance(result, Iterable):
            return list(result)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit and panics of extension modules, too
        raise Unsound(f"{hook} raised {raised(error)}") from error
    raise Unsound(f"{hook} returned {_a(result)}, not records: it must yield them")


def check_record(kind: Kind, record: object) -> None:
    """Raise `Unsound`, naming the record, for anything that the host could not use."""
    # A Recipe is a Component, too, but no hook of components means to yield one.
    others = tuple(each.record for each in KINDS.values() if each.record not in kind.record.__mro__)
    if not isinstance(record, kind.record) or isinstance(record, others):
        raise Unsound(f"{kind.hook} yielded {_a(record)}, not a {kind.record.__name__}")
    where = f"{kind.name} {record.name!r}"
    _check_name(where, record.name)
    if not is_reference(record.factory):
        raise Unsound(f"{where}: factory {record.factory!r} is not of the form 'package.module:callable'")
    _check_text(where, "summary", record.summary)
    _check_capabilities(where, "provides", record.provides)
    _check_capabilities(where, "needs", record.needs)
    _check_options(where, record.options)
    if isinstance(record, Recipe):
        _check_recipe(where, record)


def _check_recipe(where: str, recipe: Recipe) -> None:
    if not isinstance(recipe.slots, tuple) or not all(isinstance(slot, Slot) for slot in recipe.slots):
        raise Unsound(f"{where}: slots must be a tuple of Slot")
    names = [slot.name for slot in recipe.slots]
    for slot in recipe.slots:
        _check_slot(f"{where}: slot {slot.name!r}", slot)
        if names.count(slot.name) > 1:
            raise Unsound(f"{where}: two slots are called {slot.name!r}")
    if recipe.dataset != "":
        _check_full_name(where, "dataset", recipe.dataset)
    _check_presets(where, recipe, [*names, *RESERVED])


def _check_presets(where: str, recipe: Recipe, parts: Sequence[str]) -> None:
    presets = recipe.presets
    if not isinstance(presets, Mapping) or not all(isinstance(values, Mapping) for values in presets.values()):
        raise Unsound(f"{where}: presets must map names to mappings")
    for preset, values in presets.items():
        for key in values:
            part, dot, _ = str(key).partition(".")
            if dot and part not in parts:
                hint = nearest(part, parts, "slots are")
                raise Unsound(f"{where}: preset {preset!r} sets {key}, but there is no slot {part!r}{hint}")
    if recipe.default_preset != "" and recipe.default_preset not in presets:
        hint = nearest(recipe.default_preset, presets, "presets are")
        raise Unsound(f"{where}: default_preset {recipe.default_preset!r} is none of its presets{hint}")


def _check_slot(where: str, slot: Slot) -> None:
    _check_name(where, slot.name)
    if slot.name in RESERVED:
        raise Unsound(f"{where}: that word means something else in -o; slots must not be called {', '.join(RESERVED)}")
    if slot.kind not in SLOT_KINDS:
        raise Unsound(f"{where}: no kind {slot.kind!r}{nearest(slot.kind, SLOT_KINDS, 'kinds are')}")
    _check_full_name(where, "default", slot.default)
    _check_text(where, "summary", slot.summary)
    _check_capabilities(where, "requires", slot.requires)
    _check_capabilities(where, "accepts", slot.accepts)


def _check_options(where: str, options: object) -> None:
    if not isinstance(options, type) or not dataclasses.is_dataclass(options):
        raise Unsound(f"{where}: options must be a dataclass, not {_a(options)}")
    where = f"{where}: options {options.__name__}"
    if not options.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        raise Unsound(f"{where}: the dataclass must be frozen, @dataclass(frozen=True)")
    for field in dataclasses.fields(options):
        if field.init and field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise Unsound(f"{where}: field {field.name!r} has no default")
    try:
        options()
    except Exception as error:
        raise Unsound(f"{where}: its defaults raise {raised(error)}") from error


def _check_name(where: str, name: object) -> None:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise Unsound(f"{where}: a name has {NAME_RULE}")


def _check_full_name(where: str, what: str, name: object) -> None:
    plugin, colon, bare = name.partition(":") if isinstance(name, str) else ("", "", "")
    if not colon or not NAME.fullmatch(plugin) or not NAME.fullmatch(bare):
        raise Unsound(f"{where}: {what} {name!r} is not a full name, 'plugin:name'")


def _check_text(where: str, what: str, text: object) -> None:
    if not isinstance(text, str) or "\n" in text:
        raise Unsound(f"{where}: {what} must be one line of text")


def _check_capabilities(where: str, what: str, words: object) -> None:
    if not isinstance(words, frozenset) or not all(isinstance(word, str) for word in words):
        raise Unsound(f"{where}: {what} must be a frozenset of strings, not {_a(words)}")


def _a(thing: object) -> str:
    if thing is None:
        return "None"
    name = thing.__name__ if isinstance(thing, type) else type(thing).__name__
    return f"{'class' if isinstance(thing, type) else 'a'} {name}"
