"""The `gantool` program: finds the command, runs it, turns errors into one line and an exit code."""

from __future__ import annotations

import errno
import io
import os
import sys

import click

from .._version import __version__
from ..compute.launch import reports, speaks
from ..compute.spinning import spin_briefly
from ..errors import GantoolError, ProcessLost, Stopped
from .commands import Commands

_REFUSED = {errno.ENOSPC, errno.EDQUOT, errno.ENAMETOOLONG, errno.ELOOP}
"""What an operating system says of a disk or a path that only the user can change, wherever it comes up."""


@click.group(
    cls=Commands,
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
    except (OSError, RecursionError, MemoryError) as error:
        said = _in_words(error)
        if said is None:
            raise
        return _failed(GantoolError(said))


def _in_words(error: BaseException) -> str | None:
    """What the limits of a machine, wherever one is met, mean to a person; None for what is no such."""
    if isinstance(error, RecursionError):
        return "a file of the input is nested more deeply than any that gantool writes: look at what it is"
    if isinstance(error, MemoryError):
        return "there is not enough memory for that: pass smaller images, a smaller batch or fewer workers"
    if isinstance(error, OSError) and error.errno in _REFUSED:
        return f"{error.filename or 'output'}: {error.strerror}"
    return None


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
