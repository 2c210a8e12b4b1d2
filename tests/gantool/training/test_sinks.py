from __future__ import annotations

import json
import math
import sys
from typing import ClassVar

import pytest

from gantool import Event
from gantool.errors import GantoolError, MissingExtra
from gantool.runs.metrics import METRICS
from gantool.training.command import Manner, start_run
from gantool.training.sinks import Sinks


@pytest.fixture
def warnings():
    return []


def lines(run):
    return [json.loads(line) for line in (run / METRICS).read_text().splitlines()]


def step(run, number, **values):
    return Event(kind="step", run=run, step=number, phase="adversarial", values=values)


def test_steps_and_checkpoints_are_lines_and_other_events_are_not(tmp_path, registry, warnings):
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


def test_a_resumed_run_writes_again_what_is_beyond_its_checkpoint(tmp_path, registry, warnings):
    (tmp_path / METRICS).write_text('{"step": 1}\n{"step": 2}\n{"step": 3}\n[]\n{"step": 2, "lo')
    sinks = Sinks(tmp_path, registry, start=2, warn=warnings.append)
    sinks.send(step(tmp_path, 3, loss=1.0))
    sinks.close()
    assert [line["step"] for line in lines(tmp_path)] == [1, 2, 3]
    assert "loss" in lines(tmp_path)[-1]


def test_an_observer_that_fails_is_reported_once_and_stops_nothing(tmp_path, plant, warnings):
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


class Planted:
    """A logger that fails at every event but the first, and when it is closed."""

    seen: ClassVar[list[str]] = []

    def __init__(self, *, config):
        self.seen.clear()

    def log(self, event):
        self.seen.append(event.kind)
        if event.kind != "start":
            raise OSError(28, "No space left on device")

    def close(self):
        self.seen.append("closed")
        raise SystemExit(3)


def test_a_logger_that_fails_is_reported_once_and_stops_nothing(tmp_path, plant, warnings):
    registry = plant("logger", Planted)
    sinks = Sinks(tmp_path, registry, [registry.choose("logger", "planted:part", {})], start=0, warn=warnings.append)
    sinks.send(Event(kind="start", run=tmp_path, step=0))
    for number in (1, 2):
        sinks.send(step(tmp_path, number, loss=1.0))
    sinks.close()
    assert Planted.seen == ["start", "step", "step", "closed"]
    assert warnings == ["logger 'planted:part' failed (OSError: [Errno 28] No space left on device); training goes on"]
    assert len(lines(tmp_path)) == 2


def board(run):
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found = events.EventAccumulator(str(run / "tensorboard"))
    found.Reload()
    return found


def log_to_tensorboard(run, registry, warn, *sent):
    sinks = Sinks(run, registry, [registry.choose("logger", "tensorboard", {})], start=sent[0].step, warn=warn)
    for event in sent:
        sinks.send(event)
    sinks.close()


def test_tensorboard_gets_the_figures_and_a_resumed_run_replaces_what_it_had_beyond_its_checkpoint(tmp_path, registry, warnings):
    pytest.importorskip("tensorboard")
    checkpoint = Event(kind="checkpoint", run=tmp_path, step=2, values={"distance": 2.0})
    events = step(tmp_path, 1, loss=0.5, gap=math.nan), checkpoint, step(tmp_path, 3, loss=9.0)
    log_to_tensorboard(tmp_path, registry, warnings.append, Event(kind="start", run=tmp_path, step=0), *events)
    again = Event(kind="start", run=tmp_path, step=2), step(tmp_path, 3, loss=0.25)
    log_to_tensorboard(tmp_path, registry, warnings.append, *again)
    assert set(board(tmp_path).Tags()["scalars"]) == {"loss", "gap", "distance"}
    assert [(scalar.step, scalar.value) for scalar in board(tmp_path).Scalars("distance")] == [(2, 2.0)]
    assert [(scalar.step, scalar.value) for scalar in board(tmp_path).Scalars("loss")] == [(1, 0.5), (3, 0.25)]
    assert not warnings


def test_a_logger_that_cannot_be_made_says_what_to_install(tmp_path, registry, warnings, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(MissingExtra, match=r"logger 'tensorboard' needs tensorboard: pip install 'simgan-plugin\[tensorboard\]'"):
        Sinks(tmp_path, registry, [registry.choose("logger", "tensorboard", {})], start=0, warn=warnings.append)
    assert not any(tmp_path.iterdir())


def test_closing_on_a_full_disk_does_not_hide_the_error_that_ends_the_run(tmp_path, registry, warnings):
    sinks = Sinks(tmp_path, registry, start=0, warn=warnings.append)
    with open("/dev/full", "w") as full:  # noqa: PTH123
        sinks._metrics._file, kept = full, sinks._metrics._file
        with pytest.raises(OSError, match="No space left"):
            sinks.send(step(tmp_path, 1, loss=0.5))
        sinks.close()
    kept.close()


@pytest.mark.parametrize("error", [KeyError("x"), RuntimeError("no server"), SystemExit(0)])
def test_a_logger_that_cannot_be_made_is_one_line_and_leaves_no_folder(tmp_path, tiny, plant, error):
    def make(**_):
        raise error

    registry = plant("logger", make)
    plan = tiny(steps=1, registry=registry, log=("planted:part",))
    with pytest.raises(GantoolError, match="^logger planted:part cannot be made: ") as told:
        start_run(tmp_path / "run", plan, registry, Manner(quiet=True))
    assert type(error).__name__ in str(told.value)
    assert "\n" not in str(told.value)
    assert not (tmp_path / "run").exists()
