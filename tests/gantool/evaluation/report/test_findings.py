from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("markupsafe")

from gantool.errors import GantoolError
from gantool.evaluation.report.findings import read_findings


def arm(mean: float | None, low: float | None = None, high: float | None = None, **more: Any) -> dict[str, Any]:
    return {
        "mean": mean,
        "low": low,
        "high": high,
        "runs": 5,
        "unit": "deg",
        "n": 400,
        "ratio": 0.85,
        "extra": {},
        "note": "",
        **more,
    }


EVALUATION = {
    "format": 1,
    "verdict": "helps",
    "sentence": "Refining helps: 5.10° against 6.00°.",
    "caveats": ["The classical arm fda is better."],
    "downstream": {"synthetic": arm(6.0, 5.7, 6.3), "refined": arm(5.1, 4.9, 5.3, extra={"pck@0.05": 0.93}), "real": arm(2.3)},
    "baseline": {"name": "always the mean", "mean": 8.4, "unit": "deg", "n": 400},
    "skipped": {"fda": "needs albumentations"},
    "label_preservation": {"shift_px": {"mean": 0.41}},
    "realism": None,
    "activity": {"mean_change": 0.061, "discriminator": {"accuracy_real": [[1, 0.5]]}},
    "data": {"step": 110, "notes": ["task angles: guessed"]},
}


def read(folder: Path, data: Any) -> Any:
    (folder / "evaluation.json").write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
    return read_findings(folder)


def test_the_verdict_and_its_table(tmp_path: Path) -> None:
    found = read(tmp_path, EVALUATION)
    assert (found["word"], found["unit"], found["step"]) == ("helps", "deg", 110)
    assert [(row["name"], row["error"], row["interval"]) for row in found["arms"]] == [
        ("synthetic", "6.00", "5.70 to 6.30"),
        ("refined", "5.10", "4.90 to 5.30"),
        ("real", "2.30", "–"),
    ]
    assert found["caveats"] == ["The classical arm fda is better."]
    assert found["arms"][1]["note"] == "pck@0.05 0.930"
    assert found["baseline"] == "always the mean: 8.40 deg"
    assert found["figures"] == [
        ("Label preservation", [("shift px · mean", "0.410")]),
        ("What the refiner does", [("mean change", "0.0610")]),
    ]


def test_marks_share_one_scale(tmp_path: Path) -> None:
    synthetic, refined, real = (str(row["plot"]) for row in read(tmp_path, EVALUATION)["arms"])
    at = [float(text.split('cx="')[1].split('"')[0]) for text in (real, refined, synthetic)]
    assert at == sorted(at)
    assert at[0] == 6
    assert 'class="key"' in refined
    assert 'class="key"' not in synthetic


def test_an_arm_without_figures_has_no_mark(tmp_path: Path) -> None:
    found = read(tmp_path, {**EVALUATION, "downstream": {"synthetic": arm(None)}})
    assert (found["arms"][0]["error"], found["arms"][0]["plot"]) == ("–", "")


def test_a_run_that_was_not_evaluated(tmp_path: Path) -> None:
    assert read_findings(tmp_path) is None


@pytest.mark.parametrize("data", ["{", "[]", {"verdict": "helps"}, {"verdict": "helps", "downstream": {"refined": 3}}])
def test_a_damaged_evaluation_is_one_line(tmp_path: Path, data: Any) -> None:
    with pytest.raises(GantoolError, match=r"evaluation\.json is damaged .* evaluate the run again"):
        read(tmp_path, data)


def test_what_labels_are_worth_is_a_chart_with_its_table(tmp_path: Path) -> None:
    curves = {
        "labelled": [[10, 8.0, 7.5, 8.5], [100, 4.0, None, None]],
        "synthetic": [[0, 5.5, 5, 6], [10, 5, 4, 6]],
        "refined": [[0, None, None, None]],
    }
    (chart,) = [read(tmp_path, {**EVALUATION, "worth": {"curves": curves}})["worth"]]
    assert chart.heads == ("pictures", "labelled alone", "beside synthetic")
    assert chart.rows == (("0", "", "5.5"), ("10", "8", "5"), ("100", "4", ""))
    assert "refined, without labels" in chart.svg
    assert read(tmp_path, EVALUATION)["worth"] is None


def test_classes_have_bars_and_pictures_that_are_there_are_shown(tmp_path: Path) -> None:
    folder = tmp_path / "evaluation" / "pictures"
    folder.mkdir(parents=True)
    for name in ("labels-0", "refined-0", "before-3", "after-3"):
        Image.fromarray(np.full((20, 30, 3), 90, np.uint8)).save(folder / f"{name}.webp")
    arms = {name: arm(0.5, extra={"mAP": 0.2, "AP50 cell": 0.25, "AP50 <b>": 1.0}) for name in ("synthetic", "refined")}
    pictures = {
        "examples": [{"labels": "labels-0.webp", "refined": "refined-0.webp", "real": "gone.webp"}],
        "worst": [{"row": 3, "kept": 0.5, "distance": 2.0, "before": "before-3.webp", "after": "after-3.webp"}],
    }
    found = read(tmp_path, EVALUATION | {"downstream": arms, "pictures": pictures})
    assert found["classes"]["names"] == ["AP50 cell", "AP50 <b>"]
    assert [(value, 'width="15.0"' in bar) for value, bar in found["classes"]["rows"][1][1]] == [("0.250", True), ("1.00", False)]
    assert [name for name, _ in found["examples"][0]] == ["labels", "refined"]
    assert found["drift"][0]["text"] == "edges of its labels are 2.00 px away, 50 % stay within 1 px"
    assert found["drift"][0]["after"].uri.startswith("data:image/webp;base64,")
    assert read(tmp_path, EVALUATION)["classes"] is None
