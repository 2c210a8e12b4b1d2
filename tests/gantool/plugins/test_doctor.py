from __future__ import annotations

import json
import random
import re
import sys
from pathlib import Path

import pytest
import torch

from gantool.cli.main import run
from gantool.plugins.discovery import installed_plugins
from gantool.plugins.doctor import Finding, diagnose

HOOK = "from gantool import Component, Recipe, Slot, hookimpl\nfrom dataclasses import dataclass\n"
UNET = HOOK + '@hookimpl\ndef gantool_generators():\n    yield Component(name="unet", factory="{factory}")\n'


def findings(name: str = "deep") -> tuple[Finding, ...]:
    ((_, found),) = diagnose([name])
    return found


def one(name: str = "deep") -> Finding:
    (finding,) = findings(name)
    return finding


def line_of(finding: Finding) -> tuple[str, int]:
    match = re.fullmatch(r"(.+), line (\d+)", finding.place)
    assert match, finding
    return Path(match[1]).name, int(match[2])


def test_sound_plugins_have_no_findings(site):
    site.plant("deep", UNET.format(factory="os.path:join"))
    assert findings() == ()


@pytest.mark.parametrize(
    ("source", "line", "cause", "advice"),
    [
        ("import sys\n\nimport no_such_module.deep", 3, "ModuleNotFoundError: No module named", "install no_such_module here"),
        (
            "from gantool import no_such_thing",
            1,
            "ImportError: cannot import name",
            "has another version than the plugin expects",
        ),
        ("x = 1\ny = (", 2, "SyntaxError: ", "correct that line"),
        ("def f():\n    raise ValueError('boom')\n\nf()", 2, "ValueError: boom", "the plugin's own code fails at that line"),
        ("import json\njson.loads('{')", 2, "JSONDecodeError", "the plugin's own code fails at that line"),
        (
            f"{HOOK}\n@hookimpl\ndef gantool_generator():\n    pass",
            4,
            "there is no hook gantool_generator; did you mean",
            "pydoc",
        ),
        (f"{HOOK}def gantool_generators():\n    pass", 3, "function gantool_generators is not marked", "pydoc"),
        (f"{HOOK}@hookimpl\ndef gantool_generators(x):\n    pass", 3, "can not be found in the hookspec", "pydoc"),
        (f"{HOOK}@hookimpl\ndef gantool_generators():\n    yield 3", 3, "gantool_generators yielded a int", "pydoc"),
        (f"{HOOK}@hookimpl\ndef gantool_generators():\n    1 / 0", 5, "gantool_generators raised ZeroDivisionError", "pydoc"),
    ],
)
def test_cause_place_and_advice(site, source, line, cause, advice):
    module = site.plant("deep", source)
    finding = one()
    assert cause in finding.cause
    assert line_of(finding) == (f"{module}.py", line)
    assert advice in finding.advice


@pytest.mark.parametrize(
    ("planting", "cause", "advice"),
    [
        ({"value": "no_such_plugin"}, "No module named 'no_such_plugin'", "the entry point names a module that is not installed"),
        ({"value": "MODULE:plugin"}, "has no attribute 'plugin'", "names something that planted_gantool_deep_deep does not have"),
        ({"value": "no module"}, "is not of the form 'package.module'", "correct the plugin's pyproject.toml"),
        (
            {"requires": ("simgan-plugin>=99",)},
            "needs simgan-plugin>=99, this is",
            "pip install 'simgan-plugin>=99', or a version",
        ),
    ],
)
def test_installation(site, planting, cause, advice):
    site.plant("deep", **planting)
    finding = one()
    assert cause in finding.cause
    assert advice in finding.advice


def test_name_clash(site):
    site.plant("deep", distribution="one")
    site.plant("deep", distribution="two")
    assert re.match("2 entry points have this name, of (one 1.0 and two|two 1.0 and one) 1.0", one().cause)
    assert re.match("pip uninstall (one|two), or rename one of them", one().advice)


def test_torch_in_a_description(site):
    module = site.plant("deep", "import gantool\nimport torch\n" + UNET.format(factory="os.path:join"))
    finding = one()
    assert (finding.cause, line_of(finding)) == ("its description imports torch", (f"{module}.py", 2))


def test_torch_through_another_package_is_shown_where_the_plugin_asks_for_it(site):
    (site.folder / "planted_between.py").write_text("import torch")
    module = site.plant("deep", "\n\nimport planted_between\n" + UNET.format(factory="os.path:join"))
    assert line_of(one()) == (f"{module}.py", 3)


@pytest.mark.parametrize(
    ("factory", "cause", "advice"),
    [
        (
            "no_such_package:Net",
            "generator 'unet': cannot import 'no_such_package:Net': ModuleNotFoundError",
            "install no_such_package",
        ),
        ("os.path:Net", "generator 'unet': cannot import 'os.path:Net': AttributeError", "correct the string of `factory`"),
        ("os.path:sep", "generator 'unet': 'os.path:sep' cannot be called", "correct the string of `factory`"),
    ],
)
def test_factories(site, factory, cause, advice):
    site.plant("deep", UNET.format(factory=factory))
    assert one().cause.startswith(cause)
    assert one().advice.startswith(advice)


def test_part_of_a_plugin_that_is_not_installed(site):
    slots = 'slots=(Slot(name="generator", kind="generator", default="away:unet"),)'
    site.plant("deep", f'{HOOK}@hookimpl\ndef gantool_recipes():\n    yield Recipe(name="r", factory="os.path:join", {slots})\n')
    finding = one()
    assert finding.cause == "recipe 'r' uses away:unet, but no plugin 'away' is installed"
    assert finding.advice == "install the distribution that provides it, and add that to the dependencies of the plugin"


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("import os\nos._exit(9)", "importing it ends the program with exit code 9"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", "importing it ends the program with SIGSEGV"),
    ],
)
def test_import_that_would_end_the_doctor_itself(site, source, cause):
    module = site.plant("deep", source)
    assert one().cause == cause
    assert module in one().advice


def test_import_that_raises_no_exception_has_a_place_as_others_have(site):
    module = site.plant("deep", "class Panic(BaseException):\n    pass\nraise Panic('in\\nRust')")
    finding = one()
    assert finding.cause == "Panic: in Rust"
    assert finding.place.endswith(f"{module}.py, line 3")


def test_import_without_an_end(site, monkeypatch):
    monkeypatch.setattr("gantool.plugins.probe.PATIENCE", 1.0)
    site.plant("deep", "while True:\n    pass")
    assert one().cause == "importing it has no end within 1 seconds"


def test_description_that_takes_long(site, monkeypatch):
    monkeypatch.setattr("gantool.plugins.doctor.SLOW", 0.5)
    site.plant("deep", "import time\ntime.sleep(0.6)\n" + UNET.format(factory="os.path:join"))
    assert re.fullmatch(r"its description takes \d+\.\d s", one().cause)


def test_what_a_plugin_prints_is_not_taken_for_a_finding(site):
    site.plant("deep", "import os\nprint('said')\nos.write(1, b'written')\n" + UNET.format(factory="os.path:join"))
    assert findings() == ()


@pytest.mark.parametrize(
    ("decorator", "width", "cause"),
    [
        ("@dataclass", "int = 1", "options Net: the dataclass must be frozen"),
        ("@dataclass(frozen=True)", "int", "generator 'unet': options Net: field 'width' has no default"),
    ],
)
def test_place_of_an_option_class_is_the_plugins_own(site, decorator, width, cause):
    source = f"{HOOK}\n\n{decorator}\nclass Net:\n    width: {width}\n\n\n@hookimpl\ndef gantool_generators():\n"
    module = site.plant("deep", source + "    yield Component(name='unet', factory='a:b', options=Net)")
    assert cause in one().cause
    assert line_of(one()) in ((f"{module}.py", 5), (f"{module}.py", 6))  # Python 3.13 counts from the class


def test_option_with_a_type_that_cannot_be_read(site):
    source = UNET.format(factory="os.path:join").replace(
        "@hookimpl", "@dataclass(frozen=True)\nclass Net:\n    width: 'Missing' = 1\n@hookimpl", 1
    )
    site.plant("deep", source.replace('join"', 'join", options=Net'))
    assert "generator 'unet': the options" in one().cause
    assert line_of(one())[1] in (3, 4)  # Python 3.13 counts from the class, older ones from its decorator


def test_deprecated_hook(site, monkeypatch):
    from gantool import hookspecs

    def gantool_old():
        """Deprecated."""

    spec = hookspecs.hookspec(warn_on_impl=DeprecationWarning("gantool_old goes in 2.0"))(gantool_old)
    monkeypatch.setattr(hookspecs, "gantool_old", spec, raising=False)
    site.plant("deep", "from gantool import hookimpl\n@hookimpl\ndef gantool_old():\n    return []\n")
    assert one().cause == "deprecated: gantool_old goes in 2.0"


# The command


@pytest.fixture
def few_installed(monkeypatch):
    """What else is installed here is not for a test to judge."""

    def few() -> dict:
        return {name: entries for name, entries in installed_plugins().items() if name in ("deep", "sound")}

    monkeypatch.setattr("gantool.plugins.doctor.installed_plugins", few)


def test_command_says_everything_and_fails(site, few_installed, capsys):
    module = site.plant("deep", "print('hello')\nimport no_such_module")
    sound = site.plant("sound", UNET.format(factory="os.path:join"))
    assert run(["plugins", "--doctor"]) == 1
    output = capsys.readouterr()
    lines = output.out.splitlines()
    start = lines.index(f"deep (gantool-deep 1.0, {module})")
    assert [line.split(":")[0].strip() for line in lines[start + 1 : start + 4]] == ["wrong", "where", "do"]
    assert f"sound (gantool-sound 1.0, {sound}): nothing wrong" in lines
    assert output.err == "hello\n"


def test_command_succeeds_where_nothing_is_wrong(site, few_installed, capsys):
    site.plant("sound", UNET.format(factory="os.path:join"))
    assert run(["plugins", "--doctor", "--json"]) == 0
    (plugin,) = json.loads(capsys.readouterr().out)["plugins"]
    assert (plugin["name"], plugin["findings"]) == ("sound", [])


def test_plugins_that_are_not_asked_for_are_examined_too(site, few_installed, monkeypatch, capsys):
    site.plant("deep", "import no_such_module")
    monkeypatch.setenv("GANTOOL_PLUGINS", "simgan")
    assert run(["plugins", "--doctor"]) == 1
    assert "deep (gantool-deep 1.0" in capsys.readouterr().out
    assert "no_such_module" not in sys.modules


def test_what_an_import_sets_for_the_whole_process_is_named_and_undone(site):
    before = torch.get_rng_state()
    (site.folder / "planted_parts.py").write_text(
        "import torch, random\ntorch.set_default_dtype(torch.float64)\ntorch.manual_seed(0)\n"
        "torch.use_deterministic_algorithms(True)\n\ndef make(**_):\n    return 1\n"
    )
    site.plant("deep", "import random\nrandom.seed(1)\n" + UNET.format(factory="planted_parts:make"))
    drawn = random.getstate()
    importing, building = findings()
    assert random.getstate() == drawn
    assert importing.cause == "importing it sets Python's random numbers, which is the program's to set: it was undone"
    what = "torch's random numbers and torch's default dtype and torch's deterministic mode"
    assert (
        building.cause == f"generator 'unet': importing planted_parts sets {what}, which is the program's to set: it was undone"
    )
    assert torch.get_default_dtype() == torch.float32
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.equal(torch.get_rng_state(), before)
    assert "set nothing when a module is imported" in building.advice


def test_a_distribution_that_lies_twice_in_one_folder_is_named(site):
    site.plant("deep", UNET.format(factory="os.path:join"))
    site.plant("deep", UNET.format(factory="os.path:join"), version="1.1")
    finding = one()
    assert finding.cause == f"gantool-deep lies 2 times in {site.folder}: 1.0 and 1.1"
    assert finding.advice.startswith("pip uninstall gantool-deep")
