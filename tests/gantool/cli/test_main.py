from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

import gantool
from gantool._version import __version__
from gantool.cli.commands import COMMANDS
from gantool.cli.main import cli, run

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
        (
            "def deeper(): deeper()\n    deeper()",
            2,
            "Error: a file of the input is nested more deeply than any that gantool writes: look at what it is\n",
        ),
        (
            "raise MemoryError",
            2,
            "Error: there is not enough memory for that: pass smaller images, a smaller batch or fewer workers\n",
        ),
    ],
)
def test_exit_code_and_one_line(boom, capsys, line, code, expected):
    boom(line)
    assert run(["boom"]) == code
    assert capsys.readouterr().err == expected


def test_a_variable_that_is_no_setting_of_the_command_is_one_line(boom, capsys, monkeypatch):
    boom("return number")
    monkeypatch.setenv("GANTOOL_BOOM_NUMBER", "3")
    monkeypatch.setenv("GANTOOL_BOOMING_NUMBR", "4")
    assert run(["boom"]) == 3
    monkeypatch.setenv("GANTOOL_BOOM_NUMBR", "4")
    assert run(["boom"]) == 2
    said = "Error: the variable GANTOOL_BOOM_NUMBR is none of this command; did you mean 'GANTOOL_BOOM_NUMBER'?; see `gantool --help`\n"
    assert capsys.readouterr().err == said


def test_ctrl_c_while_the_program_is_imported_is_no_traceback(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nclass Stop:\n    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'click':\n            raise KeyboardInterrupt\nsys.meta_path.insert(0, Stop())\n"
    )
    path = os.pathsep.join([str(tmp_path), str(Path(gantool.__file__).parent.parent)])
    done = subprocess.run(
        [sys.executable, "-m", "gantool", "plugins"],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (130, "Stopped.\n")


def test_bug_keeps_its_traceback(boom):
    boom("1 / 0")
    with pytest.raises(ZeroDivisionError):
        run(["boom"])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["plugin"], "Error: No such command 'plugin'; did you mean 'plugins'?; see `gantool --help`\n"),
        (["zzz"], "Error: No such command 'zzz'; see `gantool --help`\n"),
        (["--verison"], "No such option '--verison'"),
        (["boom", "--number", "many"], "'many' is not a valid integer; see `gantool boom --help`\n"),
        (["boom", "extra"], "Got unexpected extra argument (extra); see `gantool boom --help`\n"),
    ],
)
def test_usage_error_is_one_line_that_says_where_help_is(boom, capsys, words, expected):
    boom("return")
    assert run(words) == 2
    errors = capsys.readouterr().err
    assert expected in errors
    assert errors.startswith("Error: ")
    assert errors.count("\n") == 1


def test_the_bare_program_shows_its_help(capsys):
    assert run([]) == 2
    assert "Usage: gantool [OPTIONS] COMMAND" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("raise OSError(28, 'No space left on device')", "Error: output: No space left on device\n"),
        ("open('x' * 300)", f"Error: {'x' * 300}: File name too long\n"),
    ],
)
def test_what_only_the_user_can_change_is_one_line(boom, capsys, line, expected):
    boom(line)
    assert run(["boom"]) == 2
    assert capsys.readouterr().err == expected


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("words", [["plugins"], ["train", "--plugin", "simgan", "--dry-run"]])
def test_a_full_disk_under_the_output_is_one_line(words):
    command = [sys.executable, "-m", "gantool", *words]
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (result.returncode, result.stderr) == (2, "Error: output: No space left on device\n")


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
    site.plant("slow", "import os, signal\nos.kill(os.getpid(), signal.SIGINT)")
    result = gantool("plugins")
    assert result.returncode == 130
    assert result.stderr.strip() == "Stopped."


def test_reader_that_goes_away_ends_the_program_quietly():
    command = [sys.executable, "-m", "gantool", "plugins", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1
