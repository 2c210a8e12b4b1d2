"""Records that a plugin yields and the host refuses; each is yielded by a plugin that is really installed."""

from __future__ import annotations

import dataclasses

import pytest

from gantool import Component, Recipe, Slot
from gantool.plugins import load_plugins

PRELUDE = """
from dataclasses import dataclass, field, make_dataclass
from gantool import Component, Figure, Recipe, Slot, hookimpl

@dataclass(frozen=True)
class Good:
    width: int = 1
    layers: tuple = field(default_factory=tuple)

@dataclass
class Thawed:
    width: int = 1

@dataclass(frozen=True)
class Required:
    width: int

@dataclass(frozen=True)
class Picky:
    width: int = 1
    def __post_init__(self):
        raise ValueError("width must be even")

class Plain:
    pass

def component(**changes):
    return Component(**{"name": "unet", "factory": "my_plugin.unet:UNet", **changes})

def slot(**changes):
    return Slot(**{"name": "generator", "kind": "generator", "default": "deep:unet", **changes})

def recipe(**changes):
    return Recipe(**{"name": "cycle", "factory": "my_plugin.recipe:Cycle", "slots": (slot(),), **changes})
"""

NAME_RULE = "a name has lower-case letters, digits, '-' and '_' only, and begins with a letter or digit"


def cause(site, kind: str, record: str) -> str | None:
    site.plant("deep", f"{PRELUDE}\n@hookimpl\ndef gantool_{kind}s():\n    yield {record}\n")
    return load_plugins().plugins["deep"].broken


@pytest.mark.parametrize("record", ["component()", "component(options=Good, provides=frozenset({'features'}), summary='ψ')"])
def test_sound_component(site, record):
    assert cause(site, "generator", record) is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        *((f"name={name!r}", f"generator {name!r}: {NAME_RULE}") for name in ("", "U-Net", "a:b", "a.b", "-a", "a b", None)),
        *(
            (f"factory={factory!r}", f"generator 'unet': factory {factory!r} is not of the form 'package.module:callable'")
            for factory in ("my_plugin.unet", "my_plugin:", ":UNet", "a:b:c", "my-plugin:UNet", "a..b:c", None)
        ),
        ("summary='two\\nlines'", "generator 'unet': summary must be one line of text"),
        ("summary=None", "generator 'unet': summary must be one line of text"),
        ("provides='features'", "generator 'unet': provides must be a frozenset of strings, not a str"),
        ("provides={'features'}", "generator 'unet': provides must be a frozenset of strings, not a set"),
        ("provides=frozenset({1})", "generator 'unet': provides must be a frozenset of strings, not a frozenset"),
        ("options=Plain", "generator 'unet': options must be a dataclass, not class Plain"),
        ("options=Good()", "generator 'unet': options must be a dataclass, not a Good"),
        ("options=None", "generator 'unet': options must be a dataclass, not None"),
        ("options=Thawed", "generator 'unet': options Thawed: the dataclass must be frozen, @dataclass(frozen=True)"),
        ("options=Required", "generator 'unet': options Required: field 'width' has no default"),
        ("options=Picky", "generator 'unet': options Picky: its defaults raise ValueError: width must be even"),
    ],
)
def test_component_that_cannot_be_used(site, changes, expected):
    assert cause(site, "generator", f"component({changes})") == expected


@pytest.mark.parametrize(
    "record",
    [
        "recipe(slots=())",
        "recipe(figures=(Figure('loss', 'D'), Figure('accuracy', 'D real', '.0%')))",
        "recipe(slots=(slot(), slot(name='loss', kind='loss', requires=frozenset({'adversarial'}))), dataset='simgan:eyes')",
        "recipe(presets={'a': dict.fromkeys(['generator.x', 'recipe.x', 'dataset.x', 'metric.x', 'steps'])}, default_preset='a')",
    ],
)
def test_sound_recipe(site, record):
    assert cause(site, "recipe", record) is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ("slots=[slot()]", "slots must be a tuple of Slot"),
        ("slots=('generator',)", "slots must be a tuple of Slot"),
        ("slots=(slot(), slot())", "two slots are called 'generator'"),
        ("slots=(slot(name='G'),)", f"slot 'G': {NAME_RULE}"),
        (
            "slots=(slot(name='recipe'),)",
            "slot 'recipe': that word means something else in -o; slots must not be called format, layout, dataset, metric, task, "
            "estimator, logger, command, recipe",
        ),
        ("slots=(slot(kind='generater'),)", "slot 'generator': no kind 'generater'; did you mean 'generator'?"),
        (
            "slots=(slot(kind='recipe'),)",
            "slot 'generator': no kind 'recipe'; kinds are: generator, discriminator, network, loss, buffer",
        ),
        ("slots=(slot(default='unet'),)", "slot 'generator': default 'unet' is not a full name, 'plugin:name'"),
        ("slots=(slot(default=None),)", "slot 'generator': default None is not a full name, 'plugin:name'"),
        ("slots=(slot(requires='video'),)", "slot 'generator': requires must be a frozenset of strings, not a str"),
        ("slots=(slot(summary=3),)", "slot 'generator': summary must be one line of text"),
        ("dataset='eyes'", "dataset 'eyes' is not a full name, 'plugin:name'"),
        ("presets=[]", "presets must map names to mappings"),
        ("presets={'a': 1}", "presets must map names to mappings"),
        (
            "presets={'a': {'generater.width': 1}}",
            "preset 'a' sets generater.width, but there is no slot 'generater'; did you mean 'generator'?",
        ),
        (
            "presets={'laptop': {}}, default_preset='latop'",
            "default_preset 'latop' is none of its presets; did you mean 'laptop'?",
        ),
        ("default_preset='laptop'", "default_preset 'laptop' is none of its presets; presets are: none"),
        ("figures=[Figure('loss', 'D')]", "figures must be a tuple of Figure"),
        ("figures=('loss',)", "figures must be a tuple of Figure"),
        ("figures=(Figure('loss', 'D', 'd'),)", "figure 'loss' has the form 'd', which writes no number"),
        ("figures=(Figure('loss', 'D', None),)", "figure 'loss' has the form None, which writes no number"),
        ("options=Thawed", "options Thawed: the dataclass must be frozen, @dataclass(frozen=True)"),
    ],
)
def test_recipe_that_cannot_be_used(site, changes, expected):
    assert cause(site, "recipe", f"recipe({changes})") == f"recipe 'cycle': {expected}"


@pytest.mark.parametrize(
    "record",
    [
        Component(name="a", factory="b:c"),
        Slot(name="a", kind="loss", default="b:c"),
        Recipe(name="a", factory="b:c"),
    ],
)
def test_records_cannot_be_changed_after_they_were_checked(record):
    with pytest.raises(dataclasses.FrozenInstanceError):
        record.name = "other"
