"""The `gantool` program: finds the command, runs it, turns errors into one line and an exit code."""

from __future__ import annotations

import errno
import importlib
import io
import os
import sys
from typing import Any

import click
from click.shell_completion import CompletionItem

from .._version import __version__
from ..compute.launch import reports, speaks
from ..compute.spinning import spin_briefly
from ..errors import GantoolError, ProcessLost, Stopped, suggest

COMMANDS = {
    "train": ("gantool.cli.train:train", "Train a recipe on a pair of image domains."),
    "refine": ("gantool.cli.refine:refine", "Refine images with a trained run; labels come along."),
    "data": ("gantool.cli.data:data", "Look at a set of images before training, or convert it."),
    "export": ("gantool.cli.models:export", "Write a trained network as ONNX, torch.export or safetensors."),
    "publish": ("gantool.cli.models:publish", "Write a folder for a model hub: weights, model card, picture."),
    "evaluate": ("gantool.cli.evaluate:evaluate", "Measure whether refining helps: one verdict, one table."),
    "report": ("gantool.cli.report:report", "Write one HTML page about a run."),
    "turing-test": ("gantool.cli.turing_test:turing_test", "Ask people whether they can tell refined from real images."),
    "plugins": ("gantool.cli.plugins:plugins", "List installed plugins and what they provide."),
    "show": ("gantool.cli.show:show", "Show the slots, options and defaults of a recipe or component."),
    "new-plugin": ("gantool.cli.new_plugin:new_plugin", "Write the project of a new plugin that trains at once."),
    "completion": ("gantool.cli.completion:completion", "Print the shell-completion script."),
}
"""name: (where it lives, what `gantool --help` says). Kept here so that `--help` imports no command."""

_REFUSED = {errno.ENOSPC, errno.EDQUOT, errno.ENAMETOOLONG, errno.ELOOP}
"""What an operating system says of a disk or a path that only the user can change, wherever it comes up."""


class LazyGroup(click.Group):
    """A group that imports a command only when it runs (or shows its own help)."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature, here and below
        """Name all commands, in the order of `--help`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command; None for one that does not exist."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that `args` begin with. Raises `click.UsageError`, with the nearest name, where there is none."""
        # Shell completion asks too, of lines that are not finished.
        if args[0] not in COMMANDS and not ctx.resilient_parsing:
            raise click.UsageError(f"No such command {args[0]!r}{suggest(args[0], COMMANDS)}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[Any]]:
        """Complete a command's name without importing the commands."""
        commands = [CompletionItem(name, help=text) for name, (_, text) in COMMANDS.items() if name.startswith(incomplete)]
        return commands + click.Command.shell_complete(self, ctx, incomplete)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "GANTOOL", "max_content_width": 100},
    epilog="GANTOOL_PLUGINS=a,b loads only these plugins. GANTOOL_TRAIN_STEPS=100 sets `train --steps`, and so on.",
)
@click.version_option(__version__, prog_name="gantool")
def cli() -> None:
    """Train networks that make synthetic images look real, while their labels stay true."""


def run(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code: 0, 1 (failed), 2 (bad input), 130 and 143 (stopped)."""
    _print_anything()
    spin_briefly()
    try:
        result = cli.main(args=arguments, prog_name="gantool", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        return _misused(error)
    except GantoolError as error:
        return _failed(error)
    except Stopped as stop:
        if speaks():
            click.echo(str(stop)[0].upper() + str(stop)[1:], err=True)
        return stop.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        return 130
    except OSError as error:
        if error.errno in _REFUSED:
            return _failed(GantoolError(f"{error.filename or 'output'}: {error.strerror}"))
        raise


def _print_anything() -> None:
    """Let no λ or ≥ end a command where the terminal cannot print it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _misused(error: click.ClickException) -> int:
    """Say in one line what is wrong with the words, and where help is; the bare program shows its help."""
    if reports(error.exit_code):
        if isinstance(error, click.UsageError) and not isinstance(error, click.exceptions.NoArgsIsHelpError):
            program = error.ctx.command_path if error.ctx else "gantool"
            click.echo(f"Error: {error.format_message().rstrip('.')}; see `{program} --help`", err=True)
        else:
            error.show()
    return error.exit_code


def _failed(error: GantoolError) -> int:
    if reports(error.exit_code, told=error.told, urgent=error.urgent):
        click.echo(f"Error: {error}", err=True)
    if isinstance(error, ProcessLost):
        # Straight out: what waits for the lost process on a GPU would keep this one waiting, too.
        sys.stderr.flush()
        os._exit(error.exit_code)
    return error.exit_code


def main() -> None:
    """Entry point of the console script."""
    sys.exit(run())
