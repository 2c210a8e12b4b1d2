"""Choices become one Plan: every name resolved, every option validated, nothing built.

A Plan is pure data. `Plan.to_dict()` is what `--dry-run` prints and `run.json` holds, and it is itself a valid configuration
file: resolving it again gives an equal Plan. No torch.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from ..components import Recipe, Slot
from ..data.domains import Preprocess
from ..errors import GantoolError, suggest
from ..options import to_dict, validate
from .choices import FORMAT, SETTINGS, Choices
from .settings import RunSettings

if TYPE_CHECKING:
    from ..plugins.registry import Part, Provided, Registry

RECIPE, DATASET, METRIC, LOGGER = "recipe", "dataset", "metric", "logger"
"""Words in front of the dot in `-o` that are no slots of a recipe."""

DEFAULT_LOGGER, NO_LOGGER = "gantool:tensorboard", "none"

DEFAULT_RECIPE = "simgan"
"""Which recipe trains where several are installed and none is named: the one that this distribution brings."""

DEFAULT_METRIC = "gantool:patch-distance"
"""What marks the best checkpoint unless `--metric` names another."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that decides a run, except where it is written."""

    recipe: Part
    parts: dict[str, Part]
    """By slot."""
    dataset: Part
    metric: Part
    loggers: tuple[Part, ...]
    preset: str
    settings: RunSettings
    preprocess: Preprocess

    def to_dict(self) -> dict[str, Any]:
        """Return JSON data that `Choices.from_mapping` reads back."""
        parts = {RECIPE: self.recipe, DATASET: self.dataset, METRIC: self.metric, **self.parts}
        options = {slot: part.options for slot, part in parts.items()}
        options[LOGGER] = {f"{part.component}.{name}": value for part in self.loggers for name, value in part.options.items()}
        return {
            "format": FORMAT,
            "plugin": self.recipe.component,
            "preset": self.preset,
            "dataset": self.dataset.component,
            "metric": self.metric.component,
            "parts": {slot: part.component for slot, part in self.parts.items()},
            "options": {slot: values for slot, values in options.items() if values},
            **to_dict(self.settings),
            **to_dict(self.preprocess),
        }

    def flat(self) -> dict[str, Any]:
        """The same with one level: `{"recipe.lambda_reg": 0.5, "generator": "simgan:refiner", "seed": 0, …}`."""
        values = self.to_dict()
        options = values.pop("options")
        named = {f"{slot}.{name}": value for slot, table in options.items() for name, value in table.items()}
        return {**values.pop("parts"), **values, **named}


def resolve(registry: Registry, *sources: Choices) -> Plan:
    """Turn sources, weakest first, into a Plan. Raises `GantoolError` for anything that does not exist or fit."""
    recipe, record = _recipe(registry, sources)
    stages = _stages(record, sources)
    chosen = {RECIPE: recipe, **_find_all(registry, record, stages[-1])}
    _check_dotted(sources, chosen)
    options, settings = _split(_layers(record, stages, sources), chosen)
    filled = {name: provided.with_options(options.get(name, {}), where=f"{name}.") for name, provided in chosen.items()}
    preset, own = _last(sources, "preset"), _settings(RunSettings, settings)
    _check_conditioned(registry, record, chosen, own)
    return Plan(
        recipe=filled.pop(RECIPE),
        dataset=filled.pop(DATASET),
        metric=filled.pop(METRIC),
        parts=filled,
        preset=record.default_preset if preset is None else preset,
        loggers=_loggers(registry, own.log, options.get(LOGGER, {})),
        settings=own,
        preprocess=_settings(Preprocess, settings),
    )


def generator_slot(record: Recipe) -> Slot:
    """Return the slot of the generator that a run hands over."""
    return next(slot for slot in record.slots if slot.kind == "generator")


def _check_conditioned(registry: Registry, record: Recipe, chosen: Mapping[str, Provided], settings: RunSettings) -> None:
    if not settings.conditions:
        return
    slot = generator_slot(record)
    slot = dataclasses.replace(slot, requires=slot.requires | {"conditioned"})
    try:
        registry.check_fits(slot, chosen[slot.name])
    except GantoolError as error:
        raise GantoolError(f"--condition: {error}") from None


def _check_dotted(sources: Sequence[Choices], chosen: Mapping[str, Provided]) -> None:
    """Raise `GantoolError` for an option without its slot, with the slots that have such an option."""
    for name in (name for source in sources for name in source.options if "." not in name):
        meant = [slot for slot, each in chosen.items() if name in {f.name for f in dataclasses.fields(each.record.options)}]
        way = " or ".join(f"-o {slot}.{name}=VALUE" for slot in meant)
        raise GantoolError(f"-o {name}: write {way or 'SLOT.OPTION=VALUE, such as generator.width=32'}")


def _last(sources: Sequence[Choices], name: str) -> str | None:
    return next((value for source in reversed(sources) if (value := getattr(source, name)) is not None), None)


def _recipe(registry: Registry, sources: Sequence[Choices]) -> tuple[Provided, Recipe]:
    name = _last(sources, "plugin")
    recipes = [provided.full_name for provided in registry.all("recipe")]
    if not name and not recipes:
        raise GantoolError("no plugin that is installed has a recipe: see `gantool plugins`")
    found = registry.recipe(name or (recipes[0] if len(recipes) == 1 else DEFAULT_RECIPE))
    assert isinstance(found.record, Recipe)
    return found, found.record


def _stages(record: Recipe, sources: Sequence[Choices]) -> list[dict[str, str]]:
    """The component of every slot, of the data set and the metric: by default, after the first source, and so on."""
    stages = [{DATASET: record.dataset, METRIC: DEFAULT_METRIC, **{slot.name: slot.default for slot in record.slots}}]
    for source in sources:
        own = {name: component for name in (DATASET, METRIC) if (component := getattr(source, name)) is not None}
        for word, component in source.parts.items():
            own |= dict.fromkeys((slot.name for slot in _slots_of(record, word)), component)
        stages.append(stages[-1] | own)
    return stages


def _slots_of(record: Recipe, word: str) -> list[Slot]:
    """Return the slot of that name; else every slot of the kind of that name (CycleGAN has two generators)."""
    # The name first: `--loss` means the slot "loss" even where other slots take losses too.
    slots = [slot for slot in record.slots if slot.name == word] or [slot for slot in record.slots if slot.kind == word]
    if not slots:
        names = [slot.name for slot in record.slots]
        raise GantoolError(f"no slot {word!r} in {record.name}{suggest(word, names)}; slots are: {', '.join(names)}")
    return slots


def _find_all(registry: Registry, record: Recipe, names: Mapping[str, str]) -> dict[str, Provided]:
    if not names[DATASET]:
        raise GantoolError(f"{record.name} has no data of its own: pass --synthetic DIR --real DIR")
    found = {name: registry.find(name, names[name]) for name in (DATASET, METRIC)}
    for slot in record.slots:
        found[slot.name] = registry.find(slot.kind, names[slot.name])
        registry.check_fits(slot, found[slot.name])
    return found


def _layers(record: Recipe, stages: Sequence[Mapping[str, str]], sources: Sequence[Choices]) -> list[dict[str, Any]]:
    """Dotted options and bare settings, weakest first. The values of a preset stand below those of the source that names it."""

    def still_meant(values: Mapping[str, Any], stage: Mapping[str, str]) -> dict[str, Any]:
        # What was said of a part goes when a stronger source replaces it: the new part has options of its own.
        gone = {name for name, component in stage.items() if not _same(component, stages[-1][name])}
        return {key: value for key, value in values.items() if key.partition(".")[0] not in gone}

    layers = []
    if _last(sources, "preset") is None and record.default_preset:
        layers.append(still_meant(find_preset(record, record.default_preset), stages[0]))
    for source, stage in zip(sources, stages[1:], strict=True):
        if source.preset:
            # A preset speaks of the recipe's default parts.
            layers.append(still_meant(find_preset(record, source.preset), stages[0]))
        layers.append({**still_meant(source.options, stage), **source.settings})
    return layers


def _same(a: str, b: str) -> bool:
    """Whether two names mean one component. Either may be bare, which is then the only one of that name."""
    return a == b if ":" in a and ":" in b else a.rpartition(":")[2] == b.rpartition(":")[2]


def find_preset(record: Recipe, name: str) -> Mapping[str, Any]:
    """Return the values of a preset. Raises `GantoolError`, with the nearest name, for one that the recipe has not."""
    if name not in record.presets:
        has = f"it has: {', '.join(record.presets)}" if record.presets else "it has none"
        raise GantoolError(f"{record.name} has no preset {name!r}{suggest(name, record.presets)}; {has}")
    return record.presets[name]


def _split(layers: list[dict[str, Any]], parts: Mapping[str, Provided]) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """Sort the values of all layers, later over earlier, into options by slot and settings."""
    # A data set that renders at any size is asked for it: better than enlarging what it rendered.
    renders = any(f.name == "size" for f in dataclasses.fields(parts[DATASET].record.options))
    options: dict[str, dict[str, Any]] = {}
    settings: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            slot, _, name = key.partition(".")
            if key == f"{DATASET}.conditions":
                settings["conditions"] = value
            elif key == "size" and renders:
                if value is not None:
                    options.setdefault(DATASET, {})["size"] = _settings(Preprocess, {"size": value}).size
            elif key in SETTINGS:
                settings[key] = value
            elif name and slot in (*parts, LOGGER):
                options.setdefault(slot, {})[name] = value
            else:
                raise GantoolError(f"no slot {slot!r} for option {key}{suggest(slot, parts)}; slots are: {', '.join(parts)}")
    return options, settings


def _loggers(registry: Registry, names: Sequence[str], options: Mapping[str, Any]) -> tuple[Part, ...]:
    """The chosen loggers, with what `-o logger.NAME.OPTION` says; options of one that is not chosen say nothing."""
    default = [DEFAULT_LOGGER] if find_spec("tensorboard") else []
    found = [registry.find(LOGGER, name).full_name for name in names or default if name != NO_LOGGER]
    chosen: dict[str, dict[str, Any]] = {name: {} for name in found}
    if NO_LOGGER in names and chosen:
        raise GantoolError(f"--log {NO_LOGGER} goes with no other, got: {', '.join(names)}")
    for key, value in options.items():
        logger, _, option = key.rpartition(".")
        if not logger:
            raise GantoolError(f"-o {LOGGER}.{key}: write {LOGGER}.NAME.OPTION, such as {LOGGER}.tensorboard.flush_seconds")
        chosen.get(registry.find(LOGGER, logger).full_name, {})[option] = value
    return tuple(registry.find(LOGGER, name).with_options(values, where=f"{LOGGER}.{name}.") for name, values in chosen.items())


def _settings(options: type, values: Mapping[str, Any]) -> Any:
    own = {f.name for f in dataclasses.fields(options)}
    return validate(options, {key: value for key, value in values.items() if key in own}, where="--")
