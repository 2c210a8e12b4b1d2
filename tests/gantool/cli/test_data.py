"""`gantool data` as a person calls it."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from gantool.cli.data_text import histogram_bars
from gantool.cli.main import run

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"


@pytest.fixture
def domains(tmp_path: Path) -> tuple[Path, Path]:
    random = np.random.default_rng(0)
    images = np.stack([cv2.GaussianBlur(random.integers(0, 256, (24, 32), dtype=np.uint8), (0, 0), 2) for _ in range(12)])
    np.savez(tmp_path / "renders [a].npz", images=images[:8], gaze=random.normal(size=(8, 2)))
    np.savez(tmp_path / "photos.npz", images=np.stack([cv2.equalizeHist(image) for image in images[8:]]))
    return tmp_path / "renders [a].npz", tmp_path / "photos.npz"


def test_one_set(domains: tuple[Path, Path], capsys: pytest.CaptureFixture[str]):
    assert run(["data", "inspect", str(domains[0]), "--limit", "5"]) == 0
    out = capsys.readouterr().out
    assert "8 (5 examined)" in out
    assert "24x32" in out
    assert "label gaze" in out
    assert f"Figures of {domains[0]} come from a random sample of 5 images (--limit)." in out
    assert "0 things to know." in out


def test_what_is_said_of_a_folder_is_not_said_of_the_one_it_is_compared_with(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    random = np.random.default_rng(0)
    for name in ("renders/rgb_0.png", "renders/rgb_1.png", "renders/old/rgb_0.png", "photos/a.png", "photos/b.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / name), random.integers(0, 256, (24, 32, 3), dtype=np.uint8))
    words = ["data", "inspect", str(tmp_path / "renders"), "--against", str(tmp_path / "photos"), "--json"]
    assert run([*words, "--copy", "old/*"]) == 0
    assert [found["images"] for found in json.loads(capsys.readouterr().out)["sets"]] == [2, 2]


def test_a_pair_with_a_sheet(domains: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    words = ["data", "inspect", str(domains[0]), "--against", str(domains[1])]
    assert run([*words, "--sheet", str(tmp_path / "sheet.png")]) == 0
    out = capsys.readouterr().out
    assert "- real images are histogram-equalised, synthetic ones are not" in out
    assert "pass --equalize" in out
    assert (tmp_path / "sheet.png").read_bytes().startswith(b"\x89PNG")
    assert run([*words, "--sheet", str(tmp_path / "none" / "sheet.png")]) == 2
    assert capsys.readouterr().err.startswith("Error: cannot write --sheet")
    for folder in (".", str(tmp_path)):
        assert run([*words, "--sheet", folder]) == 2
        assert capsys.readouterr().err.startswith(f"Error: --sheet {folder} is a folder: name a file in it, such as ")


def test_json(domains: tuple[Path, Path], capsys: pytest.CaptureFixture[str]):
    assert run(["data", "inspect", str(domains[0]), "--against", str(domains[1]), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [s["images"] for s in found["sets"]] == [8, 4]
    assert found["sets"][0]["sizes"] == {"24x32": 8}
    assert sum(found["sets"][1]["histogram"]) == pytest.approx(1)
    assert found["differences"][0]["topic"] == "equalisation"


def test_bad_input_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["data", "inspect", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err == f"Error: {tmp_path / 'none'} does not exist\n"


def test_bars():
    assert histogram_bars([0, 0.5, 1]) == " ▄█"
    assert histogram_bars([0, 0]) == "  "


@pytest.mark.skipif(not SHARED.exists(), reason="needs the shared eyes")
@pytest.mark.parametrize(
    ("synthetic", "real"), [("eyes/synthetic_val.npz", "eyes/real_val.npz"), ("eyes_png/synthetic", "eyes_png/real")]
)
def test_real_data_that_is_equalised_is_recognised(synthetic: str, real: str, capsys: pytest.CaptureFixture[str]):
    assert run(["data", "inspect", str(SHARED / synthetic), "--against", str(SHARED / real), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [s["equalised"] for s in found["sets"]] == [0, 1]
    assert "--equalize" in next(f for f in found["differences"] if f["topic"] == "equalisation")["advice"]
