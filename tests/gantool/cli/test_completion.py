from __future__ import annotations

import shutil
import subprocess
import sys

import click
import pytest

from gantool.cli.commands import COMMANDS
from gantool.cli.complete import complete_anything, complete_component, complete_recipe
from gantool.cli.main import run

RECIPES = """
from gantool import Component, Recipe, hookimpl

@hookimpl
def gantool_recipes():
    for name in NAMES:
        yield Recipe(name=name, factory="a:b", summary="Trains")

@hookimpl
def gantool_generators():
    yield Component(name="unet", factory="a:b")
    yield Component(name="NAME", factory="a:b", summary="A network")
"""


@pytest.fixture
def planted(site, monkeypatch):
    site.plant("cycle", RECIPES.replace("NAMES", "['both-ways']").replace("NAME", "deepnet"))
    site.plant("many", RECIPES.replace("NAMES", "['first', 'second']").replace("NAME", "tiny"))
    monkeypatch.setenv("GANTOOL_PLUGINS", "cycle,many")


def offered(complete, incomplete: str) -> list[str]:
    command = click.Command("x", params=[click.Option(["--name"])])
    return [item.value for item in complete(click.Context(command), command.params[0], incomplete)]


@pytest.mark.usefixtures("planted")
@pytest.mark.parametrize(
    ("complete", "incomplete", "expected"),
    [
        (complete_recipe, "", ["cycle", "many:first", "many:second"]),
        (complete_recipe, "many:s", ["many:second"]),
        (complete_component("generator"), "", ["cycle:unet", "deepnet", "many:unet", "tiny"]),
        (complete_component("generator"), "cyc", ["cycle:unet", "cycle:deepnet"]),
        (complete_component("generator"), "t", ["tiny"]),
        (complete_component("dataset"), "fi", ["files"]),
        (complete_component("generator"), "zzz", []),
        (complete_anything, "cycle:", ["cycle:unet", "cycle:deepnet", "cycle:both-ways"]),
    ],
)
def test_what_is_offered(complete, incomplete, expected):
    assert offered(complete, incomplete) == expected


def test_summary_is_offered_too(site):
    site.plant("cycle", RECIPES.replace("NAMES", "['both-ways']").replace("NAME", "deepnet"))
    command = click.Command("x", params=[click.Option(["--name"])])
    (item,) = complete_component("generator")(click.Context(command), command.params[0], "deepn")
    assert item.help == "A network"


def test_nothing_is_offered_and_said_where_plugins_fail(monkeypatch):
    monkeypatch.setenv("GANTOOL_PLUGINS", "no-such-plugin")
    assert offered(complete_recipe, "") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_script(capsys, shell):
    assert run(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert f"_GANTOOL_COMPLETE={shell}_complete" in script
    assert "gantool" in script.splitlines()[0] + script.splitlines()[-1]


def test_unknown_shell(capsys):
    assert run(["completion", "tcsh"]) == 2
    assert "'tcsh' is not one of 'bash', 'zsh', 'fish'" in capsys.readouterr().err


def complete_line(gantool, line: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Ask as bash does; the word to complete is the last of the line."""
    words = line.split(" ")
    variables = {"_GANTOOL_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    return gantool(env=variables | env)


def values(result: subprocess.CompletedProcess[str]) -> list[str]:
    assert (result.returncode, result.stderr) == (0, "")
    return [line.partition(",")[2] for line in result.stdout.split()]


def test_commands_are_completed(gantool):
    assert values(complete_line(gantool, "gantool ")) == list(COMMANDS)
    assert values(complete_line(gantool, "gantool pl")) == ["plugins"]
    assert values(complete_line(gantool, "gantool --ver")) == ["--version"]


@pytest.mark.usefixtures("planted")
def test_options_take_names_of_plugins_and_components(gantool):
    assert values(complete_line(gantool, "gantool train --plugin man")) == ["many:first", "many:second"]
    assert values(complete_line(gantool, "gantool train --generator deep")) == ["deepnet"]
    assert values(complete_line(gantool, "gantool show cycle:d")) == ["cycle:deepnet"]


def test_unfinished_line_with_an_unknown_command(gantool):
    assert complete_line(gantool, "gantool trian --plugin ").stderr == ""


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_script_works_in_bash(tmp_path):
    program = tmp_path / "gantool"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m gantool "$@"\n')
    program.chmod(0o755)
    script = f"""
        eval "$({program} completion bash)"
        COMP_WORDS=(gantool comp) COMP_CWORD=1
        _gantool_completion {program}
        echo "${{COMPREPLY[@]}}"
    """
    result = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert result.stdout.split() == ["compare", "completion"], result.stderr
