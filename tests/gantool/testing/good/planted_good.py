"""A plugin without a fault, one component of each kind. Tests plant it, whole or with one thing changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge

from gantool import Component, Format, Recipe, Slot, hookimpl

FEATURES = frozenset({"features", "conditioned", "stochastic"})


@dataclass(frozen=True)
class Width:
    width: Annotated[int, Ge(1)] = 4
    """Feature maps."""


@hookimpl
def gantool_generators():
    yield Component(name="net", factory="planted_parts:Generator", options=Width, provides=FEATURES)


@hookimpl
def gantool_discriminators():
    yield Component(name="judge", factory="planted_parts:Discriminator", options=Width)


@hookimpl
def gantool_networks():
    yield Component(name="moments", factory="planted_parts:Moments", options=Width)


@hookimpl
def gantool_losses():
    yield Component(name="squares", factory="planted_parts:Squares", provides=frozenset({"adversarial"}))
    needs = frozenset({"penalty"})
    yield Component(name="wasserstein", factory="planted_parts:Penalised", provides=frozenset({"adversarial"}), needs=needs)
    yield Component(name="distance", factory="planted_parts:Distance", provides=frozenset({"image-pair"}))


@hookimpl
def gantool_replay_buffers():
    yield Component(name="swap", factory="planted_parts:Swap")


@hookimpl
def gantool_formats():
    does = frozenset({"streams", "writes", "refines"})
    yield Format(name="rows", factory="planted_storage:Rows", suffixes=(".rows",), provides=does)


@hookimpl
def gantool_layouts():
    yield Component(name="numbered", factory="planted_storage:Numbered")


@hookimpl
def gantool_tasks():
    yield Component(name="spread", factory="planted_parts:Spread")


@hookimpl
def gantool_datasets():
    yield Component(name="ramps", factory="planted_parts:Ramps")
    yield Component(name="stream", factory="planted_parts:Streams")


@hookimpl
def gantool_metrics():
    yield Component(name="gap", factory="planted_parts:Gap", provides=frozenset({"lower-is-better"}))


@hookimpl
def gantool_estimators():
    yield Component(name="linear", factory="planted_parts:Linear")


@hookimpl
def gantool_loggers():
    yield Component(name="lines", factory="planted_parts:Lines")


@hookimpl
def gantool_commands():
    yield Component(name="greet", factory="planted_parts:greet")


@hookimpl
def gantool_recipes():
    slots = (
        Slot(name="generator", kind="generator", default="good:net"),
        Slot(name="discriminator", kind="discriminator", default="good:judge"),
        Slot(name="loss", kind="loss", default="good:squares", requires=frozenset({"adversarial"})),
        Slot(name="buffer", kind="buffer", default="good:swap"),
    )
    yield Recipe(name="both", factory="planted_parts:Both", slots=slots, presets={"wide": {"generator.width": 8}})


@hookimpl
def gantool_log(event):
    str(event.path)
