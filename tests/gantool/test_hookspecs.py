from __future__ import annotations

import inspect
import re
import textwrap
from pathlib import Path

import pytest

from gantool import Event, hookspecs
from gantool.kinds import KINDS
from gantool.plugins import load_plugins

SPECS = {name: value for name, value in vars(hookspecs).items() if hasattr(value, "gantool_spec")}

COMPONENT = "from gantool import Component, hookimpl\n"
UNET = 'Component(name="unet", factory="a:b")'


def example(name: str) -> str:
    """The example of a hook's docstring, as the source of a plugin: what it leaves out is put in front of it."""
    code = textwrap.dedent(inspect.getdoc(SPECS[name]).partition("Example::")[2])
    options = sorted(set(re.findall(r"\w+Options", code)))
    lines = ["from dataclasses import dataclass", "from gantool import Component, Format, Recipe, Slot, hookimpl"]
    lines += [f"@dataclass(frozen=True)\nclass {option}:\n    width: int = 1" for option in options]
    return "\n".join([*lines, code])


def cause(site, source: str) -> str | None:
    """Why the plugin with this source is broken."""
    site.plant("deep", source)
    return load_plugins().plugins["deep"].broken


def test_every_kind_has_a_hook_and_every_hook_a_use():
    assert {*(kind.hook for kind in KINDS.values()), "gantool_log"} == set(SPECS)


@pytest.mark.parametrize("name", SPECS)
def test_hook_is_documented_with_an_example(name):
    text = inspect.getdoc(SPECS[name])
    assert text.partition("Example::")[2].strip().startswith(f"@hookimpl\n    def {name}(")
    assert "factory" in text or name == "gantool_log"


@pytest.mark.parametrize("kind", KINDS)
def test_example_of_the_docstring_is_a_working_plugin(site, kind):
    source = example(KINDS[kind].hook)
    site.plant("deep", source)
    info = load_plugins(["deep"]).plugins["deep"]
    assert [(p.kind, p.record.name) for p in info.provides] == [(kind, re.search(r'name="([^"]+)"', source)[1])]


def test_example_of_the_log_hook_observes(site, tmp_path):
    uploaded = tmp_path / "uploaded"
    source = example("gantool_log") + f"\ndef upload(path):\n    open({str(uploaded)!r}, 'w').write(str(path))\n"
    site.plant("deep", source)
    registry = load_plugins(["deep"])
    registry.notify(Event(kind="step", run=Path("run"), step=1), pytest.fail)
    assert not uploaded.exists()
    registry.notify(Event(kind="checkpoint", run=Path("run"), step=1, path=Path("step-1")), pytest.fail)
    assert uploaded.read_text() == "step-1"


# Functions that are no hooks


def test_misspelt_hook(site):
    broken = cause(site, COMPONENT + f"@hookimpl\ndef gantool_generator():\n    yield {UNET}")
    assert broken == "there is no hook gantool_generator; did you mean 'gantool_generators'?"


def test_marked_function_that_is_nothing_like_a_hook(site):
    broken = cause(site, COMPONENT + f"@hookimpl\ndef zzz():\n    yield {UNET}")
    assert broken.startswith("there is no hook zzz; hooks are: gantool_generators, ")


def test_hook_of_a_newer_host_may_be_marked_as_optional(site):
    source = f"@hookimpl(optionalhook=True)\ndef gantool_schedulers():\n    yield {UNET}\n"
    site.plant("deep", COMPONENT + source + f"@hookimpl\ndef gantool_generators():\n    yield {UNET}")
    info = load_plugins().plugins["deep"]
    assert (info.broken, len(info.provides)) == (None, 1)


def test_argument_that_the_hook_does_not_have(site):
    broken = cause(site, COMPONENT + f"@hookimpl\ndef gantool_generators(config):\n    yield {UNET}")
    assert "gantool_generators(config)" in broken
    assert "can not be found in the hookspec" in broken
    assert "\n" not in broken


@pytest.mark.parametrize("marker", ["", "@pluggy.HookimplMarker('pytest')\n"])
def test_forgotten_or_foreign_decorator(site, marker):
    broken = cause(site, f"import pluggy\n{COMPONENT}{marker}def gantool_generators():\n    yield {UNET}")
    assert broken == "function gantool_generators is not marked with @gantool.hookimpl"


def test_private_functions_and_modules_are_not_hooks(site):
    source = f"import json as gantool_json\ndef _gantool_helper(): pass\n@hookimpl\ndef gantool_generators():\n    yield {UNET}"
    assert cause(site, COMPONENT + source) is None


@pytest.mark.parametrize("option", ["wrapper", "hookwrapper"])
def test_wrapper(site, option):
    broken = cause(site, COMPONENT + f"@hookimpl({option}=True)\ndef gantool_log(event):\n    return (yield)")
    assert broken == "gantool_log is a hook wrapper; plugins are called one by one, so it has nothing to wrap"


def test_module_without_hooks(site):
    assert cause(site, "x = 1").startswith("it has no hooks: does the entry point name the module")


# Hooks that fail


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("raise KeyError('x')", "gantool_generators raised KeyError: 'x'"),
        ("raise SystemExit('bye')", "gantool_generators raised SystemExit: bye"),
        (f"yield {UNET}; 1 / 0", "gantool_generators raised ZeroDivisionError: division by zero"),
        ("import no_such_module; yield", "gantool_generators raised ModuleNotFoundError: No module named 'no_such_module'"),
        ("pass", "gantool_generators returned None, not records: it must yield them"),
        (f"return {UNET}", "gantool_generators returned a Component, not records: it must yield them"),
        ("yield 'unet'", "gantool_generators yielded a str, not a Component"),
        ("yield Component", "gantool_generators yielded class Component, not a Component"),
        ("yield Recipe(name='r', factory='a:b')", "gantool_generators yielded a Recipe, not a Component"),
        (f"yield {UNET}; yield {UNET}", "generator 'unet' is provided twice"),
    ],
)
def test_hook_that_fails(site, body, expected):
    broken = cause(site, f"from gantool import Component, Recipe, hookimpl\n@hookimpl\ndef gantool_generators():\n    {body}")
    assert broken == expected


def test_recipe_hook_takes_recipes_only(site):
    broken = cause(site, COMPONENT + f"@hookimpl\ndef gantool_recipes():\n    yield {UNET}")
    assert broken == "gantool_recipes yielded a Component, not a Recipe"


def test_one_name_may_be_used_for_two_kinds(site):
    source = "".join(f"@hookimpl\ndef {hook}():\n    yield {UNET}\n" for hook in ("gantool_generators", "gantool_losses"))
    site.plant("deep", COMPONENT + source)
    registry = load_plugins()
    assert {p.kind for p in registry.plugins["deep"].provides} == {"generator", "loss"}
    assert registry.find("loss", "deep:unet").kind == "loss"
