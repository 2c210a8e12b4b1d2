"""`gantool new-plugin`."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from ..plugins.template import default_folder, plugin_name, write_plugin


@click.command("new-plugin", short_help="Write the project of a new plugin that trains at once.")
@click.argument("name")
@click.option("--output", metavar="DIR", type=click.Path(), help="Folder of the project. [default: gantool-NAME]")
def new_plugin(name: str, output: str | None) -> None:
    """Write the project of a plugin called NAME: a generator, a loss and a recipe that trains them, tests and a README.

    It goes into a new folder and works as it is; change it from there.
    """
    name = plugin_name(name)
    folder = Path(output) if output else default_folder(name)
    write_plugin(name, folder)
    place = shlex.quote(str(folder))
    here = place if folder.is_absolute() else f"./{place}"  # without it pip would look for a package of that name
    click.echo(f"Wrote {folder}. Next:\n")
    click.echo(f"  pip install -e {here}\n  pytest {here}\n  gantool train --plugin {name}")
