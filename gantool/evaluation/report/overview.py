"""What was run: plan, versions, seed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...runs.folder import RUN

_HEADS = ("plugin", "preset", "dataset", "steps", "seed", "batch_size", "device", "precision", "created")


@dataclass(frozen=True, kw_only=True)
class Overview:
    """The plan in tables, and as it stands in run.json."""

    facts: tuple[tuple[str, str], ...]
    parts: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...]
    """(slot, component, (option, value) of each) for recipe, data set, metric and every slot."""
    settings: tuple[tuple[str, str], ...]
    versions: tuple[tuple[str, str], ...]
    plan: str
    """run.json, which `gantool train --config` replays."""


def read_overview(run: Path) -> Overview:
    """Read run.json, which was checked to be one."""
    text = (run / RUN).read_text(encoding="utf-8")
    plan: dict[str, Any] = json.loads(text)
    options = plan.get("options", {})
    parts = {"recipe": plan["plugin"], "dataset": plan["dataset"], "metric": plan["metric"], **plan["parts"]}
    taken = {*_HEADS, "format", "metric", "parts", "options", "versions"}
    return Overview(
        facts=tuple((name.replace("_", " "), _text(plan[name])) for name in _HEADS if plan.get(name) not in (None, "")),
        parts=tuple((slot, name, _items(options.get(slot, {}))) for slot, name in parts.items()),
        settings=_items({name: value for name, value in plan.items() if name not in taken}),
        versions=_items(plan.get("versions", {})),
        plan=text,
    )


def _items(values: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((name, _text(value)) for name, value in values.items())


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
