from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from gantool import GantoolError
from gantool.ambient import kept_random_state
from gantool.runs.checkpoints import FORMAT, Checkpoints, random_state, set_random_state
from gantool.runs.state import load_state, save_state


def test_the_last_and_the_best_are_kept(tmp_path):
    checkpoints = Checkpoints(tmp_path, keep=2)
    for step in (10, 20, 30, 40, 5_000):
        checkpoints.save(step, {"value": step}, best=20)
    assert checkpoints.steps() == [20, 40, 5_000]
    assert checkpoints.load(20)["value"] == 20
    checkpoints.save(6_000, {}, best=6_000)
    assert checkpoints.steps() == [5_000, 6_000]
    assert sorted(path.name for path in checkpoints.folder.iterdir()) == ["step-00005000", "step-00006000"]


def test_what_else_lies_beside_them_is_left_alone(tmp_path):
    checkpoints = Checkpoints(tmp_path, keep=1)
    checkpoints.save(3, {}, best=None)
    for name in ("step-1", "step-000000002", "step-foo", "step-00000003 (copy)"):
        (checkpoints.folder / name).mkdir()
    (checkpoints.folder / "step-00000009").write_text("mine")
    assert checkpoints.steps() == [3]
    checkpoints.save(4, {}, best=None)
    assert checkpoints.steps() == [4]
    assert len(list(checkpoints.folder.iterdir())) == 6


def test_the_newest_is_what_a_run_goes_on_with(tmp_path):
    checkpoints = Checkpoints(tmp_path, keep=3)
    assert checkpoints.latest() is None
    assert checkpoints.steps() == []
    checkpoints.save(9, {"value": torch.ones(2)}, best=None)
    checkpoints.save(100, {"value": torch.zeros(2)}, best=None)
    latest = checkpoints.latest()
    assert latest["step"] == 100
    assert latest["value"].tolist() == [0, 0]


def test_a_step_that_is_saved_already_is_not_written_again(tmp_path):
    checkpoints = Checkpoints(tmp_path, keep=1)
    checkpoints.save(3, {"value": 1}, best=None)
    assert checkpoints.save(3, {"value": 2}, best=None) == checkpoints.path(3)
    assert checkpoints.load(3)["value"] == 1


def test_what_a_killed_process_left_is_removed_and_never_read(tmp_path):
    checkpoints = Checkpoints(tmp_path, keep=2)
    checkpoints.save(1, {}, best=None)
    half = checkpoints.folder / ".step-00000002.4711.tmp"
    half.mkdir()
    (half / "state.json").write_text("{")
    (checkpoints.folder / "notes.txt").write_text("theirs")
    (checkpoints.folder / "step-x").mkdir()
    assert checkpoints.latest()["step"] == 1
    assert not half.exists()
    assert (checkpoints.folder / "notes.txt").exists()


def test_a_newer_format_is_refused(tmp_path):
    checkpoints = Checkpoints(tmp_path, keep=2)
    path = checkpoints.save(1, {}, best=None)
    save_state(path, {**load_state(path), "format": FORMAT + 1})
    with pytest.raises(GantoolError, match=r"step-00000001 was written by a newer gantool: upgrade to resume it"):
        checkpoints.latest()


def draw():
    return random.random(), random.gauss(0, 1), np.random.rand(), np.random.randn(), torch.rand(3).tolist(), torch.randn(1).item()


def test_random_state_comes_back_through_a_checkpoint(tmp_path):
    draw()  # so that each generator holds the second half of a pair of gaussian numbers
    checkpoints = Checkpoints(tmp_path, keep=1)
    checkpoints.save(1, {"random": random_state()}, best=None)
    expected = [draw(), draw()]
    set_random_state(checkpoints.load(1)["random"])
    assert [draw(), draw()] == expected


def test_what_is_drawn_while_a_run_is_looked_at_is_undone():
    state = random_state()
    expected = draw()
    set_random_state(state)
    with kept_random_state():
        draw()
    assert draw() == expected
    set_random_state(state)
    with pytest.raises(ZeroDivisionError), kept_random_state():
        draw()[0] / 0
    assert draw() == expected
