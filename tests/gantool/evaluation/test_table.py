from __future__ import annotations

import io

import pytest
from rich.console import Console

from gantool.evaluation.table import evidence_lines, print_result


@pytest.fixture
def result():
    return {
        "data": {"keypoints": "pupil_xy"},
        "activity": {"sentence": "R changes little.", "artifacts": {"findings": ["a frame at the left border"]}},
        "label_preservation": {"keypoints": {"movement": {"mean": 1.1, "sd": 0.8, "of_width": 0.02}, "error": {"mean": 0.5}}},
        "realism": {"two_sample": {side: {"accuracy": share} for side, share in (("refined", 0.7), ("synthetic", 0.99), ("floor", 0.5))}},
    }  # fmt: skip


def test_every_kind_of_evidence_has_its_line(result):
    assert evidence_lines(result) == [
        "R changes little.",
        "Artefact: a frame at the left border.",
        "Labels: pupil_xy moves by 1.10 ± 0.80 px (2.0 % of the width; the locator itself is wrong by 0.50 px).",
        "Realism: a classifier tells refined from real images in 70 % of cases, synthetic ones in 99 %, real from other real ones "
        "in 50 % (50 %: by chance).",
    ]


def test_what_is_missing_is_named_and_what_was_not_asked_for_is_not(result):
    result |= {"realism": {"skipped": "realism needs 32 images"}, "label_preservation": None}
    result["activity"]["artifacts"] = None
    assert evidence_lines(result) == ["R changes little.", "realism: skipped, realism needs 32 images"]


def test_further_figures_fit_a_terminal_of_80_columns(result):
    arm = {"mean": 1.0, "low": 0.5, "high": 1.5, "ratio": 1.0, "runs": 3, "train_images": 12000, "n": 400, "unit": "px"}
    arm["extra"] = {"pck@2px": 0.5, "pck@10px": 0.75}
    result["data"] |= {"task": "keypoints", "labels": "joints_xy", "notes": []}
    result |= {
        "estimators": {"small-cnn": {"histogram-matching-and-more": arm}},
        "baseline": {"name": "always the mean", "mean": 2.0, "unit": "px"},
    }
    result |= {"skipped": {}, "caveats": [], "sentence": "Refining helps."}
    narrow = io.StringIO()
    print_result(result, Console(file=narrow, width=80))
    assert "…" not in narrow.getvalue()
    assert all(word in narrow.getvalue() for word in ("pck@2px", "pck@10px", "0.750", "12,000"))
