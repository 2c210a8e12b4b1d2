"""The one `pluggy.PluginManager` that all plugins register in. Its hooks are called as pluggy's: `manager.hook.NAME(…)`.

What is added: every implementation is guarded. It answers with what it returned or with the error that it raised, so that no
plugin stops another, and each answer says whose it is. No torch.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pluggy

from .. import hookspecs
from ..components import Component
from ..errors import nearest, raised
from ..kinds import KINDS, Kind
from .records import Unsound, a, check_record, require
from .strangers import told_apart

HOOK_NAMES = (*(kind.hook for kind in KINDS.values()), "gantool_log")


@dataclass(frozen=True)
class Answer:
    """What one implementation of a hook answered."""

    plugin: str
    result: Any = None
    error: BaseException | None = None


def new_manager() -> pluggy.PluginManager:
    """Return a manager that knows the hooks of gantool, and no plugin."""
    manager = pluggy.PluginManager("gantool")
    manager.add_hookspecs(hookspecs)
    return manager


def register(manager: pluggy.PluginManager, name: str, plugin: object) -> list[warnings.WarningMessage]:
    """Register a plugin, a module or an object; return the warnings about hooks and arguments of it that are deprecated.

    Raises `Unsound` for a function that is marked but no hook, has arguments that its hook lacks, or wraps; for one that looks
    like a hook but is not marked; and for a plugin without hooks. Unregister it then: `check_pending` looks at all plugins.
    """
    owner = manager.get_name(plugin)
    require(owner is None, f"its entry point names what plugin {owner!r} is already: each needs a module of its own")
    for attribute in dir(plugin):
        looks_like_a_hook = attribute.startswith("gantool_") and inspect.isroutine(
            inspect.getattr_static(plugin, attribute, None)
        )
        marked = not looks_like_a_hook or manager.parse_hookimpl_opts(plugin, attribute) is not None
        require(marked, f"function {attribute} is not marked with @gantool.hookimpl")
    try:
        with warnings.catch_warnings(record=True) as deprecations:
            warnings.simplefilter("always")
            manager.register(plugin, name)
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        # The first line names the plugin, which every message of ours does already; for an unknown hook there is no other.
        first, *rest = str(error).splitlines()
        unknown = first.split("'")[1]
        raise Unsound(": ".join(rest) or f"there is no hook {unknown}{nearest(unknown, HOOK_NAMES, 'hooks are')}") from None
    callers = manager.get_hookcallers(plugin) or ()
    own = [(caller.name, each) for caller in callers for each in caller.get_hookimpls() if each.plugin is plugin]
    require(own, "it has no hooks: does the entry point name the module with the functions marked @gantool.hookimpl?")
    for hook, implementation in own:
        wraps = implementation.wrapper or implementation.hookwrapper
        require(not wraps, f"{hook} is a hook wrapper; plugins are called one by one, so it has nothing to wrap")
        implementation.function = _guarded(name, implementation.function)  # type: ignore[misc]
    return deprecations


def _guarded(plugin: str, function: Callable[..., Any]) -> Callable[..., Answer]:
    def answer(*arguments: Any) -> Answer:
        with told_apart() as signalled:
            try:
                result = function(*arguments)
                return Answer(plugin, list(result) if isinstance(result, Iterator) else result)
            except BaseException as error:  # SystemExit, and what extension modules raise: a panic of PyO3 is no Exception
                if isinstance(error, KeyboardInterrupt) and signalled():
                    raise
                return Answer(plugin, error=error)

    return answer


def ask_all(manager: pluggy.PluginManager) -> dict[str, list[tuple[Kind, Answer]]]:
    """Call every hook that yields records; return by plugin what it answered, in the order of `KINDS`."""
    asked: dict[str, list[tuple[Kind, Answer]]] = {name: [] for name, _ in manager.list_name_plugin()}
    for kind in KINDS.values():
        # Pluggy asks those first that came last.
        for answer in reversed(getattr(manager.hook, kind.hook)()):
            asked[answer.plugin].append((kind, answer))
    return asked


def records_of(answers: Sequence[tuple[Kind, Answer]]) -> list[tuple[str, Component]]:
    """Return the records in the answers of one plugin, with their kinds. Raises `Unsound` for one that cannot be used."""
    found: dict[tuple[str, str], Component] = {}
    for kind, answer in answers:
        if answer.error is not None:
            raise Unsound(f"{kind.hook} raised {raised(answer.error)}") from answer.error
        records = answer.result
        require(isinstance(records, Iterable), f"{kind.hook} returned {a(records)}, not records: it must yield them")
        for record in records:
            check_record(kind, record)
            require((kind.name, record.name) not in found, f"{kind.name} {record.name!r} is provided twice")
            found[kind.name, record.name] = record
    return [(kind, record) for (kind, _), record in found.items()]
