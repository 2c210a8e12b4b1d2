from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("markupsafe")

from gantool.evaluation.report.curves import last_figures, make_charts
from gantool.runs.metrics import read_metrics

ROWS = [
    {"step": 10, "phase": "warm-up", "discriminator_loss": 1.2, "accuracy_real": 0.9, "images_per_second": 200.0},
    {"step": 20, "phase": "adversarial", "discriminator_loss": None, "refiner_loss": 0.9, "accuracy_real": 0.6, "change": 0.2},
    {"step": 30, "phase": "adversarial", "discriminator_loss": 1.0, "refiner_loss": 0.8, "accuracy_real": 0.55, "change": 0.1},
    {"step": 30, "phase": "checkpoint", "patch_distance": 0.05},
]


def test_figures_are_sorted_into_charts() -> None:
    charts = make_charts(ROWS)
    assert [chart.title for chart in charts] == [
        "Losses",
        "Accuracy of the discriminator",
        "Change",
        "Patch distance at checkpoints",
    ]
    assert charts[0].heads == ("step", "discriminator_loss", "refiner_loss")
    assert [row[1] for row in charts[0].rows] == ["1.2", "", "1"]  # null is a gap
    assert "adversarial begins at step 10" in charts[0].svg
    assert "it cannot tell" in charts[1].svg


def test_many_losses_get_several_charts() -> None:
    rows = [{"step": 1, "phase": "", **{f"{i}_loss": 1.0 for i in range(8)}}]
    assert [len(chart.heads) - 1 for chart in make_charts(rows)] == [6, 2]


def test_long_runs_are_averaged() -> None:
    rows = [{"step": step, "phase": "", "loss": float(step % 2)} for step in range(4000)]
    (chart,) = make_charts(rows)
    assert chart.svg.count(",") < 1000
    assert {row[1] for row in chart.rows} == {"0.5"}


def test_a_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    lines = [json.dumps(row) for row in ROWS] + ["[1]", '{"phase": "x"}', '{"step": 40, "refi']
    (tmp_path / "metrics.jsonl").write_text("\n".join(lines), encoding="utf-8")
    assert read_metrics(tmp_path) == ROWS


def test_a_run_without_figures(tmp_path: Path) -> None:
    assert make_charts(read_metrics(tmp_path)) == []


def test_last_figures() -> None:
    assert last_figures(ROWS)["accuracy_real"] == 0.55
