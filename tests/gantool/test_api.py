from __future__ import annotations

import inspect
import json
import os
import signal
from pathlib import Path

import pytest
import torch

import gantool
from gantool import GantoolError
from gantool.training.loop import TrainingRun

OPTIONS = {
    "generator.width": 4,
    "generator.blocks": 1,
    "discriminator.width_factor": 0.05,
    "dataset.synthetic_count": 12,
    "dataset.real_count": 12,
    "recipe.refiner_warmup": 1,
    "recipe.discriminator_warmup": 1,
    "metric.samples": 64,
}


def train(output: Path, options=(), **choices) -> Path:
    settings = {"steps": 1, "batch_size": 4, "device": "cpu", "size": (12, 16), "log_every": 1}
    return gantool.train("simgan", output=output, options=OPTIONS | dict(options), **settings | choices)


def test_training_returns_a_run_that_loads(tmp_path, capsys):
    run = train(tmp_path / "run", loss="lsgan", buffer="none", steps=2, parts={"regularization": "l2"})
    assert run == tmp_path / "run"
    assert capsys.readouterr() == ("", "")
    module = gantool.load(run)
    assert not module.training
    assert module(torch.zeros(2, 1, 9, 9)).shape == (2, 1, 9, 9)
    recorded = json.loads((run / "run.json").read_text())
    assert recorded["parts"]["loss"] == "gantool:lsgan"
    assert recorded["parts"]["regularization"] == "gantool:l2"
    assert recorded["steps"] == 2


def test_a_run_is_resumed_and_replayed(tmp_path):
    run = train(tmp_path / "run", options={"recipe.decay": 0})
    assert gantool.train(resume=run, steps=2) == run
    assert (run / "checkpoints" / "step-00000004").is_dir()
    again = gantool.train(config=run / "run.json", output=tmp_path / "again")
    assert (again / "refiner.safetensors").read_bytes() == (run / "refiner.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps": 0}, "--steps: input should be greater than or equal to 1"),
        ({"plugin": "simgna"}, "did you mean 'simgan'"),
        ({"plugin": "simgan", "stepz": 3}, r"gantool\.train: no setting 'stepz'; did you mean 'steps'"),
        ({"plugin": "simgan", "options": {"width": 3}}, r"-o width: write -o generator\.width=VALUE"),
        ({"plugin": "simgan", "options": {"generator.widht": 3}}, r"no option generator\.widht"),
        ({"plugin": "simgan", "synthetic": ""}, "synthetic must be a path"),
        ({"plugin": "simgan", "output": __file__}, "exists and is not empty"),
        ({"plugin": "simgan", "config": "nowhere.toml"}, r"nowhere\.toml cannot be read"),
        ({"resume": "nowhere"}, "nowhere does not exist"),
        ({"resume": "x", "output": "y"}, "resume goes with none of output, config, repeat"),
        ({"resume": "x", "config": "y"}, "resume goes with none of output, config, repeat"),
    ],
)
def test_bad_arguments_of_train(arguments, message):
    with pytest.raises(GantoolError, match=message) as error:
        gantool.train(**arguments)
    assert "\n" not in str(error.value)


def test_ctrl_c_saves_and_raises_keyboard_interrupt(tmp_path, monkeypatch):
    sample = TrainingRun._sample

    def sample_and_interrupt(self, session):
        sample(self, session)
        if self.done == 1:
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(TrainingRun, "_sample", sample_and_interrupt)
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "run", steps=3, sample_every=1)
    assert [path.name for path in (tmp_path / "run" / "checkpoints").iterdir()] == ["step-00000001"]
    gantool.train(resume=tmp_path / "run")
    whole = train(tmp_path / "whole", steps=3)
    assert (whole / "refiner.safetensors").read_bytes() == (tmp_path / "run" / "refiner.safetensors").read_bytes()


def test_two_runs_in_one_process_may_differ_in_precision(tmp_path):
    for precision in ("fp32", "bf16", "fp32"):
        run = train(tmp_path / f"{precision}{len(list(tmp_path.iterdir()))}", precision=precision)
        assert json.loads((run / "run.json").read_text())["precision"] == precision
    weights = [(tmp_path / name / "refiner.safetensors").read_bytes() for name in ("fp320", "bf161", "fp322")]
    assert weights[0] == weights[2] != weights[1]


@pytest.mark.parametrize(
    ("kind", "name", "arguments", "follows"),
    [
        ("generator", "simgan:refiner", {"channels": 3, "width": 16}, lambda it: it.config.width == 16),
        ("generator", "refiner", {"channels": 1}, lambda it: it(torch.zeros(1, 1, 4, 4)).shape[1] == 1),
        ("discriminator", "simgan:local", {"channels": 3, "depth": 2}, lambda it: it(torch.zeros(1, 3, 8, 8)).shape[1] == 1),
        ("loss", "lsgan", {}, lambda it: it.generator(torch.ones(1, 1, 2, 2)) == 0),
        ("loss", "self-regularization", {"psi": "gradient"}, lambda it: it.config.psi == "gradient"),
        ("buffer", "history", {"generator": torch.Generator(), "size": 5}, lambda it: it.size == 5),
        ("metric", "patch-distance", {"patch": 3}, lambda it: it.config.patch == 3),
        ("dataset", "simgan:eyes", {"synthetic_count": 3}, lambda it: len(it.source) == 3),
    ],
)
def test_any_component_can_be_built(kind, name, arguments, follows):
    assert follows(gantool.build(kind, name, **arguments))


@pytest.mark.parametrize(
    ("kind", "name", "arguments", "message"),
    [
        ("command", "simgan", {}, "cannot build a 'command'; kinds are: generator, discriminator"),
        ("recipe", "simgan", {}, "building recipe simgan:simgan needs parts=…"),
        ("generator", "refinr", {}, "no generator 'refinr'; did you mean 'refiner'"),
        ("generator", "refiner", {}, "building generator simgan:refiner needs channels=…"),
        ("generator", "refiner", {"channels": 1, "widht": 3}, r"no option .*widht; did you mean 'width'"),
        ("generator", "refiner", {"channels": 1, "width": 0}, "greater than or equal to 1, got 0"),
        ("generator", "refiner", {"channels": 0}, "simgan:refiner: "),
    ],
)
def test_what_cannot_be_built(kind, name, arguments, message):
    with pytest.raises(GantoolError, match=message) as error:
        gantool.build(kind, name, **arguments)
    assert "\n" not in str(error.value)


def test_a_built_network_is_saved_and_loaded_to_the_bit(tmp_path):
    module = gantool.build("generator", "simgan:refiner", channels=3, width=5, blocks=2, residual=True)
    with torch.no_grad():
        for weight in module.parameters():
            weight.add_(torch.randn_like(weight) * 0.1)
    folder = gantool.save(module, tmp_path / "deep" / "net")
    loaded = gantool.load(folder)
    images = torch.rand(2, 3, 11, 13) * 2 - 1
    with torch.no_grad():
        assert torch.equal(loaded(images), module.eval()(images))
    gantool.save(loaded, tmp_path / "again")
    for name in ("config.json", "refiner.safetensors"):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()


def test_a_foreign_module_cannot_be_saved(tmp_path):
    with pytest.raises(GantoolError, match=r"Linear was not made by gantool\.build or gantool\.load"):
        gantool.save(torch.nn.Linear(1, 1), tmp_path / "net")
    assert not (tmp_path / "net").exists()


def test_saving_where_nothing_can_be_written(tmp_path):
    (tmp_path / "file").write_text("theirs")
    module = gantool.build("generator", "refiner", channels=1, width=4, blocks=0)
    with pytest.raises(GantoolError, match=r"cannot be written to"):
        gantool.save(module, tmp_path / "file" / "net")


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        ("train", ["plugin", "options", "steps", "batch_size", "value_range", "choices"]),
        ("refine", ["run", "input", "output", "watcher", "batch_size", "tile", "checkpoint"]),
        ("evaluate", ["run", "real_labelled", "arms", "repeats", "device"]),
        ("export", ["run", "output", "format", "opset", "overwrite"]),
    ],
)
def test_signatures_list_the_settings(function, parameters):
    found = inspect.signature(getattr(gantool, function)).parameters
    assert [name for name in found if name in parameters] == sorted(parameters, key=list(found).index)
    assert set(parameters) <= set(found)
    assert "settings" not in found
    with pytest.raises(GantoolError, match=r"no (argument|setting) 'bathc_size'"):
        getattr(gantool, function)("x", **{name: "x" for name in ("input", "output") if name in found}, bathc_size=3)


def test_names_that_gantool_has_not():
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        gantool.trian  # noqa: B018
