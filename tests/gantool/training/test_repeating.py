"""Several seeds of one run, stopped and gone on with."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import gantool
from gantool import GantoolError
from gantool.cli.main import run
from gantool.evaluation.pooling import find_runs
from gantool.plugins import load_plugins
from gantool.training.loop import TrainingRun

OPTIONS = {
    "generator.width": 4,
    "generator.blocks": 1,
    "discriminator.width_factor": 0.05,
    "dataset.synthetic_count": 12,
    "dataset.real_count": 12,
    "dataset.size": [12, 16],
    "recipe.refiner_warmup": 1,
    "recipe.discriminator_warmup": 1,
    "metric.samples": 64,
}
CHOICES = {"plugin": "simgan", "batch_size": 4, "steps": 1, "device": "cpu", "log": ("none",)}


def weights(folder: Path) -> bytes:
    return (folder / "refiner.safetensors").read_bytes()


def test_runs_are_those_of_single_calls_and_go_on_where_they_were_stopped(tmp_path, monkeypatch, capsys):
    both, single = tmp_path / "both", tmp_path / "single"
    train, begun = TrainingRun.train, []

    def stopped(self):
        begun.append(self.plan.settings.seed)
        if begun == [3, 4]:
            raise KeyboardInterrupt
        train(self)

    monkeypatch.setattr(TrainingRun, "train", stopped)
    with pytest.raises(KeyboardInterrupt):
        gantool.train(output=both, repeat=3, seed=3, options=OPTIONS, **CHOICES)
    with pytest.raises(GantoolError, match=r"seed-5 is still to be trained: go on with `gantool train --resume .*both`"):
        find_runs([both], load_plugins())
    with pytest.raises(GantoolError, match=r"both has runs already: go on with"):
        gantool.train(output=both, repeat=3, options=OPTIONS, **CHOICES)
    assert run(["train", "--resume", str(both)]) == 0
    assert begun == [3, 4, 3, 4, 5], "a finished run is looked at, and left"
    assert f"gantool evaluate {both}" in capsys.readouterr().out
    gantool.train(output=single, seed=4, options=OPTIONS, **CHOICES)
    assert weights(both / "seed-4") == weights(single) != weights(both / "seed-5")
    runs = find_runs([both], load_plugins())
    assert [path.name for path in runs.folders] == ["seed-3", "seed-4", "seed-5"]
    assert runs.results == (*runs.folders, both)


def test_what_cannot_be_trained_leaves_nothing(tmp_path):
    with pytest.raises(GantoolError, match="batch"):
        gantool.train(output=tmp_path / "out", repeat=2, options=OPTIONS, **{**CHOICES, "batch_size": 40})
    assert not (tmp_path / "out").exists()
    assert run(["train", "--repeat", "0", "--output", str(tmp_path / "out")]) == 2


def test_runs_that_are_no_repeats_are_not_pooled(tmp_path):
    first = gantool.train(output=tmp_path / "first", options=OPTIONS, **CHOICES)
    same = Path(shutil.copytree(first, tmp_path / "same"))
    other = Path(shutil.copytree(first, tmp_path / "other"))
    registry = load_plugins()
    with pytest.raises(GantoolError, match=r"two of the runs have one seed \(0, 0\)"):
        find_runs([first, same], registry)
    plan = json.loads((other / "run.json").read_text())
    plan["seed"], plan["options"]["recipe"]["lambda_reg"] = 1, 7.5
    (other / "run.json").write_text(json.dumps(plan))
    with pytest.raises(
        GantoolError, match=r"other and .*first are no repeats of one run: recipe.lambda_reg is 7.5 and .*one by one"
    ):
        find_runs([first, other], registry)
