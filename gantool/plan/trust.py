"""What a file names is data: code that a run's file says to import is imported only where the user says so, too. No torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..errors import GantoolError
from ..plugins.records import is_reference
from ..plugins.registry import Registry
from .choices import Choices
from .resolve import Plan


def check_trusted(plan: Plan, said: Sequence[Choices], file: Path, registry: Registry, *, trust: bool) -> None:
    """Raise `GantoolError` where options of a plan name code to import, `"package.module:callable"`, that `file` alone says.

    `said`: what else the plan is made from. `registry`: what its plugins have is there already, and may be named. `trust`: import
    it all the same.
    """
    installed = {provided.full_name for provided in registry.all()}
    own = [each for source in said for value in source.options.values() for each in _texts(value)]
    unsaid = [] if trust else [(name, text) for name, text in _named(plan) if text not in installed.union(own)]
    if unsaid:
        name, text = unsaid[0]
        more = f" and {len(unsaid) - 1} more" if len(unsaid) > 1 else ""
        raise GantoolError(
            f"{file} names code to import, {name}={text}{more}: say it yourself (-o {name}={text}), or pass --trust if you trust "
            "whoever wrote that file"
        )


def _named(plan: Plan) -> Iterator[tuple[str, str]]:
    """Options that name code, but for those that a plugin has by itself."""
    slots = {"recipe": plan.recipe, "dataset": plan.dataset, "metric": plan.metric, **plan.parts}
    for slot, part in (*slots.items(), *(("logger", part) for part in plan.loggers)):
        for field in dataclasses.fields(part.config):
            value = getattr(part.config, field.name)
            usual = list(_texts(field.default))
            yield from ((f"{slot}.{field.name}", text) for text in _texts(value) if is_reference(text) and text not in usual)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, dict):
        yield from _texts(list(value.values()))
