"""Commands that plugins bring."""

from __future__ import annotations

import sys

import pytest

from gantool.cli.commands import COMMANDS, _may_offer
from gantool.cli.main import run

PLUGIN = """
from gantool import Component, hookimpl

@hookimpl
def gantool_commands():
    for name in NAMES:
        yield Component(name=name, factory="MODULE_command:command", summary="Fit a curve [px]")
"""
COMMAND = """
import click
from gantool import GantoolError

@click.command()
@click.option("--degree", type=int, default=1)
def command(degree):
    if degree < 1:
        raise GantoolError(f"--degree {degree}: at least 1")
    click.echo(f"MODULE {degree}")
    return 7
"""
HELP = ("--help",)


@pytest.fixture
def plant(site):
    """Install a plugin with commands; return the module that holds them."""

    def add(name: str, *names: str, command: str = COMMAND) -> str:
        module = site.plant(name, PLUGIN.replace("NAMES", repr(names)))
        (site.folder / f"{module}_command.py").write_text(command.replace("MODULE", name), encoding="utf-8")
        return f"{module}_command"

    return add


def test_it_is_listed_under_its_plugin_and_imported_only_when_it_runs(plant, capsys):
    module = plant("curves", "fit")
    assert run(["--help"]) == 0
    out = capsys.readouterr().out
    assert out.index("  completion ") < out.index("Commands of plugin curves:\n  fit  Fit a curve [px]\n")
    assert module not in sys.modules
    assert run(["fit", "--degree", "3"]) == 7
    assert capsys.readouterr().out == "curves 3\n"
    assert run(["curves:fit"]) == 7
    assert run(["fit", "--help"]) == 0
    assert "--degree INTEGER" in capsys.readouterr().out


def test_its_bad_input_its_variables_and_its_name_are_as_those_of_other_commands(plant, capsys, monkeypatch):
    plant("curves", "fit")
    assert run(["fit", "--degree", "0"]) == 2
    assert capsys.readouterr().err == "Error: --degree 0: at least 1\n"
    monkeypatch.setenv("GANTOOL_FIT_DEGREE", "5")
    assert run(["fit"]) == 7
    assert capsys.readouterr().out == "curves 5\n"
    assert run(["fitt"]) == 2
    assert capsys.readouterr().err == "Error: No such command 'fitt'; did you mean 'fit'?; see `gantool --help`\n"
    assert run(["curves:fitt"]) == 2
    assert "has no command 'fitt'; did you mean 'fit'?" in capsys.readouterr().err


def test_a_name_that_others_have_needs_the_plugin_in_front(plant, capsys):
    plant("curves", "fit", "train")
    plant("lines", "fit", "draw")
    assert run(["--help"]) == 0
    out = capsys.readouterr().out
    names = [line.split()[0] for line in out.partition("Commands of plugin")[2].splitlines() if line.endswith("[px]")]
    assert names == ["curves:fit", "curves:train", "lines:fit", "draw"]
    assert run(["fit"]) == 2
    message = "Error: command 'fit' is provided by curves:fit and lines:fit: write one of these\n"
    assert capsys.readouterr().err == message
    assert run(["curves:train"]) == run(["lines:fit"]) == run(["draw"]) == 7
    assert capsys.readouterr().out == "curves 1\nlines 1\nlines 1\n"
    # The host's own command stays what it is.
    assert run(["train", "--plugin", "nothing-like-it", "--dry-run"]) == 2
    capsys.readouterr()
    assert run(["plugins"]) == 0
    out = capsys.readouterr().out
    assert "gantool curves:train is called by its full name: 'train' is a command of another, too" in out
    assert out.count("is called by its full name") == 3


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import no_such_module", "cannot import 'planted_gantool_curves_curves_command:command': ModuleNotFoundError"),
        ("def command(): pass", "planted_gantool_curves_curves_command:command is a function, not a click command"),
        ("other = 1", "cannot import 'planted_gantool_curves_curves_command:command': AttributeError"),
    ],
)
def test_a_command_that_cannot_be_used_is_one_line(plant, capsys, source, message):
    plant("curves", "fit", command=source)
    assert run(["fit"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("Error: plugin 'curves', command 'fit': ")
    assert message in err
    assert run(["--help"]) == 0
    assert "Commands of plugin curves:" in capsys.readouterr().out


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("source", ["1 / 0", "raise SystemExit(3)", "import no_such_module", "gantool_commands = ("])
def test_a_broken_plugin_stops_no_other_command(site, plant, capsys, source):
    site.plant("bad", f"# gantool_commands\n{source}")
    plant("curves", "fit")
    assert run(["--help"]) == 0
    assert "Commands of plugin curves:" in capsys.readouterr().out
    assert run(["fit"]) == 7
    capsys.readouterr()
    assert run(["brew"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("Error: No such command 'brew'; plugin 'bad' (gantool-bad 1.0) is broken: ")
    assert error.count("\n") == 1


def test_a_variable_that_names_no_plugin_hides_no_help(plant, capsys, monkeypatch):
    plant("curves", "fit")
    monkeypatch.setenv("GANTOOL_PLUGINS", "nothing-like-it")
    assert run(["--help"]) == 0
    assert "Commands of plugin" not in capsys.readouterr().out
    monkeypatch.setenv("GANTOOL_PLUGINS", "simgan")
    assert run(["fit"]) == 2
    assert capsys.readouterr().err == "Error: No such command 'fit'; see `gantool --help`\n"


def test_help_loads_plugins_only_if_one_may_have_commands(site, modules_after):
    site.plant("plain")
    assert not modules_after("--help") & {"planted_gantool_plain_plain", "pluggy", "pydantic", "torch"}
    site.plant("curves", PLUGIN.replace("NAMES", "['fit']"))
    loaded = modules_after("--help")
    assert "planted_gantool_curves_curves" in loaded
    assert not loaded & {"planted_gantool_curves_curves_command", "torch", "numpy"}


def test_where_the_hook_may_be(site, monkeypatch):
    package = site.folder / "planted_package"
    package.mkdir()
    for name, text in {
        "__init__": "",
        "plain": "x = 1",
        "hook": "from .commands import gantool_commands",
        "star": "from .a import *",
    }.items():
        (package / f"{name}.py").write_text(text)
    (package / "deep").mkdir()
    (package / "deep" / "__init__.py").write_text("def gantool_commands(): pass")
    monkeypatch.delitem(sys.modules, "planted_package", raising=False)
    offers = {name: _may_offer(f"planted_package.{name}") for name in ("plain", "hook", "star", "deep", "compiled")}
    assert offers == {"plain": False, "hook": True, "star": True, "deep": True, "compiled": True}
    assert _may_offer("planted_package.plain:plugin")
    assert not any(map(_may_offer, ["planted_package", "planted_gone", "not a module", "", ".x"]))


def test_names_are_offered_by_the_shell(plant, capsys, monkeypatch):
    plant("curves", "fit", "train")
    monkeypatch.setenv("_GANTOOL_COMPLETE", "bash_complete")
    for words, expected in (("f", ["fit"]), ("curves", ["curves:train"]), ("re", ["refine", "report"])):
        monkeypatch.setenv("COMP_WORDS", f"gantool {words}")
        monkeypatch.setenv("COMP_CWORD", "1")
        with pytest.raises(SystemExit):
            sys.exit(run([]))
        assert [line.partition(",")[2] for line in capsys.readouterr().out.split()] == expected


def test_no_plugin_of_the_host_is_loaded_for_its_own_commands(modules_after):
    assert "pluggy" not in modules_after("refine", "--help")
    assert set(COMMANDS) >= {"train", "refine", "evaluate"}
