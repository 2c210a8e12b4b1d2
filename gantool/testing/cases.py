"""The checks of one plugin. Imports torch only when checks run or are listed for something that needs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from ..components import Recipe
from ..errors import GantoolError, nearest
from ..kinds import KINDS
from ..plugins.registry import Provided, Registry, load_plugins
from . import descriptions
from .subject import Fault, OptionValues, Subject

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

        from ..runs.checkpoints import kept_random_state

        with kept_random_state():
            torch.manual_seed(0)
            self.check(folder)


def collect(
    plugin: str,
    *,
    options: Mapping[str, OptionValues] | None = None,
    channels: tuple[int, ...] = (3, 1),
    size: tuple[int, int] = (32, 40),
    batch_size: int = 2,
) -> list[Case]:
    """List the checks of everything that an installed plugin yields; see `conformance` for the arguments.

    A plugin that cannot be loaded has one check, which fails with the cause. Raises `GantoolError` for options of something
    that the plugin neither provides nor uses, and for images that there cannot be.
    """
    if not channels or min(channels) < 1 or min(size) < _SMALLEST or batch_size < 1:
        asked = f"channels={channels}, size={size}, batch_size={batch_size}"
        raise GantoolError(f"conformance({plugin!r}): no check fits {asked}; give channels, {_SMALLEST} px or more, and a batch")
    try:
        registry = load_plugins([plugin])
    except GantoolError as error:
        return [Case("plugin-loads", _failing(str(error)))]
    registry = _with_foreign_parts(registry, plugin)
    info = registry.plugins[plugin]
    named = _named(registry, plugin, options or {})

    def case(provided: Provided, check: Callable[[Subject], None]) -> Case:
        def run(folder: Path) -> None:
            check(
                Subject(
                    registry=registry,
                    provided=provided,
                    options=named,
                    channels=channels,
                    size=size,
                    batch_size=batch_size,
                    folder=folder,
                )
            )

        return Case(f"{provided.kind}-{provided.component.name}-{_words(check)}", run)

    cases = [Case("plugin-imports-no-torch", lambda _: descriptions.check_imports_no_torch(registry, plugin))]
    if any(each.plugin_name == plugin for each in registry.manager.hook.gantool_log.get_hookimpls()):
        cases.append(Case("observes-every-event", lambda folder: descriptions.check_observes_every_event(plugin, folder)))
    return cases + [case(provided, check) for provided in info.provides for check in _checks(provided.kind)]


def _checks(kind: str) -> Iterator[Callable[[Subject], None]]:
    yield from descriptions.CHECKS
    if KINDS[kind].checks:
        yield from import_module(f"{__package__}.{KINDS[kind].checks}").CHECKS


def _with_foreign_parts(registry: Registry, plugin: str) -> Registry:
    """Load the plugins, too, whose parts fill the slots of this one's recipes, as far as they are installed and work."""
    records = [p.component for p in registry.plugins[plugin].provides if isinstance(p.component, Recipe)]
    names = [name for record in records for name in (record.dataset, *(slot.default for slot in record.slots)) if name]
    foreign = dict.fromkeys(name.partition(":")[0] for name in names)
    try:
        return load_plugins([plugin, *(name for name in foreign if name != plugin)])
    except GantoolError:
        return registry  # resolving the recipe says what is missing


def _named(registry: Registry, plugin: str, options: Mapping[str, OptionValues]) -> dict[str, OptionValues]:
    """Return options by full name, with the kind in front where the author wrote it."""
    known = {p.full_name for p in registry.all()} | {f"{p.kind}/{p.full_name}" for p in registry.all()}
    result: dict[str, OptionValues] = {}
    for key, values in options.items():
        kind, slash, name = key.rpartition("/")
        full = f"{kind}{slash}{name if ':' in name else f'{plugin}:{name}'}"
        if full not in known:
            own = [p.component.name for p in registry.plugins[plugin].provides]
            raise GantoolError(f"conformance({plugin!r}): options for {key!r}, which does not exist{nearest(key, own, 'it has')}")
        result[full] = values
    return result


def _failing(message: str) -> Callable[[Path], None]:
    def fail(_: Path) -> None:
        raise Fault(message)

    return fail


def _words(check: Callable[..., Any]) -> str:
    return check.__name__.removeprefix("check_").replace("_", "-")
