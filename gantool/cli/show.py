"""`gantool show`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from ..components import Recipe, Slot
from ..errors import GantoolError, PluginError, nearest, raised
from ..kinds import KINDS
from ..options import derived, describe, to_dict, validate
from ..plan.resolve import DEFAULT_METRIC, find_preset
from ..plugins.registry import Provided, Registry, load_plugins
from ..runs.folder import RUN
from .complete import complete_anything


@click.command(short_help="Show a recipe, a component or a run: slots, options, values.")
@click.argument("words", nargs=-1, required=True, metavar="[KIND] NAME|RUN", shell_complete=complete_anything)
@click.option("--preset", metavar="NAME", help="Show the values of this preset instead of the default one.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show(words: tuple[str, ...], preset: str | None, as_json: bool) -> None:
    """Show what a recipe, a component or a run is, and which options it has.

    \b
    gantool show simgan                      a recipe: slots, presets, all options
    gantool show simgan:refiner              a component
    gantool show generator simgan:refiner    the same, where its name alone is not clear
    gantool show runs/simgan-001             a run: how far it got, and every value that decided it
    """
    if len(words) > 2:
        raise click.UsageError("write one name, or a kind and a name")
    if len(words) == 1 and (Path(words[0]) / RUN).is_file():
        from .runs import print_run

        if preset is not None:
            raise GantoolError(f"--preset goes with a recipe; {words[0]} is a run")
        print_run(Path(words[0]), as_json=as_json)
        return
    registry = load_plugins()
    kind, name = words if len(words) == 2 else (None, words[0])
    data = _describe(registry, _look_up(registry, kind, name), preset)
    if as_json:
        click.echo(json.dumps(data, indent=2))
    else:
        from .show_text import print_text

        print_text(data)


def _look_up(registry: Registry, kind: str | None, name: str) -> Provided:
    if kind is not None:
        if kind not in KINDS:
            raise GantoolError(f"no kind {kind!r}{nearest(kind, KINDS, 'kinds are')}")
        return registry.recipe(name) if kind == "recipe" else registry.find(kind, name)
    if any(p.plugin == name for p in registry.all("recipe")):
        return registry.recipe(name)
    matches = [p for p in registry.all() if name in (p.full_name, p.record.name)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        choices = " or ".join(f"gantool show {p.kind} {p.full_name}" for p in matches)
        raise GantoolError(f"{name!r} is the name of several components: write {choices}")
    plugin, colon, _ = name.partition(":")
    if colon or name in registry.plugins or name in registry.left_out:
        own = [p.full_name for p in registry.working(plugin).provides]
        missing = f"component {name!r}" if colon else "recipe"
        raise GantoolError(f"plugin {plugin!r} has no {missing}{nearest(name, own, 'it has')}")
    known = [*registry.plugins, *(n for p in registry.all() for n in (p.record.name, p.full_name))]
    raise registry.unknown("plugin, recipe or component", name, known)


def _describe(registry: Registry, provided: Provided, preset: str | None) -> dict[str, Any]:
    """Return everything that `show` prints, as JSON data."""
    record = provided.record
    data: dict[str, Any] = {
        "name": provided.full_name,
        "kind": provided.kind,
        "plugin": provided.plugin,
        "summary": record.summary,
        "provides": sorted(record.provides),
        "factory": record.factory,
    }
    if not isinstance(record, Recipe):
        if preset is not None:
            raise GantoolError(f"--preset goes with a recipe; {provided.full_name} is a {provided.kind}")
        return {**data, "parts": [_part("", provided, {}, "")]}
    chosen = record.default_preset if preset is None else preset
    values = find_preset(record, chosen) if chosen else {}
    slots = list(record.slots)
    if record.dataset:
        slots.append(Slot(name="dataset", kind="dataset", default=record.dataset, summary="Where images come from"))
    slots.append(Slot(name="metric", kind="metric", default=DEFAULT_METRIC, summary="What marks the best checkpoint"))
    return {
        **data,
        "slots": [_slot(registry, slot) for slot in slots],
        "presets": {name: dict(preset_values) for name, preset_values in record.presets.items()},
        "default_preset": record.default_preset,
        "preset": chosen,
        "parts": [_part("recipe", provided, values, chosen), *(_default_part(registry, slot, values, chosen) for slot in slots)],
    }


def _slot(registry: Registry, slot: Slot) -> dict[str, Any]:
    fitting = [p.full_name for p in registry.parts(slot.kind, slot.requires, slot.accepts)]
    return {
        "name": slot.name,
        "kind": slot.kind,
        "summary": slot.summary,
        "requires": sorted(slot.requires),
        "default": slot.default,
        "alternatives": [name for name in fitting if name != slot.default],
    }


def _default_part(registry: Registry, slot: Slot, values: Mapping[str, Any], preset: str) -> dict[str, Any]:
    try:
        return _part(slot.name, registry.find(slot.kind, slot.default), values, preset)
    except GantoolError as error:
        # One part that is not installed, or broken, hides nothing of the others.
        return {"part": slot.name, "component": slot.default, "problem": str(error)}


def _part(word: str, provided: Provided, values: Mapping[str, Any], preset: str) -> dict[str, Any]:
    """Describe the options of a component; `word` is what stands in front of the dot in `-o` and in the keys of a preset."""
    options = provided.record.options
    own = {key.partition(".")[2]: value for key, value in values.items() if key.partition(".")[0] == word}
    config = validate(options, own, where=f"preset {preset!r}: {word}.")
    try:
        figures = derived(config)
    except Exception as error:
        raise PluginError(f"{provided.full_name}: a property of its options raised {raised(error)}") from error
    chosen = to_dict(config)
    return {
        "part": word,
        "component": provided.full_name,
        "options": [
            {
                "name": option.name,
                "type": option.type,
                "default": option.default,
                "value": chosen[option.name],
                "bounds": option.bounds,
                "doc": " ".join(option.doc.split()),
            }
            for option in describe(options)
        ],
        "derived": [{"name": name, "value": value, "doc": " ".join(doc.split())} for name, (value, doc) in figures.items()],
    }
