"""What makes a record sound, so that the host can use it. No torch."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping

from ..components import Component, Figure, Recipe, Slot
from ..errors import GantoolError, nearest, raised
from ..kinds import KINDS, RESERVED, SLOT_KINDS, Kind

NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
"""Names of plugins, components and slots: safe in `plugin:name`, in `-o slot.option=` and in a comma-separated list."""

NAME_RULE = "lower-case letters, digits, '-' and '_' only, and begins with a letter or digit"


class Unsound(GantoolError):
    """A plugin cannot be used. The message is the cause, in one line, without the plugin's name."""

    def __init__(self, cause: str, advice: str = "") -> None:
        super().__init__(cause)
        self.advice = advice


def require(holds: object, cause: str, advice: str = "") -> None:
    """Raise `Unsound` unless a rule holds."""
    if not holds:
        raise Unsound(cause, advice)


def is_reference(text: object) -> bool:
    """Tell whether `text` has the form `"package.module:callable"`."""
    if not isinstance(text, str) or text.count(":") != 1:
        return False
    return all(word.isidentifier() for part in text.split(":") for word in part.split("."))


def check_record(kind: Kind, record: object) -> None:
    """Raise `Unsound`, naming the record, for anything that the host could not use."""
    # A Recipe is a Component, too, but no hook of components means to yield one.
    others = tuple(each.record for each in KINDS.values() if each.record not in kind.record.__mro__)
    if not isinstance(record, kind.record) or isinstance(record, others):
        raise Unsound(f"{kind.hook} yielded {a(record)}, not a {kind.record.__name__}")
    where = f"{kind.name} {record.name!r}"
    _check_name(where, record.name)
    require(is_reference(record.factory), f"{where}: factory {record.factory!r} is not of the form 'package.module:callable'")
    _check_words(where, record, "provides", "needs")
    _check_options(where, record.options)
    if isinstance(record, Recipe):
        _check_recipe(where, record)


def _check_recipe(where: str, recipe: Recipe) -> None:
    require(
        isinstance(recipe.slots, tuple) and all(isinstance(slot, Slot) for slot in recipe.slots),
        f"{where}: slots must be a tuple of Slot",
    )
    names = [slot.name for slot in recipe.slots]
    for slot in recipe.slots:
        _check_slot(f"{where}: slot {slot.name!r}", slot)
        require(names.count(slot.name) == 1, f"{where}: two slots are called {slot.name!r}")
    if recipe.dataset != "":
        _check_full_name(where, "dataset", recipe.dataset)
    require(
        isinstance(recipe.presets, Mapping) and all(isinstance(values, Mapping) for values in recipe.presets.values()),
        f"{where}: presets must map names to mappings",
    )
    parts = [*names, *RESERVED]
    for preset, key in ((preset, str(key)) for preset, values in recipe.presets.items() for key in values):
        part = key.partition(".")[0]
        if part != key and part not in parts:
            hint = nearest(part, parts, "slots are")
            raise Unsound(f"{where}: preset {preset!r} sets {key}, but there is no slot {part!r}{hint}")
    if recipe.default_preset != "" and recipe.default_preset not in recipe.presets:
        hint = nearest(recipe.default_preset, recipe.presets, "presets are")
        raise Unsound(f"{where}: default_preset {recipe.default_preset!r} is none of its presets{hint}")
    _check_figures(where, recipe.figures)


def _check_figures(where: str, figures: tuple[Figure, ...]) -> None:
    require(
        isinstance(figures, tuple) and all(isinstance(figure, Figure) for figure in figures),
        f"{where}: figures must be a tuple of Figure",
    )
    for figure in figures:
        try:
            format(0.5, figure.form)
        except (TypeError, ValueError):
            raise Unsound(f"{where}: figure {figure.name!r} has the form {figure.form!r}, which writes no number") from None


def _check_slot(where: str, slot: Slot) -> None:
    _check_name(where, slot.name)
    require(
        slot.name not in RESERVED,
        f"{where}: that word means something else in -o; slots must not be called {', '.join(RESERVED)}",
    )
    if slot.kind not in SLOT_KINDS:
        raise Unsound(f"{where}: no kind {slot.kind!r}{nearest(slot.kind, SLOT_KINDS, 'kinds are')}")
    _check_full_name(where, "default", slot.default)
    _check_words(where, slot, "requires", "accepts")


def _check_options(where: str, options: object) -> None:
    if not isinstance(options, type) or not dataclasses.is_dataclass(options):
        raise Unsound(f"{where}: options must be a dataclass, not {a(options)}")
    where = f"{where}: options {options.__name__}"
    frozen = options.__dataclass_params__.frozen  # type: ignore[attr-defined]
    require(frozen, f"{where}: the dataclass must be frozen, @dataclass(frozen=True)")
    for field in dataclasses.fields(options):
        has = not field.init or field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
        require(has, f"{where}: field {field.name!r} has no default")
    try:
        options()
    except Exception as error:
        raise Unsound(f"{where}: its defaults raise {raised(error)}") from error


def _check_name(where: str, name: object) -> None:
    require(isinstance(name, str) and NAME.fullmatch(name), f"{where}: a name has {NAME_RULE}")


def _check_full_name(where: str, what: str, name: object) -> None:
    full = isinstance(name, str) and re.fullmatch(f"{NAME.pattern}:{NAME.pattern}", name)
    require(full, f"{where}: {what} {name!r} is not a full name, 'plugin:name'")


def _check_words(where: str, thing: Component | Slot, *capabilities: str) -> None:
    require(isinstance(thing.summary, str) and "\n" not in thing.summary, f"{where}: summary must be one line of text")
    for name in capabilities:
        words = getattr(thing, name)
        require(
            isinstance(words, frozenset) and all(isinstance(word, str) for word in words),
            f"{where}: {name} must be a frozenset of strings, not {a(words)}",
        )


def a(thing: object) -> str:
    """Name what something is: `"None"`, `"class Plain"`, `"a str"`."""
    if thing is None:
        return "None"
    return f"class {thing.__name__}" if isinstance(thing, type) else f"a {type(thing).__name__}"
