"""The text form of what `gantool show` says: readable at 80 columns and in a pipe."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text


def print_text(data: Mapping[str, Any]) -> None:
    """Print what `gantool show --json` would print as JSON."""
    console = Console(markup=False, highlight=False, emoji=False)
    console.print(Text.assemble((data["name"], "bold"), f"  {data['kind']} of plugin {data['plugin']!r}"))
    for line in (data["summary"], f"Provides: {', '.join(data['provides'])}" if data["provides"] else ""):
        if line:
            console.print(line)
    if data["kind"] == "recipe":
        _print_slots(console, data["slots"])
        _print_presets(console, data)
    for part in data["parts"]:
        _print_part(console, part)


def _print_slots(console: Console, slots: list[dict[str, Any]]) -> None:
    table = Table(box=SIMPLE, show_edge=False, padding=(0, 1, 0, 0))
    for heading in ("Slot", "Kind", "Default"):
        table.add_column(heading, overflow="fold", no_wrap=True)
    for slot in slots:
        table.add_row(slot["name"], slot["kind"], slot["default"])
    console.print()
    console.print(table)
    console.print()
    # Lines of their own: in a column as narrow as 80 characters leave, names would be cut, and could not be copied.
    console.print("Others that fit (--part SLOT=NAME)", style="bold")
    for slot in slots:
        console.print(f"  {slot['name']}")
        console.print(Padding(", ".join(slot["alternatives"]) or "none", (0, 0, 0, 6), expand=False))
    console.print()


def _print_presets(console: Console, data: Mapping[str, Any]) -> None:
    if data["presets"]:
        console.print("Presets (--preset NAME)", style="bold")
    for name, values in data["presets"].items():
        console.print(f"  {name}{' (default)' if name == data['default_preset'] else ''}")
        console.print(Padding(", ".join(f"{key}={_plain(value)}" for key, value in values.items()), (0, 0, 0, 6), expand=False))


def _print_part(console: Console, part: Mapping[str, Any]) -> None:
    console.print()
    word = part["part"]
    title = f"{word}: {part['component']}" if word else "Options"
    if "problem" in part:
        console.print(Text.assemble((title, "bold"), f"  {part['problem']}"))
        return
    console.print(Text.assemble((title, "bold"), "" if part["options"] else "  no options"))
    if part["options"]:
        console.print(f"  set with -o {word or 'SLOT'}.OPTION=VALUE", style="dim")
    for option in part["options"]:
        kind = ", ".join(text for text in (option["type"], option["bounds"]) if text)
        changed = f"; default {_plain(option['default'])}" if option["value"] != option["default"] else ""
        _print_entry(console, option, f"  ({kind}{changed})")
    for figure in part["derived"]:
        _print_entry(console, figure, "  (follows from the options)")


def _print_entry(console: Console, entry: Mapping[str, Any], remark: str) -> None:
    line = Text.assemble((f"{entry['name']} = {_plain(entry['value'])}", "cyan"), remark)
    console.print(Padding(line, (0, 0, 0, 2), expand=False))
    if entry["doc"]:
        console.print(Padding(entry["doc"], (0, 0, 0, 6), expand=False))


def _plain(value: object) -> str:
    """Write a value as `-o` takes it; "none" for the absence of one."""
    if value is None:
        return "none"
    return value if isinstance(value, str) and value else json.dumps(value, default=str)
