"""`gantool export` and `gantool publish` as a person calls them."""

from __future__ import annotations

from pathlib import Path

import pytest

import gantool
from gantool.cli.main import run
from gantool.plan.settings import RefineSettings, read_settings
from gantool.refining.report import RefineReport


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    network = gantool.build("generator", "simgan:refiner", channels=1, width=4, blocks=1)
    return gantool.save(network, tmp_path_factory.mktemp("runs") / "saved")


def test_the_figures_are_printed(saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = tmp_path / "refiner.pt2"
    assert run(["export", str(saved), "--output", str(file)]) == 0
    *checks, last = capsys.readouterr().out.splitlines()
    assert len(checks) >= 5
    assert all("differs from torch by " in line for line in checks)
    assert last == f"Written: {file} (torch-export, images from 2x2 px)"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["export", "RUN", "--output", "a.foo"], "onnx, torch-export, safetensors"),
        (["publish", "RUN", "--output", "RUN", "--license", "mit"], "is the run itself"),
        (["refine", "RUN", "--input", "RUN", "--output", "x", "--backend", "tpu"], "--backend 'tpu' is none of: auto, torch"),
        (["refine", "RUN", "--input", "RUN", "--output", "x", "--tile", "16", "--tile-overlap", "9"], "--tile 16 is too small"),
        (["refine", "RUN", "--input", "RUN", "--output", "x", "--tile", "0"], "'0' is not auto, off or a number of pixels"),
    ],
)
def test_bad_input_is_one_line_with_exit_code_2(saved: Path, tmp_path: Path, capsys, monkeypatch, words: list[str], message: str):
    monkeypatch.chdir(tmp_path)
    assert run([str(saved) if word == "RUN" else word for word in words]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_publish_says_how_to_upload_and_what_is_missing(saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["publish", str(saved), "--output", str(tmp_path / "eyes"), "--license", "mit"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        f"Written: {tmp_path / 'eyes'} (config.json, refiner.safetensors, README.md)",
        f"To upload it: hf upload USER/eyes {tmp_path / 'eyes'} .",
    ]
    assert all(line.startswith("Note: ") for line in err.splitlines())


@pytest.mark.parametrize(("word", "side"), [("auto", None), ("off", 0), ("64", 64)])
def test_tile_sides(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, word: str, side: int | None):
    asked: dict[str, object] = {}

    def refine(*_: object, **options: object) -> RefineReport:
        asked.update(options)
        return RefineReport(output=tmp_path, refined=0)

    monkeypatch.setattr("gantool.refining.refine.refine", refine)
    assert run(["refine", "run", "--input", "a", "--output", "b", "--tile", word, "--backend", "openvino"]) == 0
    settings = read_settings(RefineSettings, {name: asked[name] for name in ("tile", "backend", "threads")}, of="refine")
    assert (settings.tile, settings.backend, settings.threads) == (side, "openvino", None)
