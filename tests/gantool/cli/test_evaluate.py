"""`gantool evaluate` as a person calls it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import gantool
from gantool.cli.main import run

pytest.importorskip("scipy")

FAST = ["-o", "estimator.steps=10", "-o", "estimator.batch_size=8", "--device", "cpu", "--limit", "70", "--no-evidence"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    options = {
        "generator.width": 4,
        "generator.blocks": 1,
        "discriminator.width_factor": 0.05,
        "metric.samples": 64,
        "dataset.synthetic_count": 80,
        "dataset.real_count": 40,
    }
    folder = tmp_path_factory.mktemp("runs") / "run"
    return gantool.train("simgan", output=folder, options=options, steps=1, batch_size=4, size=(12, 16), device="cpu")


def test_it_prints_a_table_and_ends_with_the_verdict(trained: Path, capsys, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "160")
    assert run(["evaluate", str(trained), "--arms", "synthetic,refined,real,equalize", "--repeats", "2", *FAST]) == 0
    out, err = capsys.readouterr()
    for word in (
        "gantool:small-cnn",
        "gaze_pitch_yaw_rad",
        "learnt from",
        "95 % interval",
        "ratio",
        "always the mean",
        "°",
    ):
        assert word in out, word
    assert out.index("synthetic ") < out.index("refined ") < out.index("equalize ")
    assert "real: skipped, 70 labelled real images are too few" in out
    assert "\nToo few repeats to tell" in out
    assert "gantool:small-cnn: synthetic, seed 1 (2 of 6, about 1 s left) …" in err
    assert err.index("real: skipped") < err.index("seed 0")


def test_json_is_one_object_and_the_file(trained: Path, capsys):
    assert run(["evaluate", str(trained), "--arms", "refined,synthetic", "--repeats", "1", "--json", "--quiet", *FAST]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert json.loads(out) == json.loads((trained / "evaluation.json").read_text())
    assert list(json.loads(out)["downstream"]) == ["synthetic", "refined"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--arms", "synthetic,refined,mixed"], "Error: --arms: no arm 'mixed'; did you mean 'mix'?\n"),
        (["--labels", "gaze"], "Error: built-in eyes, synthetic has no labels 'gaze'"),
        (["--real-labelled", "nowhere"], "Error: nowhere does not exist\n"),
        (["--estimator", "cnn,knn"], "Error: no estimator 'cnn'"),
        (["-o", "estimator.steps"], "Error: -o estimator.steps: write estimator.OPTION=VALUE\n"),
        (["--repeats", "0"], "Error: --repeats: "),
    ],
)
def test_bad_input_is_one_line_with_exit_code_2(trained: Path, capsys, words: list[str], message: str):
    assert run(["evaluate", str(trained), "--quiet", "--limit", "70", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(message)
    assert err.count("\n") == 1


def test_a_folder_that_is_no_run(tmp_path: Path, capsys):
    assert run(["evaluate", str(tmp_path), "--quiet"]) == 2
    assert "is no run folder" in capsys.readouterr().err


def test_the_environment_sets_flags(trained: Path, capsys, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GANTOOL_EVALUATE_REPEATS", "0")
    assert run(["evaluate", str(trained), "--quiet"]) == 2
    assert "--repeats: " in capsys.readouterr().err


def test_help_names_the_arms_and_imports_no_torch():
    code = (
        "import sys; from gantool.cli.main import run; assert run(['evaluate', '--help']) == 0; "
        "assert not {'torch', 'numpy', 'scipy'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "histogram-matching" in done.stdout


def test_ctrl_c_says_that_nothing_is_lost(capsys, monkeypatch: pytest.MonkeyPatch):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("gantool.evaluation.command.evaluate_run", stopped)
    assert run(["evaluate", "one"]) == 130
    assert capsys.readouterr().err == "Stopped: what is finished is kept, and the same command goes on.\n"


@pytest.mark.parametrize(
    ("verdict", "fail_on", "code"),
    [
        ("hurts", "hurts", 3),
        ("hurts", None, 0),
        ("no difference", "hurts", 0),
        ("no difference", "no-difference", 3),
        ("helps", "hurts", 0),
    ],
)
def test_a_pipeline_can_fail_on_the_verdict(capsys, monkeypatch: pytest.MonkeyPatch, verdict, fail_on, code):
    monkeypatch.setattr("gantool.evaluation.command.evaluate_run", lambda runs, **_: {"verdict": verdict, "runs": len(runs)})
    words = [*(["--fail-on", fail_on] if fail_on else []), "--json"]
    assert run(["evaluate", "one", "two", *words]) == code
    assert json.loads(capsys.readouterr().out) == {"verdict": verdict, "runs": 2}
