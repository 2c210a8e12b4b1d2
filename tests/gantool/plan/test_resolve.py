from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import pytest
from annotated_types import Ge

from gantool import Component, GantoolError, Recipe, Slot
from gantool.plan import resolve
from gantool.plan.choices import Choices, read_config
from gantool.plugins import PluginInfo, Provided, load_plugins
from simgan_plugin.presets import PRESETS


@pytest.fixture(scope="module")
def registry():
    return load_plugins()


def choices(**values):
    return Choices.from_mapping(values, where="test")


SIMGAN = choices(plugin="simgan")


def test_defaults_come_from_preset_over_dataclass(registry):
    plan = resolve(registry, SIMGAN)
    assert plan.preset == "laptop"
    assert plan.parts["generator"].component == "simgan:refiner"
    assert plan.parts["generator"].options["width"] == 16  # the preset's; the dataclass says 64
    assert plan.parts["generator"].options["kernel"] == 3  # the dataclass's
    assert plan.settings.batch_size == 32
    assert plan.dataset.component == "simgan:eyes"
    assert plan.metric.component == "gantool:patch-distance"


def test_later_sources_win_and_all_win_over_the_preset(registry):
    file = choices(steps=1, batch_size=2, seed=3, options={"generator": {"width": 5, "blocks": 6}})
    environment = choices(batch_size=4, options={"generator": {"width": 7}})
    line = choices(seed=8)
    plan = resolve(registry, SIMGAN, file, environment, line)
    assert (plan.settings.steps, plan.settings.batch_size, plan.settings.seed) == (1, 4, 8)
    assert (plan.parts["generator"].options["width"], plan.parts["generator"].options["blocks"]) == (7, 6)
    assert plan.settings.checkpoint_every == PRESETS["laptop"]["checkpoint_every"]


def test_a_preset_stands_below_the_source_that_names_it_and_above_weaker_ones(registry):
    file = choices(preset="paper", batch_size=64, steps=7)
    assert resolve(registry, SIMGAN, file).settings.batch_size == 64
    over = resolve(registry, SIMGAN, choices(batch_size=64, seed=5), choices(preset="paper"))
    assert (over.settings.batch_size, over.settings.seed) == (512, 5)
    # Of two presets only the named one counts: the default one sets 16.
    assert over.parts["generator"].options["width"] == 64
    none = resolve(registry, SIMGAN, choices(preset=""))
    assert none.parts["generator"].options["width"] == 64


def test_parts_are_replaced_by_kind_or_slot(registry):
    said = choices(
        parts={"loss": "lsgan", "buffer": "none", "regularization": "gantool:l2"}, options={"generator": {"blocks": 6}}
    )
    plan = resolve(registry, SIMGAN, said)
    assert {name: part.component for name, part in plan.parts.items()} == {
        "generator": "simgan:refiner",
        "discriminator": "simgan:local",
        "loss": "gantool:lsgan",
        "regularization": "gantool:l2",
        "buffer": "gantool:none",
    }
    assert plan.parts["generator"].options["blocks"] == 6


def test_a_replaced_part_does_not_get_what_presets_and_weaker_sources_said_of_the_old_one(registry):
    # "paper" sets buffer.size, as does the file; `none` has no such option.
    file = choices(preset="paper", options={"buffer": {"size": 9}, "generator": {"blocks": 2}})
    plan = resolve(registry, SIMGAN, file, choices(parts={"buffer": "none"}))
    assert plan.parts["buffer"].options == {}
    assert plan.parts["generator"].options["blocks"] == 2
    # The same part, by its bare name, is no replacement.
    kept = resolve(registry, SIMGAN, file, choices(parts={"buffer": "history"}))
    assert kept.parts["buffer"].options == {"size": 9}
    # What is said with, or after, the replacement is said of the new part.
    with pytest.raises(GantoolError, match=r"no option buffer\.size; it has no options"):
        resolve(registry, SIMGAN, choices(parts={"buffer": "none"}, options={"buffer": {"size": 9}}))


READING = {
    **{"layout": "auto", "image": [], "copy": [], "view": "auto", "array": "auto", "slices": "auto"},
    **{
        "real_layout": "auto",
        "real_image": [],
        "real_copy": [],
        "real_view": "auto",
        "real_array": "auto",
        "real_slices": "auto",
    },
}


def test_a_data_set_that_is_replaced_takes_its_options_along(registry, tmp_path):
    eyes = choices(options={"dataset": {"synthetic_count": 5}})
    files = choices(synthetic=tmp_path / "a", real=str(tmp_path / "b"))
    plan = resolve(registry, SIMGAN, eyes, files)
    assert plan.dataset.component == "gantool:files"
    assert plan.dataset.options == {
        "synthetic": str(tmp_path / "a"),
        "real": str(tmp_path / "b"),
        "stream": False,
        "window": 8,
        "label_range": {},
        **READING,
    }
    assert resolve(registry, SIMGAN, files, choices(dataset="simgan:eyes")).dataset.component == "simgan:eyes"


def test_paths_are_made_absolute(registry, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    plan = resolve(registry, SIMGAN, choices(synthetic="a", real="~/b"))
    assert plan.dataset.options == {
        "synthetic": str(tmp_path / "a"),
        "real": str(tmp_path / "home" / "b"),
        "stream": False,
        "window": 8,
        "label_range": {},
        **READING,
    }


def test_size_goes_to_a_data_set_that_renders_at_any_size_and_to_preprocessing_otherwise(registry, tmp_path):
    eyes = resolve(registry, SIMGAN, choices(size="20x30"))
    assert eyes.dataset.options["size"] == [20, 30]
    assert eyes.preprocess.size is None
    files = resolve(registry, SIMGAN, choices(size="20x30", synthetic=tmp_path, real=tmp_path))
    assert files.preprocess.size == (20, 30)
    # Of the two ways to say it, the stronger source's wins.
    assert resolve(registry, SIMGAN, choices(size=[20, 30]), choices(options={"dataset": {"size": [9, 9]}})).dataset.options[
        "size"
    ] == [9, 9]


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"preset": "paper", "steps": 3},
        {"parts": {"loss": "hinge", "buffer": "none"}, "preset": ""},
        {"synthetic": "a", "real": "b", "size": [4, 5], "fit": "crop", "channels": 3, "value_range": [0.5, 2]},
        {"size": "20x30", "options": {"regularization": {"psi": "gradient"}}},
    ],
)
def test_what_to_dict_prints_resolves_to_an_equal_plan(registry, tmp_path, said):
    plan = resolve(registry, SIMGAN, choices(**said))
    file = tmp_path / "run.json"
    file.write_text(json.dumps({**plan.to_dict(), "versions": {"gantool": "1"}, "created": "today"}))
    again = resolve(registry, read_config(file))
    assert again == plan
    assert again.to_dict() == plan.to_dict()


def test_a_toml_file_says_what_the_command_line_can(registry, tmp_path):
    file = tmp_path / "config.toml"
    file.write_text(
        """
        plugin = "simgan"
        steps = 12
        size = "20x30"
        buffer = "none"
        [parts]
        loss = "lsgan"
        [options.generator]
        width = 8
        [options.recipe]
        refiner_lr = 1e-4
        """
    )
    plan = resolve(registry, read_config(file))
    assert (plan.settings.steps, plan.parts["loss"].component, plan.parts["generator"].options["width"]) == (
        12,
        "gantool:lsgan",
        8,
    )
    assert plan.recipe.options["refiner_lr"] == 1e-4
    assert plan.parts["buffer"].component == "gantool:none"


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"plugin": "simgna"}, r"no plugin or recipe 'simgna'; did you mean 'simgan'\?"),
        ({"plugin": "gantool"}, r"plugin 'gantool' .* provides no recipe: plugins that do: simgan|provides no recipe"),
        ({"preset": "papper"}, r"simgan has no preset 'papper'; did you mean 'paper'\?; it has: laptop, paper"),
        (
            {"parts": {"los": "lsgan"}},
            r"no slot 'los' in simgan; did you mean 'loss'\?; slots are: generator, discriminator, loss",
        ),
        ({"parts": {"loss": "lsgn"}}, r"no loss 'lsgn'; did you mean 'lsgan'\?"),
        ({"parts": {"generator": "simgan:refinr"}}, r"has no generator 'refinr'; did you mean 'refiner'\?"),
        ({"parts": {"loss": "l1"}}, r"slot 'loss' needs a loss that provides 'adversarial'; gantool:l1 does not.*gantool:lsgan"),
        ({"dataset": "eye"}, r"no dataset 'eye'; did you mean 'eyes'\?"),
        ({"metric": "patch"}, r"no metric 'patch'.*patch-distance"),
        ({"options": {"generator": {"widht": 4}}}, r"no option generator\.widht; did you mean 'width'\?"),
        (
            {"options": {"generater": {"width": 4}}},
            r"no slot 'generater' for option generater\.width; did you mean 'generator'\?",
        ),
        ({"options": {"generator": {"width": 0}}}, r"generator\.width: .*greater than or equal to 1, got 0"),
        ({"options": {"generator": {"width": "wide"}}}, r"generator\.width: .*integer.*, got 'wide'"),
        ({"options": {"generator": {"kernel": 4}}}, r"generator: kernel must be odd"),
        ({"options": {"recipe": {"optimizer": "adamw"}}}, r"recipe\.optimizer: .*'adam' or 'sgd', got 'adamw'"),
        ({"batchsize": 4}, r"test: no setting 'batchsize'; did you mean 'batch_size'\?"),
        ({"batch_size": 0}, r"--batch-size: .*greater than or equal to 1, got 0"),
        ({"steps": -1}, r"--steps: .*greater than or equal to 1, got -1"),
        ({"seed": 2**32}, r"--seed: .*less than or equal to 4294967295, got 4294967296"),
        ({"precision": "fp8"}, r"--precision: .*'fp32' or 'bf16', got 'fp8'"),
        ({"size": "35"}, r"--size: '35' is not HEIGHTxWIDTH in pixels, such as 35x55"),
        ({"size": "0x55"}, r"--size: '0x55' must be at least 1x1"),
        ({"value_range": [3, 2]}, r"--value-range: \[3, 2\]: the first value must be below the second"),
        ({"value_range": "0,inf"}, r"--value-range: '0,inf': .* both finite"),
        ({"value_range": "5"}, r"--value-range: '5' is not LO,HI, such as 400,1200"),
        ({"value_range": "a,b"}, r"--value-range: 'a,b' is not LO,HI"),
        ({"size": [35.7, 55.9]}, r"--size: \[35\.7, 55\.9\] is not HEIGHTxWIDTH"),
        ({"size": [35, 70000]}, r"--size: input should be less than or equal to 65535, got \[35, 70000\]"),
        ({"size": "35.7x55", "dataset": "eyes"}, r"--size: '35\.7x55' is not HEIGHTxWIDTH"),
        ({"cache_gib": float("inf")}, r"--cache-gib: input should be a finite number, got inf"),
        ({"timeout": float("nan")}, r"--timeout: .*, got nan"),
        ({"options": {"recipe": {"lambda_reg": float("inf")}}}, r"recipe\.lambda_reg: input should be a finite number, got inf"),
        ({"options": {"dataset": {"label_range": {"age": [[0, float("nan")]]}}}, "synthetic": "a", "real": "b"}, "finite number"),
        ({"value_range": [1, 2, 3]}, r"--value-range: \[1, 2, 3\] is not LO,HI"),
        ({"steps": True}, r"--steps: input should be a number, got True"),
        ({"generator": {"width": 4}}, r"test: no setting 'generator'; options of a slot go into \[options\.generator\]"),
        ({"plugin": 5}, r"test: plugin must be a name, got 5"),
        ({"loss": 5}, r"test: loss must be a name, got 5"),
        ({"los": "lsgan"}, r"test: no setting 'los'; did you mean 'loss'\?"),
        ({"parts": {"loss": ["lsgan"]}}, r"test: loss must be a name, got \['lsgan'\]"),
        ({"parts": "lsgan"}, r"test: parts must be a table, got 'lsgan'"),
        ({"options": {"generator": 4}}, r"test: options\.generator must be a table, got 4"),
        ({"synthetic": ""}, r"test: synthetic must be a path, got ''"),
        ({"format": 2}, r"test was written by a newer gantool \(format 2, this one reads up to 1\): upgrade"),
        ({"format": "1"}, r"test: format must be a whole number, got '1'"),
    ],
)
def test_what_does_not_exist_or_fit_is_one_line_that_says_the_way_out(registry, said, message):
    with pytest.raises(GantoolError, match=message) as error:
        resolve(registry, choices(**{"plugin": "simgan", **said}))
    assert "\n" not in str(error.value)


def test_without_a_plugin_the_only_recipe_trains_or_simgan(registry):
    assert resolve(registry).recipe.component == "simgan:simgan"
    found = registry.recipe("simgan")
    only = replace(found, plugin="only", record=replace(found.record, name="one"))
    host = {name: info for name, info in registry.plugins.items() if not any(each.kind == "recipe" for each in info.provides)}
    parts = replace(
        registry.plugins["simgan"], provides=tuple(p for p in registry.plugins["simgan"].provides if p.kind != "recipe")
    )
    one = {**host, "simgan": parts, "only": PluginInfo("only", "only", "1", "nowhere", provides=(only,))}
    assert resolve(replace(registry, plugins=one)).recipe.component == "only:one"
    with pytest.raises(GantoolError, match="no plugin that is installed has a recipe"):
        resolve(replace(registry, plugins=host))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lambda_reg": 2}, r"-o lambda_reg: write -o recipe\.lambda_reg=VALUE"),
        ({"seed": 3}, r"-o seed: it is a setting, no option of a slot: --seed 3"),
        ({"batch_size": 3}, r"-o batch_size: it is a setting, no option of a slot: --batch-size 3"),
        ({"kernel": 3}, r"-o kernel: write -o generator\.kernel=VALUE"),
        ({"size": 3}, r"-o size: it is a setting"),
        ({"widht": 3}, r"-o widht: write SLOT\.OPTION=VALUE, such as generator\.width=32"),
        ({".width": 3}, r"-o \.width: write SLOT\.OPTION"),
    ],
)
def test_an_option_without_its_slot_is_answered_with_the_right_words(registry, options, message):
    with pytest.raises(GantoolError, match=message):
        resolve(registry, SIMGAN.with_options(options, where="-o"))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.toml", "steps = ", "is no valid TOML"),
        ("a.json", "{", "is no valid JSON"),
        ("a.json", "[1]", "must hold a table of settings"),
        ("a.toml", "stesp = 4", r"a\.toml: no setting 'stesp'; did you mean 'steps'\?"),
        ("a.toml", "caf\udce9 = 4", "is no valid TOML"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, name, text, message):
    (tmp_path / name).write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(GantoolError, match=f"--config .*{message}") as error:
        read_config(tmp_path / name)
    assert "\n" not in str(error.value)


def test_a_missing_file_or_a_folder_is_named(tmp_path):
    with pytest.raises(GantoolError, match=r"--config .*x\.toml cannot be read: No such file"):
        read_config(tmp_path / "x.toml")
    with pytest.raises(GantoolError, match="cannot be read: Is a directory"):
        read_config(tmp_path)


def test_options_of_a_call_need_slot_and_name():
    for name in ("generator.", ".width"):
        with pytest.raises(GantoolError, match=r"options: .*: write SLOT\.OPTION"):
            Choices().with_options({name: 4}, where="options:")


@dataclass(frozen=True)
class Options:
    size: Annotated[int, Ge(1)] = 3


def planted(registry, **fields):
    """A plugin with a recipe of two generators, for what SimGAN has no case of."""
    slots = tuple(Slot(name=name, kind="generator", default="simgan:refiner") for name in ("there", "back"))
    recipe = Recipe(name="cycle", factory="x:y", **{"slots": slots, "dataset": "simgan:eyes", **fields})
    other = Component(name="other", factory="x:y", options=Options)
    provides = (Provided("planted", "recipe", recipe), Provided("planted", "generator", other))
    info = PluginInfo("planted", "planted", "1", "x", provides=provides)
    return replace(registry, plugins={**registry.plugins, "planted": info})


def test_a_kind_stands_for_every_slot_of_that_kind_and_a_slot_wins_over_it(registry):
    registry = planted(registry)
    plan = resolve(registry, choices(plugin="planted", parts={"generator": "other"}), choices(parts={"back": "refiner"}))
    assert {name: part.component for name, part in plan.parts.items()} == {"there": "planted:other", "back": "simgan:refiner"}
    assert plan.preset == ""


def test_a_preset_with_a_value_that_is_no_setting_is_not_silently_ignored(registry):
    registry = planted(registry, presets={"p": {"stepz": 3}}, default_preset="p")
    with pytest.raises(GantoolError, match="no slot 'stepz' for option stepz"):
        resolve(registry, choices(plugin="planted"))
    with pytest.raises(GantoolError, match="cycle has no preset 'x'; it has none"):
        resolve(planted(registry), choices(plugin="planted", preset="x"))


def test_a_recipe_without_data_asks_for_it(registry):
    registry = planted(registry, dataset="")
    with pytest.raises(GantoolError, match="cycle has no data of its own: pass --synthetic DIR --real DIR"):
        resolve(registry, choices(plugin="planted"))
    assert resolve(registry, choices(plugin="planted", synthetic="a", real="b")).dataset.component == "gantool:files"


def test_paths_in_configuration_are_read_relative_to_where_the_user_is(registry, tmp_path, monkeypatch):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.toml").write_text('synthetic = "s"\nreal = "r"\n')
    monkeypatch.chdir(tmp_path)
    said = read_config(Path("deep") / "a.toml")
    assert said.options["dataset.synthetic"] == str(tmp_path / "s")
