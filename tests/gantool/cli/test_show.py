from __future__ import annotations

import json

import pytest

from gantool.cli.main import run

CYCLE = '''
from dataclasses import dataclass
from typing import Annotated
from annotated_types import Ge, Le
from gantool import Component, Recipe, Slot, hookimpl

@dataclass(frozen=True)
class Net:
    width: Annotated[int, Ge(1), Le(1024)] = 64
    """Feature maps of every layer. Memory grows
    with its square."""
    kernel: int = 3
    """Side of a kernel in pixels."""

    @property
    def receptive_field(self) -> int:
        """Side in pixels of what one pixel depends on."""
        return 1 + 2 * self.kernel

@dataclass(frozen=True)
class Cycle:
    weight: float = 10.0
    """λ of the cycle, without unit."""
    mode: str = ""
    """How."""

@hookimpl
def gantool_generators():
    yield Component(name="deepnet", factory="a:b", options=Net, summary="Keeps the size", provides=frozenset({"features"}))
    yield Component(name="unet", factory="a:b", provides=frozenset({"features"}))
    yield Component(name="tiny", factory="a:b")

@hookimpl
def gantool_losses():
    yield Component(name="tiny", factory="a:b")

@hookimpl
def gantool_recipes():
    yield Recipe(
        name="both-ways", factory="a:b", options=Cycle, summary="Two ways and back", dataset="gantool:files",
        slots=(
            Slot(name="there", kind="generator", default="cycle:deepnet", requires=frozenset({"features"})),
            Slot(name="back", kind="generator", default="gone:deepnet"),
        ),
        presets={
            "laptop": {"there.width": 16, "recipe.weight": 5.0, "batch_size": 4},
            "large": {"there.kernel": 7},
            "wrong": {"there.width": 0},
        },
        default_preset="laptop",
    )
'''


@pytest.fixture
def cycle(site, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    site.plant("cycle", CYCLE)
    # What else is installed here fits some slots, too.
    monkeypatch.setenv("GANTOOL_PLUGINS", "cycle,simgan")


def shown(capsys, *words: str) -> dict:
    assert run(["show", "--json", *words]) == 0
    return json.loads(capsys.readouterr().out)


def refused(capsys, *words: str) -> str:
    assert run(["show", *words]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error.removeprefix("Error: ").rstrip("\n")


def part(data: dict, name: str) -> dict:
    return next(part for part in data["parts"] if part["part"] == name)


def options(data: dict, name: str) -> dict[str, dict]:
    return {option["name"]: option for option in part(data, name)["options"]}


@pytest.mark.usefixtures("cycle")
class TestRecipe:
    @pytest.mark.parametrize("words", [["cycle"], ["both-ways"], ["cycle:both-ways"], ["recipe", "cycle"]])
    def test_names_of_a_recipe(self, capsys, words):
        data = shown(capsys, *words)
        assert (data["name"], data["kind"], data["summary"]) == ("cycle:both-ways", "recipe", "Two ways and back")

    def test_slots_with_what_else_fits(self, capsys):
        slots = {slot["name"]: slot for slot in shown(capsys, "cycle")["slots"]}
        assert list(slots) == ["there", "back", "dataset", "metric"]
        assert slots["there"]["default"] == "cycle:deepnet"
        assert slots["there"]["requires"] == ["features"]
        assert slots["there"]["alternatives"] == ["cycle:unet"]
        assert {"cycle:deepnet", "cycle:unet", "cycle:tiny"} <= set(slots["back"]["alternatives"])
        assert slots["dataset"]["default"] == "gantool:files"

    def test_values_are_those_of_the_default_preset(self, capsys):
        data = shown(capsys, "cycle")
        assert (data["preset"], data["default_preset"]) == ("laptop", "laptop")
        assert list(data["presets"]) == ["laptop", "large", "wrong"]
        width = options(data, "there")["width"]
        assert width == {
            "name": "width",
            "type": "int",
            "default": 64,
            "value": 16,
            "bounds": "1 to 1024",
            "doc": "Feature maps of every layer. Memory grows with its square.",
        }
        assert options(data, "recipe")["weight"]["value"] == 5.0
        assert options(data, "there")["kernel"]["value"] == 3

    def test_another_preset_changes_values_and_derived_figures(self, capsys):
        data = shown(capsys, "cycle", "--preset", "large")
        assert (options(data, "there")["width"]["value"], options(data, "there")["kernel"]["value"]) == (64, 7)
        figure = {"name": "receptive_field", "value": 15, "doc": "Side in pixels of what one pixel depends on."}
        assert part(data, "there")["derived"] == [figure]

    def test_unknown_preset(self, capsys):
        assert (
            refused(capsys, "cycle", "--preset", "latop")
            == "both-ways has no preset 'latop'; did you mean 'laptop'?; it has: laptop, large, wrong"
        )

    def test_part_that_cannot_be_shown_hides_no_other(self, capsys):
        data = shown(capsys, "cycle", "--preset", "wrong")
        problem = "preset 'wrong': there.width: input should be greater than or equal to 1, got 0"
        assert part(data, "there") == {"part": "there", "component": "cycle:deepnet", "problem": problem}
        assert part(data, "back")["problem"].startswith("no plugin 'gone'")
        assert options(data, "recipe")

    def test_text_says_the_same_within_80_columns(self, capsys):
        assert run(["show", "cycle"]) == 0
        output = capsys.readouterr().out
        assert max(map(len, output.splitlines())) <= 80
        lines = [" ".join(line.split()) for line in output.splitlines()]
        for line in (
            "cycle:both-ways recipe of plugin 'cycle'",
            "Two ways and back",
            "there generator cycle:deepnet",
            "cycle:unet",
            "laptop (default)",
            "there.width=16, recipe.weight=5.0, batch_size=4",
            "recipe: cycle:both-ways",
            "set with -o there.OPTION=VALUE",
            "width = 16 (int, 1 to 1024; default 64)",
            "kernel = 3 (int)",
            "Side of a kernel in pixels.",
            "receptive_field = 7 (follows from the options)",
            'mode = "" (text)',
            "λ of the cycle, without unit.",
        ):
            assert line in lines
        assert "back: gone:deepnet no plugin 'gone'" in " ".join(lines)


def test_names_are_not_cut_at_80_columns(site, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    names = [f"plugin-with-a-long-name-{i}:network-with-a-long-name" for i in range(3)]
    site.plant("cycle", CYCLE)
    for name in names:
        plugin, _, network = name.partition(":")
        site.plant(plugin, CYCLE.partition("@hookimpl\ndef gantool_losses")[0].replace('"deepnet"', f'"{network}"'))
    assert run(["show", "cycle"]) == 0
    words = capsys.readouterr().out.replace(",", " ").split()
    assert set(names) <= set(words)


@pytest.mark.usefixtures("cycle")
class TestComponent:
    @pytest.mark.parametrize("words", [["deepnet"], ["cycle:deepnet"], ["generator", "cycle:deepnet"], ["generator", "deepnet"]])
    def test_names_of_a_component(self, capsys, words):
        data = shown(capsys, *words)
        assert (data["name"], data["kind"], data["plugin"]) == ("cycle:deepnet", "generator", "cycle")
        assert (data["summary"], data["provides"], data["factory"]) == ("Keeps the size", ["features"], "a:b")
        assert options(data, "")["width"]["value"] == 64
        assert part(data, "")["derived"][0]["value"] == 7

    def test_text(self, capsys):
        assert run(["show", "deepnet"]) == 0
        output = capsys.readouterr().out
        assert "cycle:deepnet  generator of plugin 'cycle'\nKeeps the size\nProvides: features\n" in output
        assert "  width = 64  (int, 1 to 1024)\n" in output

    def test_component_without_options(self, capsys):
        assert run(["show", "unet"]) == 0
        assert "no options" in capsys.readouterr().out

    def test_name_of_two_components(self, capsys):
        assert refused(capsys, "cycle:tiny") == (
            "'cycle:tiny' is the name of several components: "
            "write gantool show generator cycle:tiny or gantool show loss cycle:tiny"
        )
        assert shown(capsys, "loss", "cycle:tiny")["kind"] == "loss"

    def test_preset_of_a_component(self, capsys):
        assert refused(capsys, "deepnet", "--preset", "a") == "--preset goes with a recipe; cycle:deepnet is a generator"


@pytest.mark.usefixtures("cycle")
class TestUnknownNames:
    @pytest.mark.parametrize(
        ("words", "expected"),
        [
            (["both-way"], "no plugin, recipe or component 'both-way'; did you mean 'both-ways'?"),
            (["cycle:deepnt"], "plugin 'cycle' has no component 'cycle:deepnt'; did you mean 'cycle:deepnet'?"),
            (["generater", "deepnet"], "no kind 'generater'; did you mean 'generator'?"),
            (["loss", "deepnet"], "no loss 'deepnet'; "),
            (["cycl:deepnet"], "no plugin 'cycl'; did you mean 'cycle'?"),
        ],
    )
    def test_suggestion(self, capsys, words, expected):
        assert refused(capsys, *words).startswith(expected)

    def test_plugin_without_recipe(self, site, capsys, monkeypatch):
        monkeypatch.delenv("GANTOOL_PLUGINS")
        site.plant("deep")
        assert refused(capsys, "deep") == "plugin 'deep' has no recipe; did you mean 'deep:unet'?"

    def test_broken_plugin(self, site, capsys, monkeypatch):
        monkeypatch.delenv("GANTOOL_PLUGINS")
        site.plant("bad", "raise ValueError('boom')")
        for name in ("bad", "bad:unet"):
            assert refused(capsys, name) == "plugin 'bad' (gantool-bad 1.0) is broken: ValueError: boom"

    def test_plugin_that_is_left_out(self, site, capsys, monkeypatch):
        monkeypatch.setenv("GANTOOL_PLUGINS", "simgan")
        assert refused(capsys, "cycle").startswith("plugin 'cycle' is installed but not loaded")

    def test_too_many_words(self, capsys):
        assert run(["show", "a", "b", "c"]) == 2
        assert "write one name, or a kind and a name" in capsys.readouterr().err


def test_derived_figure_that_fails(site, capsys):
    site.plant("cycle", CYCLE.replace("return 1 + 2 * self.kernel", "return 1 // 0"))
    expected = "cycle:deepnet: a property of its options raised ZeroDivisionError: integer division or modulo by zero"
    assert refused(capsys, "deepnet") == expected


@pytest.mark.usefixtures("cycle")
def test_terminal_that_cannot_print_every_sign(gantool):
    result = gantool("show", "cycle", env={"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"})
    assert result.returncode == 0, result.stderr
    assert "? of the cycle" in result.stdout


@pytest.mark.usefixtures("cycle")
def test_no_torch(modules_after):
    assert not modules_after("show", "cycle") & {"torch", "numpy", "accelerate"}
