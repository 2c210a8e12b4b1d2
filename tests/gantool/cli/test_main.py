from __future__ import annotations

import importlib
import subprocess
import sys

import click
import pytest

from gantool._version import __version__
from gantool.cli.main import COMMANDS, cli, run

BOOM = """
import click
from pathlib import Path
from gantool.errors import GantoolError, Stopped, TrainingFailed

@click.command()
@click.option("--number", type=int)
def boom(number):
    RAISE
"""


@pytest.fixture
def boom(site, monkeypatch):
    """Add a command `boom` with the given last line."""

    def add(line: str) -> None:
        (site.folder / "planted_boom.py").write_text(BOOM.replace("RAISE", line))
        monkeypatch.setitem(COMMANDS, "boom", ("planted_boom:boom", "Fail."))

    return add


@pytest.mark.parametrize(
    ("line", "code", "expected"),
    [
        ("return", 0, ""),
        ("return 3", 3, ""),
        ("raise GantoolError('no such thing')", 2, "Error: no such thing\n"),
        ("raise TrainingFailed('not finite')", 1, "Error: not finite\n"),
        ("raise Stopped(143, Path('runs/a'))", 143, "Stopped; go on with: gantool train --resume runs/a\n"),
        ("raise click.exceptions.Exit(4)", 4, ""),
        ("raise click.Abort", 130, "Stopped.\n"),
        ("raise KeyboardInterrupt", 130, "\nStopped.\n"),
    ],
)
def test_exit_code_and_one_line(boom, capsys, line, code, expected):
    boom(line)
    assert run(["boom"]) == code
    assert capsys.readouterr().err == expected


def test_bug_keeps_its_traceback(boom):
    boom("1 / 0")
    with pytest.raises(ZeroDivisionError):
        run(["boom"])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["plugin"], "Error: No such command 'plugin'; did you mean 'plugins'?"),
        (["zzz"], "Error: No such command 'zzz'"),
        (["--verison"], "No such option '--verison'"),
        (["boom", "--number", "many"], "'many' is not a valid integer"),
        (["boom", "extra"], "Got unexpected extra argument (extra)"),
        ([], "Usage: gantool [OPTIONS] COMMAND"),
    ],
)
def test_usage_error(boom, capsys, words, expected):
    boom("return")
    assert run(words) == 2
    assert expected in capsys.readouterr().err


def test_help_names_every_command(capsys):
    assert run(["--help"]) == 0
    output = capsys.readouterr().out
    for name, (_, summary) in COMMANDS.items():
        assert f"  {name} " in output
        assert summary in output


@pytest.mark.parametrize("name", COMMANDS)
def test_command_lives_where_the_table_says(name):
    module, _, attribute = COMMANDS[name][0].partition(":")
    command = getattr(importlib.import_module(module), attribute)
    assert isinstance(command, click.Command)
    assert command.name == name
    assert command.get_short_help_str(limit=200) == COMMANDS[name][1]
    assert cli.get_command(click.Context(cli), name) is command


def test_help_imports_nothing_heavy(modules_after):
    assert not modules_after("--help") & {"torch", "pydantic", "numpy", "rich", "accelerate"}


def test_module_runs_as_the_program(gantool):
    result = gantool("--version")
    assert (result.returncode, result.stdout) == (0, f"gantool, version {__version__}\n")
    result = gantool("show", "nothing-like-it")
    assert result.returncode == 2
    assert result.stderr.startswith("Error: no plugin, recipe or component 'nothing-like-it'")
    assert result.stderr.count("\n") == 1


def test_interrupt_while_plugins_are_imported(site, gantool):
    site.plant("slow", "raise KeyboardInterrupt")
    result = gantool("plugins")
    assert result.returncode == 130
    assert result.stderr.strip() == "Stopped."


def test_reader_that_goes_away_ends_the_program_quietly():
    command = [sys.executable, "-m", "gantool", "plugins", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1
