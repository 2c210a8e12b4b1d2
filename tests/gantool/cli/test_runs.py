from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from gantool.cli.main import run
from gantool.runs.folder import write_plan


@pytest.fixture
def two(tmp_path, tiny, registry, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(("one", "two")):
        folder = tmp_path / "runs" / name
        (folder / "samples").mkdir(parents=True)
        write_plan(folder, tiny(seed=number), registry, total=12)
        Image.fromarray(np.full((10 + number, 20, 3), 90 + number, np.uint8)).save(folder / "samples" / "step-00000005.png")
    return tmp_path / "runs"


def test_runs_lists_those_of_the_usual_folder_and_passes_over_damaged_ones(two, capsys):
    (two / "broken").mkdir()
    (two / "broken" / "run.json").write_text("{")
    assert run(["runs"]) == 0
    out, err = capsys.readouterr()
    assert [line.split()[0] for line in out.splitlines() if line.startswith("runs")] == ["runs/one", "runs/two"]
    assert "0 of 12" in out
    assert err.startswith("Note: runs/broken/run.json is no valid JSON")
    assert run(["runs", "--json"]) == 0
    assert [each["run"] for each in json.loads(capsys.readouterr().out)] == ["runs/one", "runs/two"]


def test_a_folder_without_runs_says_so(tmp_path, capsys):
    assert run(["runs", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"No runs in {tmp_path}; gantool train makes one.\n"
    assert run(["runs", str(tmp_path / "none")]) == 2


def test_compare_shows_differing_values_and_both_sheets(two, capsys):
    assert run(["compare", "runs/one", "runs/two", "--output", "both.png"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["seed", "0", "1"] in lines
    both = np.asarray(Image.open("both.png"))
    assert both.shape == (14 + 11, 40, 3)
    assert (both[14:24, :20] == 90).all()
    assert (both[14:25, 20:] == 91).all()
    assert run(["compare", "runs/one", "runs/two", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["differences"] == {"seed": [0, 1]}


def test_compare_without_a_sheet_or_into_no_folder_is_one_line(two, capsys):
    (two / "two" / "samples" / "step-00000005.png").unlink()
    assert run(["compare", "runs/one", "runs/two", "--output", "both.png"]) == 2
    assert "runs/two has no sample sheet yet: compare without --output" in capsys.readouterr().err
    assert run(["compare", "runs/one", "runs/one", "--output", "runs/one/run.json/both.png"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_show_prints_a_run(two, capsys):
    assert run(["show", "runs/one"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("runs/one: simgan:simgan, preset laptop, of 20")
    assert "verdict: none yet, gantool evaluate runs/one" in out
    assert ["recipe.lambda_reg", "0.5"] in [line.split() for line in out.splitlines()]
    assert run(["show", "runs/one", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["values"]["seed"] == 0
    assert run(["show", "runs/one", "--preset", "paper"]) == 2
