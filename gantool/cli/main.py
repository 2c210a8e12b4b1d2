"""The `gantool` program: finds the command, runs it, turns errors into one line and an exit code."""

from __future__ import annotations

import importlib
import sys

import click

from .._version import __version__
from ..errors import GantoolError

COMMANDS = {
    "train": ("gantool.cli.train:train", "Train a recipe on a pair of image domains."),
    "refine": ("gantool.cli.refine:refine", "Refine images with a trained run; labels come along."),
    "plugins": ("gantool.cli.plugins:plugins", "List installed plugins and what they provide."),
    "show": ("gantool.cli.show:show", "Show the slots, options and defaults of a recipe or component."),
    "completion": ("gantool.cli.completion:completion", "Print the shell-completion script."),
}
"""name: (where it lives, what `gantool --help` says). Kept here so that `--help` imports no command."""


class LazyGroup(click.Group):
    """A group that imports a command only when it runs (or shows its own help)."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "GANTOOL"},
    epilog="GANTOOL_PLUGINS=a,b loads only these plugins. GANTOOL_TRAIN_STEPS=100 sets `train --steps`, and so on.",
)
@click.version_option(__version__, prog_name="gantool")
def cli() -> None:
    """Train networks that make synthetic images look real, while their labels stay true."""


def run(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code: 0, 1 (failed), 2 (bad input), 130 and 143 (stopped)."""
    try:
        result = cli.main(args=arguments, prog_name="gantool", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except GantoolError as error:
        click.echo(f"Error: {error}", err=True)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        return 130
    except BrokenPipeError:  # `gantool plugins | head`
        sys.stderr.close()
        return 1


def main() -> None:
    """Entry point of the console script."""
    sys.exit(run())
