from __future__ import annotations

import subprocess
import sys

import pytest

from gantool.components import Recipe
from gantool.kinds import KINDS
from gantool.options import describe
from gantool.plan import resolve
from gantool.plan.choices import SETTINGS, Choices
from gantool.plugins import load_plugins
from simgan_plugin.presets import PRESETS


@pytest.fixture(scope="module")
def registry():
    return load_plugins()


@pytest.fixture(scope="module")
def info(registry):
    return registry.plugins["simgan"]


def test_it_works_and_provides_what_the_paper_needs(info):
    assert info.broken is None
    names = {kind: {p.record.name for p in info.provides if p.kind == kind} for kind in KINDS}
    assert {kind: found for kind, found in names.items() if found} == {
        "generator": {"refiner"},
        "discriminator": {"local", "whole-image"},
        "loss": {"local-adversarial", "self-regularization"},
        "buffer": {"history"},
        "dataset": {"eyes"},
        "estimator": {"gaze-cnn"},
        "recipe": {"simgan"},
    }


def test_everything_has_a_factory_a_summary_and_documented_options(info):
    for provided in info.provides:
        assert callable(provided.factory()), provided.full_name
        assert provided.record.summary, provided.full_name
        for option in describe(provided.record.options):
            assert option.doc, f"{provided.full_name}: {option.name}"


def test_every_slot_is_filled_by_a_part_that_fits(registry, info):
    (recipe,) = [p.record for p in info.provides if isinstance(p.record, Recipe)]
    for slot in recipe.slots:
        registry.check_fits(slot, registry.find(slot.kind, slot.default))
        assert slot.summary
    assert registry.find("dataset", recipe.dataset)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_makes_a_plan_in_which_each_of_its_values_stands(registry, preset):
    plan = resolve(registry, Choices(plugin="simgan", preset=preset)).to_dict()
    for key, value in PRESETS[preset].items():
        slot, dot, name = key.partition(".")
        assert (plan["options"][slot][name] if dot else plan[key]) == value, key
        assert dot or key in SETTINGS


def test_the_paper_preset_is_the_papers(registry):
    """Section 3.1 of the paper: learning rate 0.001, batches of 512, 1,000 and 200 steps of warm-up, K_g = 2, K_d = 1."""
    plan = resolve(registry, Choices(plugin="simgan", preset="paper"))
    options, generator = plan.recipe.options, plan.parts["generator"].options
    assert plan.settings.batch_size == 512
    assert (options["refiner_lr"], options["discriminator_lr"], options["optimizer"]) == (1e-3, 1e-3, "sgd")
    assert (options["refiner_warmup"], options["discriminator_warmup"]) == (1000, 200)
    assert (options["refiner_updates"], options["discriminator_updates"]) == (2, 1)
    assert (generator["width"], generator["blocks"], generator["kernel"]) == (64, 4, 3)


def test_the_hands_preset_is_for_the_networks_of_224x224_hands(registry):
    """7×7 kernels and ten blocks for R, its own D; warm-ups and K_g : K_d are those of the eyes."""
    plan = resolve(registry, Choices(plugin="simgan", preset="hands"))
    options, generator = plan.recipe.options, plan.parts["generator"].options
    assert (generator["width"], generator["blocks"], generator["kernel"]) == (64, 10, 7)
    discriminator = plan.parts["discriminator"].options
    assert (discriminator["architecture"], discriminator["depth"], discriminator["width_factor"]) == ("hands", 4, 1.0)
    assert (options["refiner_warmup"], options["discriminator_warmup"]) == (1000, 200)
    assert (options["refiner_updates"], options["discriminator_updates"]) == (2, 1)


def test_describing_the_plugin_imports_nothing_heavy():
    code = "import sys, simgan_plugin.plugin; print(*({'torch', 'numpy', 'PIL', 'accelerate', 'pydantic'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split() == []
