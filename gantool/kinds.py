"""What a plugin can provide, one record per kind. Everything that has to know a kind (the hook that yields it, what its factory
is called with, whether it can fill a slot, what the conformance kit checks) reads it here. No torch.
"""

from __future__ import annotations

from dataclasses import dataclass

from .components import Component, Estimator, Format, Logger, MapEstimator, Metric, ObjectEstimator, Recipe, ReplayBuffer, Task


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of component."""

    name: str
    """The word for it in messages, in `gantool show KIND NAME`, and the name of its flag."""
    hook: str
    """The hook that yields its records, specified in `gantool.hookspecs`."""
    record: type[Component] = Component
    """What the hook yields."""
    arguments: tuple[str, ...] | None = ()
    """What its factory is called with, by keyword, beside `config`; None where `factory` names the thing itself."""
    product: type | tuple[type, ...] | None = None
    """The protocol of what every factory of this kind returns, or several of which it has one; checked then and there. None where
    `provides` decides, where it is a torch module, and where looking would open files (data sets)."""
    slot: bool = False
    """Whether it can fill a slot of a recipe."""
    flag: str = ""
    """The help of its flag, `gantool train --KIND NAME`; empty where it has none."""
    checks: str = ""
    """The module of `gantool.testing` with the checks of what its factory returns."""


KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            name="generator",
            hook="gantool_generators",
            arguments=("channels",),
            slot=True,
            flag="Replace the generator.",
            checks="networks",
        ),
        Kind(
            name="discriminator",
            hook="gantool_discriminators",
            arguments=("channels",),
            slot=True,
            flag="Replace the discriminator.",
            checks="networks",
        ),
        Kind(
            name="network",
            hook="gantool_networks",
            arguments=("channels",),
            slot=True,
            flag="Replace the other networks of the recipe.",
            checks="networks",
        ),
        Kind(name="loss", hook="gantool_losses", slot=True, flag="Replace the adversarial loss.", checks="losses"),
        Kind(
            name="buffer",
            hook="gantool_replay_buffers",
            arguments=("generator",),
            product=ReplayBuffer,
            slot=True,
            flag="Replace the replay buffer.",
            checks="buffers",
        ),
        Kind(name="format", hook="gantool_formats", record=Format, arguments=("record",), checks="storage"),
        Kind(name="layout", hook="gantool_layouts", checks="storage"),
        Kind(name="dataset", hook="gantool_datasets", flag="A data set of a plugin.", checks="datasets"),
        Kind(
            name="metric",
            hook="gantool_metrics",
            product=Metric,
            flag="What chooses the best checkpoint.",
            checks="metrics",
        ),
        Kind(name="task", hook="gantool_tasks", arguments=("labels",), product=Task, checks="tasks"),
        Kind(
            name="estimator",
            hook="gantool_estimators",
            arguments=("outputs", "seed"),
            product=(Estimator, ObjectEstimator, MapEstimator),
            checks="estimators",
        ),
        Kind(name="logger", hook="gantool_loggers", product=Logger, checks="observers"),
        Kind(name="command", hook="gantool_commands", arguments=None, checks="commands"),
        Kind(name="recipe", hook="gantool_recipes", record=Recipe, arguments=("parts",), checks="recipes"),
    )
}
"""By name, in the order in which listings show them."""

SLOT_KINDS = tuple(kind.name for kind in KINDS.values() if kind.slot)
"""What can fill a slot of a recipe."""

RESERVED = tuple(kind.name for kind in KINDS.values() if not kind.slot)
"""Words in front of the dot in `-o` that mean something else than a slot, which must not take them."""
