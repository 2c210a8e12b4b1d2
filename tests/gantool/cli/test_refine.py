"""`gantool refine` as a person calls it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import gantool
from gantool.cli.main import run


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    network = gantool.build("generator", "simgan:refiner", channels=1, width=4, blocks=1)
    return gantool.save(network, tmp_path_factory.mktemp("runs") / "saved")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "in"
    root.mkdir()
    for number in range(3):
        Image.fromarray(np.full((9, 13), 50 * number, np.uint8)).save(root / f"{number}.png")
    (root / "0.json").write_text('{"gaze": [1, 2]}')
    return root


def test_it_refines_and_says_what_it_did(saved: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    arguments = ["refine", str(saved), "--input", str(folder), "--output", str(tmp_path / "out"), "--device", "cpu"]
    assert run(arguments) == 0
    assert capsys.readouterr().out == f"3 images refined, 1 label file or array copied: {tmp_path / 'out'}\n"
    assert run(arguments) == 0
    assert capsys.readouterr().out == f"0 images refined, 3 there already: {tmp_path / 'out'}\n"
    assert run([*arguments, "--overwrite", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


def test_failures_are_listed_with_exit_code_1(saved: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (folder / "bad ü.png").write_bytes(b"")
    code = run(["refine", str(saved), "--input", str(folder), "--output", str(tmp_path / "out")])
    out, err = capsys.readouterr()
    assert code == 1
    assert err == "Failed: bad ü.png: the file is empty\n"
    assert "3 images refined" in out
    assert "1 failed" in out


def test_bad_input_is_one_line_with_exit_code_2(saved: Path, folder: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["refine", str(saved), "--input", str(folder), "--output", str(folder)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("Error: --output")
    assert error.count("\n") == 1


def test_notes_and_sizes(saved: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    code = run(
        ["refine", str(saved), "--input", str(folder), "--output", str(tmp_path / "out"), "--size", "5x6", "--workers", "1"]
    )
    assert code == 0
    assert "Note: images are written at 5x6, so labels in pixels no longer fit" in capsys.readouterr().err
    assert Image.open(tmp_path / "out/1.png").size == (6, 5)


def test_ctrl_c_says_how_to_go_on(saved: Path, folder: Path, tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch):
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("gantool.refining.network.Network.change", stop)
    assert run(["refine", str(saved), "--input", str(folder), "--output", str(tmp_path / "out")]) == 130
    assert capsys.readouterr().err == "Stopped; give the same command again to finish.\n"


def test_help_imports_no_torch():
    code = (
        "import sys; from gantool.cli.main import run; assert run(['refine', '--help']) == 0; "
        "assert not {'torch', 'numpy', 'cv2'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "gantool refine runs/simgan-001 --input DIR --output DIR" in done.stdout
