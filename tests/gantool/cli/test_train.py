from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gantool.cli.main import run
from gantool.data.preprocess import equalize
from simgan_plugin.presets import PRESETS

SMALL = [
    *("--plugin", "simgan", "--batch-size", "4", "--steps", "1", "--device", "cpu", "--quiet"),
    *("-o", "generator.width=4", "-o", "generator.blocks=1", "-o", "discriminator.width_factor=0.05"),
    *("-o", "recipe.refiner_warmup=1", "-o", "recipe.discriminator_warmup=1", "-o", "metric.samples=64"),
]
EYES = ["-o", "dataset.synthetic_count=12", "-o", "dataset.real_count=12", "--size", "12x16"]


def dry(capsys, *arguments: str):
    assert run(["train", *arguments, "--dry-run"]) == 0
    return json.loads(capsys.readouterr().out)


def refused(capsys, *arguments: str, code: int = 2) -> str:
    assert run(["train", *arguments]) == code
    out, err = capsys.readouterr()
    assert not out
    assert err.startswith("Error: ")
    assert err.count("\n") == 1
    return err


def folder(path: Path, *shapes: tuple[int, ...]) -> Path:
    path.mkdir(parents=True)
    rng = np.random.default_rng(len(path.name))
    for number, shape in enumerate(shapes):
        Image.fromarray(rng.integers(0, 255, shape, np.uint8)).save(path / f"{number}.png")
    return path


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("GANTOOL_TRAIN_STEPS", "GANTOOL_TRAIN_OPTION"):
        monkeypatch.delenv(name, raising=False)


def test_dry_run_prints_a_plan_that_config_replays(capsys, tmp_path):
    words = ["--plugin", "simgan", "--loss", "lsgan", "--buffer", "none", "-o", "generator.blocks=6", "--seed", "3"]
    printed = dry(capsys, *words)
    assert printed["parts"]["loss"] == "gantool:lsgan"
    assert printed["parts"]["buffer"] == "gantool:none"
    assert printed["options"]["generator"]["blocks"] == 6
    (tmp_path / "plan.json").write_text(json.dumps(printed))
    assert dry(capsys, "--config", "plan.json") == printed
    assert not (tmp_path / "runs").exists()


def test_command_line_wins_over_environment_over_file_over_preset(capsys, monkeypatch, tmp_path):
    (tmp_path / "a.toml").write_text('plugin = "simgan"\nsteps = 1\nbatch_size = 1\nseed = 1\n[options.generator]\nwidth = 1\n')
    monkeypatch.setenv("GANTOOL_TRAIN_BATCH_SIZE", "2")
    monkeypatch.setenv("GANTOOL_TRAIN_SEED", "2")
    monkeypatch.setenv("GANTOOL_TRAIN_EQUALIZE", "1")
    monkeypatch.setenv("GANTOOL_TRAIN_OPTION", "generator.width=2 generator.blocks=2")
    monkeypatch.setenv("GANTOOL_TRAIN_LOSS", "hinge")
    printed = dry(capsys, "--config", "a.toml", "--seed", "3", "-o", "generator.blocks=3", "--part", "loss=lsgan")
    assert (printed["steps"], printed["batch_size"], printed["seed"], printed["equalize"]) == (1, 2, 3, True)
    assert (printed["options"]["generator"]["width"], printed["options"]["generator"]["blocks"]) == (2, 3)
    assert printed["parts"]["loss"] == "gantool:lsgan"
    assert printed["checkpoint_every"] == PRESETS["laptop"]["checkpoint_every"]


def test_flags_that_are_not_given_do_not_hide_what_a_file_says(capsys, tmp_path):
    (tmp_path / "a.toml").write_text('plugin = "simgan"\nequalize = true\ncompile = true\nfit = "crop"\nsize = "20x30"\n')
    printed = dry(capsys, "--config", "a.toml")
    assert (printed["equalize"], printed["compile"], printed["fit"]) == (True, True, "crop")
    assert printed["options"]["dataset"]["size"] == [20, 30]
    assert dry(capsys, "--config", "a.toml", "--no-equalize")["equalize"] is False


def test_values_are_read_as_toml_does(capsys):
    printed = dry(
        capsys,
        *("--plugin", "simgan", "-o", "recipe.refiner_lr=1e-4", "-o", "generator.residual=true", "--channels", "3"),
        *("-o", "regularization.psi=features", "-o", "regularization.network=a.b:c", "-o", 'regularization.layers=["x", "y"]'),
        *("--value-range", "0.5,2", "--synthetic", "a", "--real", "b", "--size", "4x5", "-o", "recipe.optimizer= sgd"),
    )
    assert printed["options"]["recipe"]["refiner_lr"] == 1e-4
    assert printed["options"]["recipe"]["optimizer"] == "sgd"
    assert printed["options"]["generator"]["residual"] is True
    assert printed["options"]["regularization"] == {"psi": "features", "network": "a.b:c", "layers": ["x", "y"]}
    assert (printed["channels"], printed["value_range"], printed["size"]) == (3, [0.5, 2.0], [4, 5])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--steps", "0"], "--steps: input should be greater than or equal to 1, got 0"),
        (["-o", "steps=3"], "-o steps: it is a setting, no option of a slot: --steps 3"),
        (["--plugin", "simgna"], "no plugin or recipe 'simgna'; did you mean 'simgan'?"),
        (["--plugin", "simgan", "--loss", "lsgn"], "no loss 'lsgn'; did you mean 'lsgan'?"),
        (["--plugin", "simgan", "-o", "generator.widht=3"], "no option generator.widht; did you mean 'width'?"),
        (["--plugin", "simgan", "-o", "width=3"], "-o width: write -o generator.width=VALUE"),
        (["--plugin", "simgan", "-o", "generator.width"], "-o generator.width: write SLOT.OPTION=VALUE"),
        (["--plugin", "simgan", "-o", "recipe.lambda_reg=1e999"], "recipe.lambda_reg: input should be a finite number, got inf"),
        (["--plugin", "simgan", "-o", "recipe.lambda_reg=-inf", "--dry-run"], "recipe.lambda_reg: "),
        (["--plugin", "simgan", "-o", "recipe.lambda_reg=nan", "--dry-run"], "finite number, got nan"),
        (["--plugin", "simgan", "--timeout", "inf", "--dry-run"], "--timeout: input should be a finite number, got inf"),
        (["--plugin", "simgan", "--part", "loss"], "--part loss: write SLOT=NAME"),
        (["--plugin", "simgan", "--part", "los=lsgan"], "no slot 'los' in simgan; did you mean 'loss'?"),
        (["--plugin", "simgan", "--value-range", "5"], "--value-range: "),
        (["--plugin", "simgan", "--value-range", "a,b"], "--value-range: 'a,b' is not LO,HI, such as 400,1200"),
        (["--plugin", "simgan", "--channels", "many"], "--channels: "),
        (["--plugin", "simgan", "--size", "35"], "--size: '35' is not HEIGHTxWIDTH in pixels, such as 35x55"),
        (["--config", "nowhere.toml"], "--config nowhere.toml cannot be read: No such file or directory"),
        (["--resume", "nowhere"], "nowhere does not exist"),
        (["--resume", "."], ". is no run folder: it has no run.json"),
        (["--resume", ".", "--dry-run"], "--resume goes with none of --output, --config, --repeat, --dry-run"),
    ],
)
def test_bad_words_end_in_one_line_and_exit_code_2(capsys, words, message):
    assert message in refused(capsys, *words)


@pytest.mark.parametrize(
    ("device", "message"),
    [
        ("cuda:77", "--device cuda:77 is not available here"),
        ("gpu", "--device 'gpu' is no device"),
        ("meta", "not available here"),
    ],
)
def test_a_device_that_is_not_there(capsys, device, message):
    assert message in refused(capsys, *SMALL, *EYES, "--device", device)


def test_bad_data_ends_in_one_line_and_leaves_the_output_free(capsys, tmp_path):
    grey, other = folder(tmp_path / "grey", *[(12, 16)] * 8), folder(tmp_path / "other", *[(14, 16)] * 8)
    empty, four = folder(tmp_path / "empty"), folder(tmp_path / "four", *[(12, 16)] * 3)
    output = ["--output", "run"]
    for synthetic, real, words, message in (
        (grey, tmp_path / "nowhere", [], "nowhere does not exist"),
        (grey, empty, [], "no images in"),
        (grey, grey, [], "--synthetic and --real are the same place"),
        (grey, other, [], "pass --size HxW"),
        (grey, four, [], "--batch-size 4 is larger than the 3 real images"),
        (grey, other, ["--size", "40x40", "--fit", "crop"], "smaller than the crop of 40x40"),
    ):
        assert message in refused(capsys, *SMALL, "--synthetic", str(synthetic), "--real", str(real), *words, *output)
        assert not (tmp_path / "run").exists()
    assert run(["train", *SMALL, "--synthetic", str(grey), "--real", str(other), "--size", "12x16", *output]) == 0
    assert "run is a run already: go on with `gantool train --resume run`" in refused(capsys, *SMALL, *EYES, *output)
    assert "exists and is not empty" in refused(capsys, *SMALL, *EYES, "--output", "grey")


def test_domains_that_were_treated_differently_are_named_before_time_is_spent(capsys, tmp_path):
    for name in ("renders", "photos"):
        (tmp_path / name).mkdir()
        for number in range(8):
            image = np.random.default_rng(number).normal(70, 12, (12, 16)).clip(0, 255).astype(np.uint8)
            image = equalize(image[..., None], name)[..., 0] if name == "photos" else image
            Image.fromarray(image).save(tmp_path / name / f"{number}.png")
    words = [word for word in SMALL if word != "--quiet"] + ["--synthetic", "renders", "--real", "photos"]
    warning = "Warning: real images are histogram-equalised, synthetic ones are not (0% of the synthetic and 100% of the real"
    assert run(["train", *words]) == 0
    assert warning in capsys.readouterr().err
    assert run(["train", *words, "--equalize"]) == 0
    assert "Warning" not in capsys.readouterr().err


def test_a_run_from_the_command_line_is_resumed_by_it(capsys, tmp_path):
    words = [word for word in SMALL if word != "--quiet"] + EYES + ["-o", "recipe.decay=0"]
    assert run(["train", *words]) == 0
    out, err = capsys.readouterr()
    first = Path("runs/simgan-001")
    assert out.splitlines() == [
        f"Run: {first}",
        f"Pictures: {first / 'samples'}",
        f"Refine with it: gantool refine {first} --input DIR --output DIR",
    ]
    assert "12 synthetic and 12 real images, 12x16 px, grey, on cpu" in err
    assert "step 3/3  adversarial" in err
    assert {path.name for path in first.iterdir()} - {"tensorboard"} == {
        *("checkpoints", "config.json", "metrics.jsonl", "refiner.safetensors", "run.json", "samples")
    }
    # The same words again, with --resume, go on with it; what would change it is refused.
    assert run(["train", *words[:4], "--resume", str(first), "--steps", "2"]) == 0
    assert (first / "checkpoints" / "step-00000004").is_dir()
    capsys.readouterr()
    assert "batch_size is 4 there and cannot become 5" in refused(capsys, "--resume", str(first), "--batch-size", "5")
    assert run(["train", "--resume", str(first)]) == 0
    assert "is complete: 4 of 4 steps; --steps N trains further" in capsys.readouterr().err
    # The recorded plan starts an equal run in the next folder.
    assert run(["train", "--config", str(first / "run.json"), "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    weights = [Path(f"runs/simgan-00{number}/refiner.safetensors").read_bytes() for number in (1, 2)]
    assert weights[0] == weights[1]


def test_planning_and_help_import_no_torch(tmp_path):
    """In a process of its own, as nothing else can say what was imported."""
    code = """
import sys
from gantool.cli.main import run
for words in (["train", "--help"], ["train", "--plugin", "simgan", "--dry-run"], ["train", "--plugin", "x"]):
    run(words)
heavy = {"torch", "numpy", "PIL", "accelerate", "cv2", "rich"} & set(sys.modules)
assert not heavy, heavy
import gantool
assert "torch" not in sys.modules
assert callable(gantool.train)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "--synthetic PATH" in done.stdout


def test_a_profile_is_written_and_summed_up(capsys):
    words = [word for word in SMALL if word != "--quiet"] + EYES
    assert run(["train", *words, "--steps", "6", "--profile"]) == 0
    err = capsys.readouterr().err
    first = Path("runs/simgan-001")
    assert f"Profile of 3 steps: {first / 'profile' / 'step-00000008.json'}" in err
    assert "share         ms   calls  operation" in err
    assert run(["train", "--resume", str(first), "--steps", "12", "--profile"]) == 0
    assert f"Profile of 3 steps: {first / 'profile' / 'step-00000014.json'}" in capsys.readouterr().err
