"""Settings become options: each field has one, with its help in one line."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Annotated, Literal

import click
import pytest
from annotated_types import Ge
from click.testing import CliRunner

from gantool.cli.commands import COMMANDS
from gantool.cli.flags import docstrings, settings
from gantool.cli.main import cli
from gantool.data.domains import Preprocess
from gantool.plan import settings as settings_module
from gantool.plan.settings import RunSettings, read_settings
from gantool.values import Flag, Range, Reads, Size

ALL = [cls for name, cls in vars(settings_module).items() if name.endswith("Settings") and isinstance(cls, type)] + [Preprocess]


@dataclass(frozen=True)
class Base:
    device: str = "auto"
    """Where. On what."""


@dataclass(frozen=True, kw_only=True)
class Toy(Base):
    count: Annotated[int, Ge(1)] = 3
    """How many, `device` or not. More is not better."""
    weight: float = 0.5
    """In kg (g would do)."""
    none: int | None = None
    """Of some. None: all of
    them. Really."""
    mode: Literal["a", "b"] = "a"
    """Which."""
    size: Literal["keep"] | Size = "keep"
    """Of it."""
    range: Range | None = None
    """From and to."""
    either: Literal["auto"] | int = "auto"
    """A number."""
    names: Annotated[tuple[str, ...], Flag("A,B", name="--name", commas=True)] = ("x", "y")
    """Some."""
    words: tuple[str, ...] = ()
    """Others."""
    on: bool = True
    """Do it."""
    off: bool = False
    """Do not."""
    half: Annotated[int | None, Reads(lambda value: int(value) // 2, "2N")] = None
    undocumented: int = 0


HELP = """
  --count N         How many, --device or not. [default: 3]
  --weight N        In kg (g would do). [default: 0.5]
  --none N          Of some. [default: all of them]
  --mode [a|b]      Which. [default: a]
  --size keep|HxW   Of it. [default: keep]
  --range LO,HI     From and to.
  --either auto|N   A number. [default: auto]
  --name A,B        Some. [default: x,y]
  --words NAME      Others.
  --on / --no-on    Do it. [default: on]
  --off             Do not.
  --half 2N
  --undocumented N  [default: 0]
  --device NAME     Where. [default: auto]
"""
LAYERED = """
  --weight N                      In kg (g would do).
  --off / --no-off                Do not.
"""


def called(words: list[str], *, layered: bool = False, env: dict[str, str] | None = None) -> tuple[dict, str]:
    """What a command with the options of `Toy` gets, and what it prints."""
    got: dict = {}

    @click.command()
    @settings(Toy, layered=layered)
    def command(**said):
        got.update(said)

    result = CliRunner().invoke(command, words, env=env, auto_envvar_prefix="T", terminal_width=100)
    return got, result.output


def test_help_is_made_of_names_types_defaults_and_first_sentences():
    printed = called(["--help"])[1]
    assert [line.rstrip() for line in printed.splitlines() if line.startswith("  --")][:-1] == HELP.strip("\n").splitlines()
    layered = called(["--help"], layered=True)[1]
    assert all(re.sub(" +", " ", line) in re.sub(" +", " ", layered) for line in LAYERED.strip("\n").splitlines())
    assert "[default" not in layered


def test_a_command_gets_what_was_said_and_none_for_the_rest():
    silent = called([])[0]
    assert set(silent) == {field.name for field in fields(Toy)}
    assert set(silent.values()) == {None}
    words = "--count 5 --mode b --size 3x4 --either 7 --name a,b --name c --words p,q --words r --no-on --off --half 9"
    said = {name: value for name, value in called(words.split())[0].items() if value is not None}
    assert said == {
        **{"count": 5, "mode": "b", "size": "3x4", "either": "7", "names": ("a", "b", "c"), "words": ("p,q", "r")},
        **{"on": False, "off": True, "half": "9"},
    }
    read = read_settings(Toy, said, of="toy")
    assert (read.size, read.either, read.half, read.weight) == ((3, 4), 7, 4, 0.5)
    assert called([], env={"T_COUNT": "8", "T_NAMES": "u v", "T_ON": "0"})[0] == silent | {
        **{"count": 8, "names": ("u", "v"), "on": False}
    }


@pytest.mark.parametrize("words", ["--count many", "--mode c", "--weight x", "--nothing 1"])
def test_what_click_can_tell_is_wrong_at_once(words):
    got, printed = called(words.split())
    assert got == {}
    assert "Error: " in printed


@pytest.mark.parametrize("cls", ALL)
def test_defaults_and_instances_are_what_a_call_may_say(cls):
    assert read_settings(cls, {}, of="x") == read_settings(cls, vars(cls()), of="x") == cls()
    assert read_settings(cls, dict.fromkeys(vars(cls())), of="x") == cls()


def test_every_setting_is_documented():
    for cls in ALL:
        assert set(docstrings(cls)) == {field.name for field in fields(cls)}, cls
        assert all(text.endswith(".") for text in docstrings(cls).values())


@pytest.mark.parametrize("name", [*(name for name in COMMANDS if name != "data"), "data inspect", "data convert"])
def test_no_option_needs_a_second_line_at_100_columns(name):
    command = cli
    for word in name.split():
        command = command.get_command(click.Context(command), word)
    context = click.Context(command, info_name=name, terminal_width=100, max_content_width=100)
    lines = command.get_help(context).partition("Options:\n")[2].partition("\n\n")[0].splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("  -")]
    for start, stop in zip(starts, [*starts[1:], len(lines)], strict=True):
        # A name that is too long for its column has a line of its own.
        said = [line for line in lines[start:stop] if not line.startswith("  -") or re.search(r"^  \S.*\S {2,}\S", line)]
        assert len(said) <= 1, said


@pytest.mark.parametrize("cls", [RunSettings, Preprocess])
def test_a_run_takes_every_setting_from_the_command_line(cls):
    known = {parameter.name for parameter in cli.get_command(click.Context(cli), "train").params}
    assert {field.name for field in fields(cls)} <= known
