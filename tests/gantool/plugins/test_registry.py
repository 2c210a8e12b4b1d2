"""What a registry gives once plugins are loaded: parts for slots, observers, factories, deprecated hooks."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import pytest

from gantool import Component, Event, GantoolError, Slot
from gantool.errors import PluginError
from gantool.plugins import PluginInfo, Provided, Registry, load_plugins


def one_line(error: pytest.ExceptionInfo[BaseException]) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


# Slots


def registry_of(**components: list[tuple[str, str, set[str]]]) -> Registry:
    plugins = {
        plugin: PluginInfo(
            plugin,
            f"{plugin}-dist",
            "1.0",
            "x",
            tuple(Provided(plugin, kind, Component(name=n, factory="a:b", provides=frozenset(p))) for kind, n, p in found),
        )
        for plugin, found in components.items()
    }
    return Registry(plugins)


LOSSES = registry_of(
    gantool=[("loss", "l1", {"image-pair"}), ("loss", "bce", {"adversarial"}), ("loss", "hinge", {"adversarial"})],
    simgan=[("loss", "both", {"adversarial", "image-pair"}), ("generator", "refiner", set())],
)


def test_parts_are_those_that_provide_everything():
    def parts(*requires: str) -> list[str]:
        return [p.full_name for p in LOSSES.parts("loss", frozenset(requires))]

    assert parts("adversarial") == ["gantool:bce", "gantool:hinge", "simgan:both"]
    assert parts("adversarial", "image-pair") == ["simgan:both"]
    assert parts("video") == []


def test_part_that_lacks_a_capability():
    slot = Slot(name="loss", kind="loss", default="gantool:bce", requires=frozenset({"adversarial"}))
    LOSSES.check_fits(slot, LOSSES.find("loss", "bce"))
    with pytest.raises(GantoolError) as error:
        LOSSES.check_fits(slot, LOSSES.find("loss", "l1"))
    assert one_line(error) == (
        "slot 'loss' needs a loss that provides 'adversarial'; gantool:l1 does not"
        "; installed ones that do: gantool:bce, gantool:hinge, simgan:both"
    )


def test_part_that_needs_what_a_slot_does_not_accept():
    needs = Component(name="gp", factory="a:b", provides=frozenset({"adversarial"}), needs=frozenset({"penalty"}))
    provided = Provided("deep", "loss", needs)
    registry = Registry({**LOSSES.plugins, "deep": PluginInfo("deep", "deep-dist", "1.0", "x", (provided,))})
    plain = Slot(name="loss", kind="loss", default="a:b", requires=needs.provides)
    with pytest.raises(GantoolError) as error:
        registry.check_fits(plain, provided)
    assert one_line(error) == (
        "deep:gp needs 'penalty', which slot 'loss' does not accept"
        "; installed ones that fit: gantool:bce, gantool:hinge, simgan:both"
    )
    accepting = Slot(name="loss", kind="loss", default="a:b", requires=needs.provides, accepts=frozenset({"penalty", "x"}))
    registry.check_fits(accepting, provided)
    assert provided in registry.parts("loss", accepting.requires, accepting.accepts)


def test_part_of_another_kind_and_a_slot_that_nothing_fits():
    slot = Slot(name="loss", kind="loss", default="a:b", requires=frozenset({"video"}))
    with pytest.raises(GantoolError, match=r"slot 'loss' needs a loss; simgan:refiner is a generator; .*: none$"):
        LOSSES.check_fits(slot, LOSSES.find("generator", "refiner"))
    with pytest.raises(GantoolError, match=r"slot 'loss' needs a loss; simgan:refiner is a generator; .*: gantool:l1, "):
        LOSSES.check_fits(Slot(name="loss", kind="loss", default="a:b"), LOSSES.find("generator", "refiner"))
    with pytest.raises(GantoolError, match=r"provides 'video'; gantool:bce does not; installed ones that do: none$"):
        LOSSES.check_fits(slot, LOSSES.find("loss", "bce"))


# Observers

OBSERVER = """
from gantool import hookimpl
seen = []
@hookimpl
def gantool_log(event):
    seen.append(event.step)
    BODY
"""
EVENT = Event(kind="step", run=Path("run"), step=7)


@pytest.mark.parametrize("fault", ["1 / 0", "raise SystemExit(1)"])
def test_observer_that_raises_stops_no_other(site, fault):
    modules = [
        site.plant("a", OBSERVER.replace("BODY", fault)),
        site.plant("b", OBSERVER.replace("BODY", "pass")),
        site.plant("c", OBSERVER.replace("(event)", "()").replace("event.step", "'called'").replace("BODY", "pass")),
    ]
    errors = []
    load_plugins().notify(EVENT, lambda plugin, error: errors.append((plugin, type(error).__name__)))
    assert [sys.modules[module].seen for module in modules] == [[7], [7], ["called"]]
    assert errors == [("a", "ZeroDivisionError" if "/" in fault else "SystemExit")]


UNSOUND = {
    "a hook that does not exist": "@hookimpl\ndef gantool_generator():\n    return []\n",
    "a hook that raises": "@hookimpl\ndef gantool_losses():\n    raise ValueError\n",
    "a hook that raises on the way": "@hookimpl\ndef gantool_losses():\n    yield from map(int, 'x')\n",
    "a record that is none": "@hookimpl\ndef gantool_losses():\n    yield 3\n",
}


@pytest.mark.parametrize("fault", UNSOUND)
def test_plugin_that_is_broken_observes_nothing_and_stops_no_other(site, fault):
    broken = site.plant("a", OBSERVER.replace("BODY", "pass") + UNSOUND[fault])
    sound = site.plant("b", OBSERVER.replace("BODY", "pass"))
    registry = load_plugins()
    assert (registry.plugins["a"].broken is not None, registry.plugins["b"].broken) == (True, None)
    registry.notify(EVENT, lambda *_: pytest.fail("nobody is told of what is not loaded"))
    assert (sys.modules[broken].seen, sys.modules[sound].seen) == ([], [7])
    assert [answer.plugin for answer in registry.manager.hook.gantool_log(event=EVENT)] == ["b"]


def test_interrupt_in_an_observer_is_an_interrupt(site):
    site.plant("a", OBSERVER.replace("BODY", "import os, signal; os.kill(os.getpid(), signal.SIGINT)"))
    with pytest.raises(KeyboardInterrupt):
        load_plugins().notify(EVENT, lambda *_: None)


# Factories


def test_factory_is_imported_only_when_it_is_resolved(site):
    source = "from gantool import Component, hookimpl\n@hookimpl\ndef gantool_generators():\n"
    site.plant("deep", source + "    yield Component(name='unet', factory='planted_net:Net.make')")
    provided = load_plugins().find("generator", "unet")
    assert "planted_net" not in sys.modules
    (site.folder / "planted_net.py").write_text("class Net:\n    @staticmethod\n    def make(): return 'made'\n")
    assert provided.factory()() == "made"


@pytest.mark.parametrize(
    ("factory", "source", "cause"),
    [
        ("planted_net:Net", "import no_such_module", "cannot import 'planted_net:Net': ModuleNotFoundError: No module named"),
        ("planted_net:Net", "raise SystemExit('no licence')", "cannot import 'planted_net:Net': SystemExit: no licence"),
        ("planted_net:Nett", "class Net: pass", "cannot import 'planted_net:Nett': AttributeError: "),
        ("planted_net:Net", "Net = 3", "'planted_net:Net' cannot be called: it is of type int"),
    ],
)
def test_factory_that_cannot_be_resolved(site, factory, source, cause):
    (site.folder / "planted_net.py").write_text(source)
    provided = Provided("deep", "generator", Component(name="unet", factory=factory))
    with pytest.raises(PluginError) as error:
        provided.factory()
    assert one_line(error).startswith(f"plugin 'deep', generator 'unet': {cause}")
    with pytest.raises(PluginError) as error:
        Provided("", "estimator", Component(name=factory, factory=factory)).factory()
    assert one_line(error).startswith(cause)


# Deprecations


def test_deprecated_hook_warns_whoever_uses_the_plugin(site, monkeypatch):
    from gantool import hookspecs

    def gantool_old():
        """Deprecated."""

    text = "gantool_old goes in 2.0: use gantool_generators"
    spec = hookspecs.hookspec(warn_on_impl=DeprecationWarning(text))(gantool_old)
    monkeypatch.setattr(hookspecs, "gantool_old", spec, raising=False)
    source = "from gantool import hookimpl\n@hookimpl\ndef gantool_old():\n    return []\n"
    module = site.plant("deep", source)
    with warnings.catch_warnings(record=True) as seen:
        warnings.resetwarnings()
        warnings.simplefilter("ignore", DeprecationWarning)  # as Python does for imported modules
        registry = load_plugins()
    assert registry.plugins["deep"].broken is None
    assert [str(warning.message) for warning in seen] == [f"plugin 'deep' (gantool-deep 1.0): {text}"]
    assert Path(seen[0].filename).stem == module
