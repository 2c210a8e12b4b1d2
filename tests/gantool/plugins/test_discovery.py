from __future__ import annotations

import signal
import sys
import warnings

import pytest

from gantool import GantoolError
from gantool._version import __version__
from gantool.errors import PluginError
from gantool.plugins import load_plugins

RECIPES = """
from gantool import Recipe, hookimpl

@hookimpl
def gantool_recipes():
    for name in NAMES:
        yield Recipe(name=name, factory="MODULE:train")
"""


def recipes(*names: str) -> str:
    return RECIPES.replace("NAMES", repr(names))


def one_line(error: pytest.ExceptionInfo[BaseException]) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


def test_built_ins_are_always_there_and_first(site):
    site.plant("aaa")
    assert next(iter(load_plugins().plugins)) == "gantool"
    registry = load_plugins([])
    assert list(registry.plugins) == ["gantool"]
    assert registry.plugins["gantool"].broken is None
    assert registry.plugins["gantool"].version == __version__
    assert registry.find("loss", "bce").full_name == "gantool:bce"


def test_installed_plugin_is_found_with_its_distribution(site):
    module = site.plant("deep", distribution="Deep-Nets", version="2.3")
    info = load_plugins().plugins["deep"]
    assert (info.distribution, info.version, info.location, info.broken) == ("Deep-Nets", "2.3", module, None)
    assert [(p.full_name, p.kind, p.record.summary) for p in info.provides] == [("deep:unet", "generator", "A network")]


def test_find_takes_bare_and_full_names(site):
    site.plant("deep")
    registry = load_plugins()
    assert registry.find("generator", "unet") is registry.find("generator", "deep:unet")


# Plugins that cannot be loaded


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("raise ValueError('first\\n  second')", "ValueError: first second"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("class Panic(BaseException):\n    pass\nraise Panic('rust')", "Panic: rust"),
        ("raise RuntimeError", "RuntimeError"),
        ("def (", "SyntaxError: "),
        ("from gantool import GantoolError\nraise GantoolError('install the extra kornia')", "install the extra kornia"),
    ],
)
def test_plugin_that_raises_at_import_stops_only_who_asks_for_it(site, monkeypatch, source, cause):
    site.plant("bad", source, distribution="bad-dist", version="0.9")
    site.plant("good")
    registry = load_plugins()
    broken = registry.plugins["bad"].broken
    assert broken is not None
    assert broken.startswith(cause)
    assert registry.plugins["bad"].provides == ()
    assert registry.find("generator", "unet").plugin == "good"

    for ask in (lambda: registry.find("generator", "bad:unet"), lambda: registry.recipe("bad"), lambda: load_plugins(["bad"])):
        with pytest.raises(PluginError) as error:
            ask()
        assert one_line(error).startswith(f"plugin 'bad' (bad-dist 0.9) is broken: {cause}")
    monkeypatch.setenv("GANTOOL_PLUGINS", "good,bad")
    with pytest.raises(PluginError, match="plugin 'bad'"):
        load_plugins()


def test_failed_look_up_suggests_and_names_broken_plugins(site):
    site.plant("good")
    site.plant("bad", "import no_such_module")
    with pytest.raises(GantoolError) as error:
        load_plugins().find("generator", "unet2")
    assert one_line(error) == (
        "no generator 'unet2'; did you mean 'unet'?"
        "; plugin 'bad' (gantool-bad 1.0) is broken: ModuleNotFoundError: No module named 'no_such_module'"
    )


def test_failed_look_up_lists_what_there_is_where_nothing_is_near(site):
    site.plant("good")
    with pytest.raises(GantoolError, match=r"^no generator 'zzz'; installed: .*unet"):
        load_plugins(["good"]).find("generator", "zzz")


def test_interrupt_during_an_import_is_no_broken_plugin(site):
    site.plant("slow", "import os, signal\nos.kill(os.getpid(), signal.SIGINT)")
    with pytest.raises(KeyboardInterrupt):
        load_plugins()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_plugin_that_raises_keyboard_interrupt_is_broken_as_others_are(site):
    site.plant("rude", "raise KeyboardInterrupt")
    site.plant("late", UNET_THAT_PRINTS.replace("    return", "    raise KeyboardInterrupt\n    return"))
    site.plant("good")
    registry = load_plugins()
    assert [registry.plugins[name].broken for name in ("rude", "late", "good")] == [
        "KeyboardInterrupt",
        "gantool_generators raised KeyboardInterrupt",
        None,
    ]


def test_what_a_plugin_writes_is_no_output_of_the_program(site, capfd):
    site.plant("loud", "import os\nprint('printed')\nos.write(1, b'written')\n" + UNET_THAT_PRINTS)
    load_plugins()
    said = capfd.readouterr()
    assert said.out == ""
    assert "printed" in said.err
    assert "written" in said.err


def test_what_a_plugin_prints_does_not_reach_stdout(site, capsys):
    site.plant("loud", "print('hello')\n" + UNET_THAT_PRINTS)
    assert load_plugins().plugins["loud"].broken is None
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err == "hello\nlisting\n"


UNET_THAT_PRINTS = """
from gantool import Component, hookimpl
@hookimpl
def gantool_generators():
    print("listing")
    return [Component(name="unet", factory="a:b")]
"""


@pytest.mark.parametrize(
    ("name", "value", "cause"),
    [
        ("deep", "not a module", "its entry point 'not a module' is not of the form 'package.module'"),
        ("deep", "MODULE:missing", "AttributeError: "),
        ("Deep", None, "a plugin's name has lower-case letters"),
        ("de:ep", None, "a plugin's name has lower-case letters"),
    ],
)
def test_bad_entry_points(site, name, value, cause):
    site.plant(name, value=value)
    assert load_plugins().plugins[name].broken.startswith(cause)


def test_entry_point_may_name_an_object(site):
    source = """
from gantool import Component, hookimpl
class Plugin:
    @hookimpl
    def gantool_generators(self):
        yield Component(name="unet", factory="a:b")
plugin = Plugin()
"""
    site.plant("deep", source, value="MODULE:plugin")
    assert load_plugins().find("generator", "unet").plugin == "deep"


def test_distribution_without_metadata(site):
    (site.folder / "bare_plugin.py").write_text("import no_such_module")
    site.install("bare", "1.0", entry_points_txt="[gantool]\nbare = bare_plugin\n")
    broken = load_plugins().plugins["bare"].broken
    assert broken == "ModuleNotFoundError: No module named 'no_such_module'"


def test_unreadable_entry_points_of_one_distribution_hide_no_other(site):
    site.plant("good")
    site.install("wreck", "1.0", METADATA="Name: wreck\nVersion: 1.0\n", entry_points_txt="[gantool]\nno equals sign\n")
    with pytest.warns(UserWarning, match=r"entry points of wreck 1.0 cannot be read"):
        registry = load_plugins()
    assert registry.find("generator", "unet").plugin == "good"
    assert "simgan" in registry.plugins


# Names that clash


def test_two_providers_of_one_bare_name(site):
    site.plant("a")
    site.plant("b")
    registry = load_plugins()
    with pytest.raises(GantoolError) as error:
        registry.find("generator", "unet")
    assert one_line(error) == "generator 'unet' is provided by a:unet and b:unet: write one of these"
    assert registry.find("generator", "b:unet").plugin == "b"


def test_two_distributions_with_one_plugin_name_are_both_refused(site):
    modules = [site.plant("deep", distribution="one"), site.plant("deep", distribution="two", version="3.1")]
    broken = load_plugins().plugins["deep"].broken
    assert "one 1.0" in broken
    assert "two 3.1" in broken
    assert not any(module in sys.modules for module in modules)


@pytest.mark.parametrize("unreadable", [False, True])
def test_one_distribution_twice_on_the_path_is_no_clash(site, tmp_path, monkeypatch, unreadable):
    if unreadable:  # of another distribution, which makes the host read them one by one
        site.install("wreck", "1.0", METADATA="Name: wreck\nVersion: 1.0\n", entry_points_txt="[gantool]\nno equals sign\n")
        warnings.simplefilter("ignore", UserWarning)  # pytest undoes this after the test
    site.plant("deep", version="1.0")
    older = type(site)(tmp_path / "older")
    older.folder.mkdir()
    older.plant("deep", version="0.1")
    monkeypatch.setattr(sys, "path", [sys.path[0], str(older.folder), *sys.path[1:]])
    info = load_plugins().plugins["deep"]
    assert (info.version, info.broken) == ("1.0", None)


def test_name_of_the_host_cannot_be_taken(site):
    site.plant("gantool", distribution="thief")
    registry = load_plugins()
    assert registry.plugins["gantool"].distribution == "simgan-plugin"
    assert registry.find("loss", "bce").plugin == "gantool"
    thief = registry.plugins["gantool@thief"]
    assert thief.distribution == "thief"
    assert "the host's own" in thief.broken


def test_one_module_is_one_plugin(site):
    module = site.plant("a")
    site.plant("b", value=module)
    registry = load_plugins()
    assert registry.plugins["a"].broken is None
    assert registry.plugins["b"].broken == "its entry point names what plugin 'a' is already: each needs a module of its own"


# Requirements on the host

TOO_NEW = f"needs simgan-plugin>=2, this is {__version__}"


@pytest.mark.parametrize(
    ("requirement", "cause"),
    [
        ("simgan-plugin>=0.0.1", None),
        ("simgan-plugin", None),
        ("simgan-plugin>=2", TOO_NEW),
        ("Simgan_Plugin >=2", TOO_NEW),
        ("simgan-plugin[kornia]>=2", TOO_NEW),
        ("simgan-plugin>=2; python_version >= '3'", TOO_NEW),
        ("simgan-plugin>=2; python_version < '3'", None),
        ("simgan-plugin>=2; extra == 'new'", None),
        ("simgan-plugin>>2", "its requirement 'simgan-plugin>>2' cannot be read"),
        ("simgan-plugin-extras>=2", None),
        ("torch>=99", None),
    ],
)
def test_requirement_on_the_host_is_checked_before_the_import(site, requirement, cause):
    module = site.plant("deep", requires=("numpy", requirement))
    assert load_plugins().plugins["deep"].broken == cause
    assert (module in sys.modules) == (cause is None)


@pytest.mark.parametrize(("requirement", "works"), [("simgan-plugin>=1", True), ("simgan-plugin>=2", False)])
def test_host_before_its_release_counts_as_what_it_is(site, monkeypatch, requirement, works):
    monkeypatch.setattr("gantool.plugins.discovery.__version__", "2.0rc1")
    site.plant("deep", requires=(requirement,))
    assert (load_plugins().plugins["deep"].broken is None) == works


# GANTOOL_PLUGINS


def test_variable_restricts_what_is_imported(site, monkeypatch):
    modules = {name: site.plant(name) for name in ("a", "b", "c")}
    monkeypatch.setenv("GANTOOL_PLUGINS", " a, c,")
    registry = load_plugins()
    assert list(registry.plugins) == ["gantool", "a", "c"]
    assert [name for name, module in modules.items() if module in sys.modules] == ["a", "c"]
    with pytest.raises(GantoolError, match=r"plugin 'b' is installed but not loaded: add it to GANTOOL_PLUGINS"):
        registry.find("generator", "b:unet")
    with pytest.raises(GantoolError, match=r"no generator 'zzz'.*not loaded because of GANTOOL_PLUGINS: b"):
        registry.find("generator", "zzz")


@pytest.mark.parametrize("value", ["", " , "])
def test_empty_variable_loads_all(site, monkeypatch, value):
    site.plant("deep")
    monkeypatch.setenv("GANTOOL_PLUGINS", value)
    assert "deep" in load_plugins().plugins


def test_unknown_name_in_the_variable(site, monkeypatch):
    site.plant("deep")
    monkeypatch.setenv("GANTOOL_PLUGINS", "deap")
    with pytest.raises(GantoolError, match=r"^GANTOOL_PLUGINS: no plugin 'deap' is installed; did you mean 'deep'\?$"):
        load_plugins()
    with pytest.raises(GantoolError, match=r"^no plugin 'zzz' is installed; installed: gantool, .*deep"):
        load_plugins(["zzz"])


def test_broken_plugin_that_is_left_out_is_not_in_the_way(site, monkeypatch):
    site.plant("bad", "raise ValueError")
    site.plant("good")
    monkeypatch.setenv("GANTOOL_PLUGINS", "good")
    assert list(load_plugins().plugins) == ["gantool", "good"]


# Recipes


def test_recipe_by_plugin_by_full_and_by_bare_name(site):
    site.plant("cycle", recipes("cyclegan"))
    site.plant("many", recipes("first", "second"))
    registry = load_plugins()
    assert registry.recipe("cycle").full_name == "cycle:cyclegan"
    assert registry.recipe("cycle:cyclegan").full_name == "cycle:cyclegan"
    assert registry.recipe("second").full_name == "many:second"
    with pytest.raises(GantoolError, match=r"plugin 'many' .* has several recipes; write one of: many:first, many:second"):
        registry.recipe("many")


def test_plugin_name_goes_before_the_name_of_a_recipe(site):
    site.plant("cycle", recipes("plain"))
    site.plant("other", recipes("cycle"))
    assert load_plugins().recipe("cycle").full_name == "cycle:plain"


def test_recipe_that_does_not_exist(site):
    site.plant("cycle", recipes("cyclegan"))
    site.plant("deep")
    registry = load_plugins(["cycle", "deep"])
    with pytest.raises(GantoolError, match=r"no plugin or recipe 'cyclegam'; did you mean 'cyclegan'\?"):
        registry.recipe("cyclegam")
    with pytest.raises(GantoolError, match=r"plugin 'deep' \(gantool-deep 1.0\) provides no recipe; plugins that do: cycle$"):
        registry.recipe("deep")
    with pytest.raises(GantoolError, match=r"no plugin 'nope'"):
        registry.recipe("nope:x")
    with pytest.raises(GantoolError, match=r"plugin 'cycle' .* has no recipe 'cycl'; did you mean 'cyclegan'\?"):
        registry.recipe("cycle:cycl")
