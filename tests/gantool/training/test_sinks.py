from __future__ import annotations

import json
import math

import pytest

from gantool import Event
from gantool.training import sinks as module
from gantool.training.sinks import METRICS, Sinks


@pytest.fixture
def warnings():
    return []


@pytest.fixture
def no_board(monkeypatch):
    """As where the extra `tensorboard` is not installed."""
    found = module.importlib.util.find_spec
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None if name == "tensorboard" else found(name))


def lines(run):
    return [json.loads(line) for line in (run / METRICS).read_text().splitlines()]


def step(run, number, **values):
    return Event(kind="step", run=run, step=number, phase="adversarial", values=values)


def test_steps_and_checkpoints_are_lines_and_other_events_are_not(tmp_path, registry, warnings, no_board):
    sinks = Sinks(tmp_path, registry, start=0, warn=warnings.append)
    sinks.send(Event(kind="start", run=tmp_path, step=0))
    sinks.send(step(tmp_path, 1, loss=0.5, gap=math.nan, peak=-math.inf))
    sinks.send(Event(kind="checkpoint", run=tmp_path, step=1, path=tmp_path, values={"distance": 2.0}))
    assert lines(tmp_path) == [
        {"step": 1, "phase": "adversarial", "loss": 0.5, "gap": None, "peak": None},
        {"step": 1, "phase": "checkpoint", "distance": 2.0},
    ]
    sinks.close()
    assert [path.name for path in tmp_path.iterdir()] == [METRICS]
    assert not warnings


def test_a_resumed_run_writes_again_what_is_beyond_its_checkpoint(tmp_path, registry, warnings, no_board):
    (tmp_path / METRICS).write_text('{"step": 1}\n{"step": 2}\n{"step": 3}\n[]\n{"step": 2, "lo')
    sinks = Sinks(tmp_path, registry, start=2, warn=warnings.append)
    sinks.send(step(tmp_path, 3, loss=1.0))
    sinks.close()
    assert [line["step"] for line in lines(tmp_path)] == [1, 2, 3]
    assert "loss" in lines(tmp_path)[-1]


def test_an_observer_that_fails_is_reported_once_and_stops_nothing(tmp_path, plant, warnings, no_board):
    seen = []

    def observe(event):
        seen.append(event.step)
        raise ValueError("planted")

    sinks = Sinks(tmp_path, plant(observer=observe), start=0, warn=warnings.append)
    for number in (1, 2, 3):
        sinks.send(step(tmp_path, number, loss=1.0))
    sinks.close()
    assert seen == [1, 2, 3]
    assert len(lines(tmp_path)) == 3
    assert warnings == ["plugin 'planted' failed in gantool_log (ValueError: planted); training goes on"]


def test_tensorboard_gets_the_figures_where_it_is_installed(tmp_path, registry, warnings):
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    sinks = Sinks(tmp_path, registry, start=0, warn=warnings.append)
    sinks.send(step(tmp_path, 1, loss=0.5, gap=math.nan))
    sinks.send(Event(kind="checkpoint", run=tmp_path, step=2, values={"distance": 2.0}))
    sinks.close()
    board = events.EventAccumulator(str(tmp_path / "tensorboard"))
    board.Reload()
    assert set(board.Tags()["scalars"]) == {"loss", "gap", "distance"}
    assert [(scalar.step, scalar.value) for scalar in board.Scalars("distance")] == [(2, 2.0)]


def test_closing_on_a_full_disk_does_not_hide_the_error_that_ends_the_run(tmp_path, registry, warnings, no_board):
    sinks = Sinks(tmp_path, registry, start=0, warn=warnings.append)
    with open("/dev/full", "w") as full:  # noqa: PTH123
        sinks._metrics, kept = full, sinks._metrics
        with pytest.raises(OSError, match="No space left"):
            sinks.send(step(tmp_path, 1, loss=0.5))
        sinks.close()
    kept.close()
