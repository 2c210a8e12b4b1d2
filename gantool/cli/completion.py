"""`gantool completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command(short_help="Print the shell-completion script.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that completes gantool's commands, options and names of plugins.

    \b
    bash  gantool completion bash > ~/.local/share/bash-completion/completions/gantool
    zsh   gantool completion zsh > a folder of your $fpath/_gantool
    fish  gantool completion fish > ~/.config/fish/completions/gantool.fish
    """
    from .main import cli

    script = get_completion_class(shell)
    assert script is not None  # click has one for each of the choices
    click.echo(script(cli, {}, "gantool", "_GANTOOL_COMPLETE").source())
