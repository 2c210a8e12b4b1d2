"""What a file of a run names is imported only where the user says so, too."""

from __future__ import annotations

import json
import sys

import pytest

import gantool
from gantool import GantoolError
from gantool.cli.main import run

WORDS = [
    *(
        "--steps",
        "1",
        "--batch-size",
        "4",
        "--device",
        "cpu",
        "--size",
        "12x16",
        "--log",
        "none",
        "-o",
        "regularization.psi=features",
    ),
    *("-o", "generator.width=4", "-o", "generator.blocks=1", "-o", "discriminator.width_factor=0.05", "-o", "metric.samples=16"),
    *("-o", "dataset.synthetic_count=12", "-o", "dataset.real_count=12"),
    *("-o", "recipe.refiner_warmup=1", "-o", "recipe.discriminator_warmup=1", "-o", "recipe.decay=0"),
]
NETWORK = "regularization.network=planted_network:make"


@pytest.fixture
def foreign(tmp_path, monkeypatch):
    """A run whose run.json names a module that writes down that it was imported."""
    (tmp_path / "planted_network.py").write_text(
        "from pathlib import Path\nPath(__file__).with_name('imported').touch()\n\n"
        "def make():\n    import torch\n    return torch.nn.Conv2d(1, 2, 3)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert run(["train", *WORDS, "-o", NETWORK, "--output", str(tmp_path / "run"), "--quiet"]) == 0
    (tmp_path / "imported").unlink()
    del sys.modules["planted_network"]
    yield tmp_path / "run"
    sys.modules.pop("planted_network", None)


def test_resuming_imports_nothing_that_the_command_does_not_name(foreign, capsys):
    imported = foreign.parent / "imported"
    assert run(["train", "--resume", str(foreign), "--steps", "2"]) == 2
    said = capsys.readouterr().err
    assert said == (
        f"Error: {foreign}/run.json names code to import, {NETWORK}: say it yourself (-o {NETWORK}), or pass --trust if you trust "
        "whoever wrote that file\n"
    )
    with pytest.raises(GantoolError, match="names code to import"):
        gantool.train(resume=foreign)
    with pytest.raises(GantoolError, match="names code to import"):
        gantool.train(config=foreign / "run.json", output=foreign.parent / "again")
    assert run(["train", "--config", str(foreign / "run.json"), "--dry-run"]) == 2
    assert not imported.exists()
    assert run(["train", "--resume", str(foreign), "--steps", "2", "-o", NETWORK, "--quiet"]) == 0
    assert imported.exists()


def test_trust_imports_it(foreign):
    assert run(["train", "--resume", str(foreign), "--steps", "2", "--trust", "--quiet"]) == 0
    gantool.train(resume=foreign, steps=3, trust=True)
    assert (foreign.parent / "imported").exists()


@pytest.mark.parametrize("reference", ["sys:exit", "planted_leaver:make"])
def test_code_that_ends_the_program_is_no_success(tmp_path, monkeypatch, capsys, reference):
    (tmp_path / "planted_leaver.py").write_text("raise SystemExit(0)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert run(["train", *WORDS, "-o", f"regularization.network={reference}", "--output", str(tmp_path / "run")]) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith(f"Error: network '{reference}'")
    assert "SystemExit" in said


def test_a_name_that_is_no_code_needs_no_trust(foreign):
    plan = json.loads((foreign / "run.json").read_text())
    plan["options"]["regularization"]["network"] = "efficientnet-lite0"
    (foreign / "run.json").write_text(json.dumps(plan))
    assert run(["train", "--config", str(foreign / "run.json"), "--dry-run"]) == 0
