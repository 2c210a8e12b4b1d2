"""`gantool plugins` and `gantool new-plugin`."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ..kinds import KINDS
from ..plugins.registry import VARIABLE, PluginInfo, Registry, load_plugins
from .commands import called


@click.command(short_help="List installed plugins and what they provide.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--doctor", is_flag=True, help="Examine every installed plugin: what is wrong, where, and what to do.")
def plugins(as_json: bool, doctor: bool) -> int:
    """List installed plugins, what they provide, and why one cannot be used.

    A broken plugin stops nothing unless it is asked for. GANTOOL_PLUGINS=a,b loads only these plugins. With --doctor the
    exit code is 1 if anything is wrong with any of them; factories are imported, so it takes some seconds.
    """
    if doctor:
        return _doctor(as_json)
    registry = load_plugins()
    if as_json:
        click.echo(json.dumps({"plugins": [_plain(info) for info in registry.plugins.values()]}, indent=2))
    else:
        _print(registry)
    return 0


def _doctor(as_json: bool) -> int:
    from ..plugins.doctor import diagnose

    diagnoses = diagnose()
    if as_json:
        plugins = [{**_names(info), "findings": [asdict(each) for each in findings]} for info, findings in diagnoses]
        click.echo(json.dumps({"plugins": plugins}, indent=2))
    else:
        for info, findings in diagnoses:
            verdict = "" if findings else ": nothing wrong"
            click.echo(f"{info.name} ({info.distribution} {info.version}, {info.location}){verdict}")
            for finding in findings:
                lines = {"wrong": finding.cause, "where": finding.place, "do": finding.advice}
                click.echo("".join(f"  {label + ':':<7}{text}\n" for label, text in lines.items() if text), nl=False)
    return 1 if any(findings for _, findings in diagnoses) else 0


def _names(info: PluginInfo) -> dict[str, Any]:
    return {"name": info.name, "version": info.version, "distribution": info.distribution, "location": info.location}


def _plain(info: PluginInfo) -> dict[str, Any]:
    return {
        **_names(info),
        "provides": [
            {
                "kind": p.kind,
                "name": p.record.name,
                "summary": p.record.summary,
                "provides": sorted(p.record.provides),
            }
            for p in info.provides
        ],
        "broken": info.broken,
    }


def _print(registry: Registry) -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE, show_edge=False, padding=(0, 1, 0, 0))
    for heading in ("Plugin", "Version", "Distribution"):
        table.add_column(heading, overflow="fold")
    table.add_column("Provides", overflow="fold", min_width=30)  # causes are long; a column of single words is not readable
    for info in registry.plugins.values():
        table.add_row(info.name, info.version, info.distribution, _provides(info), style=None if info.broken is None else "red")
    # Causes hold what plugins say, such as "simgan-plugin[kornia]", which is no markup.
    console = Console(markup=False, highlight=False, emoji=False)
    console.print(table)
    for name, provided in called(registry).items():
        if ":" in name:
            console.print(
                f"gantool {name} is called by its full name: {provided.record.name!r} is a command of another, too",
                soft_wrap=True,
            )
    if registry.left_out:
        console.print(f"Installed but not loaded because of {VARIABLE}: {', '.join(sorted(registry.left_out))}")


def _provides(info: PluginInfo) -> str:
    if info.broken is not None:
        return f"broken: {info.broken}"
    names = {kind: [p.record.name for p in info.provides if p.kind == kind] for kind in KINDS}
    return "\n".join(f"{kind}: {', '.join(found)}" for kind, found in names.items() if found) or "observes runs"


@click.command("new-plugin", short_help="Write the project of a new plugin that trains at once.")
@click.argument("name")
@click.option("--output", metavar="DIR", type=click.Path(), help="Folder of the project. [default: gantool-NAME]")
def new_plugin(name: str, output: str | None) -> None:
    """Write the project of a plugin called NAME: a generator, a loss and a recipe that trains them, tests and a README.

    It goes into a new folder and works as it is; change it from there.
    """
    from ..plugins.template import default_folder, plugin_name, write_plugin

    name = plugin_name(name)
    folder = Path(output) if output else default_folder(name)
    write_plugin(name, folder)
    place = shlex.quote(str(folder))
    here = place if folder.is_absolute() else f"./{place}"  # without it pip would look for a package of that name
    click.echo(f"Wrote {folder}. Next:\n")
    click.echo(f"  pip install -e {here}\n  pytest {here}\n  gantool train --plugin {name}")
