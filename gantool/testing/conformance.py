"""All checks of a plugin, as cases and as one parametrised pytest test. Imports torch and pytest only when checks are listed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from ..components import Recipe
from ..errors import GantoolError, nearest
from ..kinds import KINDS
from ..plugins.registry import Provided, Registry, load_plugins
from . import descriptions
from .subject import Check, Fault, OptionValues, Subject, holds_for

_SMALLEST = 8
"""Least height and width in pixels of images that say anything."""


@dataclass(frozen=True)
class Case:
    """One rule for one component of a plugin."""

    name: str
    """`"generator-unet-keeps-the-size"`, the identifier in pytest."""
    check: Callable[[Path], None]

    def run(self, folder: Path) -> None:
        """Check, in an empty folder. Raises `Fault`. Global random generators are left as they were."""
        import torch

        from ..ambient import kept_random_state

        with kept_random_state():
            torch.manual_seed(0)
            self.check(folder)


def conformance(
    plugin: str,
    *,
    options: Mapping[str, OptionValues] | None = None,
    channels: tuple[int, ...] = (3, 1),
    size: tuple[int, int] = (32, 40),
    batch_size: int = 2,
    labels: Mapping[str, Sequence[Any]] | None = None,
) -> Callable[..., None]:
    """Return a pytest test that checks everything which an installed plugin yields against the contracts of the hooks.

        test_conformance = gantool.testing.conformance("my-plugin")

    Args:
        plugin: Its name, that of its entry point.
        options: Options by component, `{"unet": {"width": 4}}`, to keep large networks quick; a recipe that uses the component
            gets them too. A component of another plugin is written `"other:name"`; where two kinds share a name, `"loss/name"`.
            In place of a mapping, a function that is given an empty folder, writes the data that the component needs, and
            returns the options that name it. A recipe whose data set is given options is checked with that data set,
            else with random images.
        channels: Channels to check networks with; a network may refuse some of them (`ValueError`), not all. The first is
            that of images for losses, metrics and recipes.
        size: (H, W) in pixels of the images to check with, at least 8×8; larger ones of odd sizes are tried, too.
        batch_size: Images of each domain in one step of a recipe.
        labels: Values by name, for recipes and metrics that provide "sees-labels": images get them in turn. Without it, there are
            none, which these parts must be able to meet.

    Raises `GantoolError` for options of something that the plugin neither provides nor uses, and for images that there cannot be.
    """
    import pytest

    cases = collect(plugin, options=options, channels=channels, size=size, batch_size=batch_size, labels=labels)

    @pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in cases])
    def test_conformance(case: Case, tmp_path: Path) -> None:
        """Check one rule."""
        __tracebackhide__ = True
        try:
            case.run(tmp_path)
        except Fault as fault:
            if fault.__cause__ is not None:  # the author needs the traceback of what the plugin raised
                raise
            pytest.fail(str(fault), pytrace=False)

    return test_conformance


def collect(
    plugin: str,
    *,
    options: Mapping[str, OptionValues] | None = None,
    channels: tuple[int, ...] = (3, 1),
    size: tuple[int, int] = (32, 40),
    batch_size: int = 2,
    labels: Mapping[str, Sequence[Any]] | None = None,
) -> list[Case]:
    """List the checks of everything that an installed plugin yields; see `conformance` for the arguments.

    A plugin that cannot be loaded has one check, which fails with the cause. Raises `GantoolError` for options of something
    that the plugin neither provides nor uses, and for images that there cannot be.
    """
    if not channels or min(channels) < 1 or min(size) < _SMALLEST or batch_size < 1:
        asked = f"channels={channels}, size={size}, batch_size={batch_size}"
        raise GantoolError(f"conformance({plugin!r}): no check fits {asked}; give channels, {_SMALLEST} px or more, and a batch")
    try:
        registry = _with_foreign_parts(load_plugins([plugin]), plugin)
    except GantoolError as error:
        return [Case("plugin-loads", partial(_fail, str(error)))]
    named = _named(registry, plugin, options or {})
    look = partial(
        Subject, registry=registry, options=named, channels=channels, size=size, batch_size=batch_size, labels=labels or {}
    )

    def run(provided: Provided, check: Check, folder: Path) -> None:
        check(look(provided=provided, folder=folder))

    cases = [Case("plugin-imports-no-torch", lambda _: descriptions.check_imports_no_torch(plugin))]
    if any(each.plugin_name == plugin for each in registry.manager.hook.gantool_log.get_hookimpls()):
        cases.append(Case("observes-every-event", partial(descriptions.check_observes_every_event, plugin)))
    return cases + [
        Case(f"{provided.kind}-{provided.record.name}-{words(check)}", partial(run, provided, check))
        for provided in registry.plugins[plugin].provides
        for check in (*descriptions.CHECKS, *checks_of(provided.kind))
        if holds_for(check, provided)
    ]


def checks_of(kind: str) -> tuple[Check, ...]:
    """The checks of what factories of a kind return, also those that hold for some components only. Imports torch."""
    module = KINDS[kind].checks
    checks: tuple[Check, ...] = import_module(f"{__package__}.{module}").CHECKS[kind] if module else ()
    return checks


def words(check: Check) -> str:
    """Name a check: `"keeps-the-size"`."""
    return check.__name__.removeprefix("check_").replace("_", "-")


def _with_foreign_parts(registry: Registry, plugin: str) -> Registry:
    """Load the plugins, too, whose parts fill the slots of this one's recipes, as far as they are installed and work."""
    try:
        return load_plugins(list(dict.fromkeys([plugin, *_foreign(registry, plugin)])))
    except GantoolError:
        return registry  # resolving the recipe says what is missing


def _foreign(registry: Registry, plugin: str) -> Iterator[str]:
    for record in (p.record for p in registry.plugins[plugin].provides):
        if isinstance(record, Recipe):
            names = (record.dataset, *(slot.default for slot in record.slots))
            yield from (name.partition(":")[0] for name in names if name)


def _named(registry: Registry, plugin: str, options: Mapping[str, OptionValues]) -> dict[str, OptionValues]:
    """Return options by full name, with the kind in front where the author wrote it."""
    known = {p.full_name for p in registry.all()} | {f"{p.kind}/{p.full_name}" for p in registry.all()}
    result: dict[str, OptionValues] = {}
    for key, values in options.items():
        kind, slash, name = key.rpartition("/")
        full = f"{kind}{slash}{name if ':' in name else f'{plugin}:{name}'}"
        if full not in known:
            own = [p.record.name for p in registry.plugins[plugin].provides]
            raise GantoolError(f"conformance({plugin!r}): options for {key!r}, which does not exist{nearest(key, own, 'it has')}")
        result[full] = values
    return result


def _fail(message: str, _: Path) -> None:
    raise Fault(message)
