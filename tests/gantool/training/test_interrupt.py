"""Signals: in this process where that is enough, and sent to the program where it is not."""

from __future__ import annotations

import os
import random
import re
import signal
import threading
import time
from pathlib import Path

import psutil  # accelerate needs it, so it is there
import pytest
import torch
from programs import Program

import gantool
from gantool.errors import ProcessLost, Stopped
from gantool.plan.choices import Choices
from gantool.runs.checkpoints import Checkpoints
from gantool.training import interrupt as module
from gantool.training import loop as training
from gantool.training.command import Manner, resume_run
from gantool.training.interrupt import Interrupt

SMALL = [
    *("--plugin", "simgan", "--batch-size", "4", "--device", "cpu", "--size", "12x16", "--log-every", "1", "--keep", "3"),
    *("-o", "generator.width=4", "-o", "generator.blocks=1", "-o", "discriminator.width_factor=0.05"),
    *("-o", "recipe.refiner_warmup=3", "-o", "recipe.discriminator_warmup=3", "-o", "metric.samples=64"),
    *("-o", "dataset.synthetic_count=12", "-o", "dataset.real_count=12", "-o", "buffer.size=8"),
    *("-o", "recipe.decay=0"),  # the number of steps is changed on the way, and with it the rates would be
]


@pytest.fixture
def one_thread():
    """As the program runs: results depend on the number of threads."""
    count = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(count)


def last(run: Path) -> int:
    return Checkpoints(run, keep=1).steps()[-1]


def test_the_first_signal_is_remembered_and_handlers_come_back():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with Interrupt() as interrupt:
        assert interrupt.signal is None
        os.kill(os.getpid(), signal.SIGTERM)
        assert interrupt.signal == signal.SIGTERM
        assert interrupt.exit_code == 143
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    with Interrupt() as interrupt:
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupt.exit_code == 130
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_who_lost_another_process_says_so_before_its_launcher_ends_it():
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(ProcessLost), Interrupt():
            raise ProcessLost("process 1 of 2: another process of this run ended")
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
        os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_the_second_signal_ends_the_process_with_its_own_code(monkeypatch, capfd):
    codes = []
    monkeypatch.setattr(module.os, "_exit", codes.append)
    with Interrupt(program=True):
        os.kill(os.getpid(), signal.SIGINT)
        assert not codes
        os.kill(os.getpid(), signal.SIGTERM)
    assert codes == [143]
    assert capfd.readouterr().err.splitlines() == [
        *("", "Stopping after this step; a second signal stops at once."),
        *("", "Stopped at once; the last checkpoint is good."),
    ]


def test_in_a_program_of_the_users_a_second_signal_is_that_programs(monkeypatch):
    monkeypatch.setattr(module.os, "_exit", lambda code: pytest.fail("the program was ended"))
    came = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: came.append(number))
    try:
        with pytest.raises(KeyboardInterrupt), Interrupt():
            os.kill(os.getpid(), signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGTERM)
            assert came == [signal.SIGTERM]
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_thread_that_cannot_handle_signals_trains_without(tmp_path, tiny, train):
    failures = []

    def run():
        try:
            train(tiny(steps=1), tmp_path / "run")
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert not failures
    assert last(tmp_path / "run") == 8


def test_a_signal_during_set_up_leaves_a_whole_run_folder(tmp_path, tiny, train, monkeypatch, assert_same):
    opened = training.open_session

    def open_and_interrupt(*arguments):
        os.kill(os.getpid(), signal.SIGINT)
        return opened(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(training, "open_session", open_and_interrupt)
        with pytest.raises(Stopped, match="go on with: gantool train --resume .*run") as stop:
            train(tiny(), tmp_path / "run")
    assert stop.value.exit_code == 130
    assert last(tmp_path / "run") == 0
    assert gantool.load(tmp_path / "run")
    train(tiny(), tmp_path / "run")
    train(tiny(), tmp_path / "whole")
    found, expected = (Checkpoints(tmp_path / name, keep=1).load(12) for name in ("run", "whole"))
    assert_same(found["recipe"], expected["recipe"])
    assert_same(found["random"], expected["random"])


def test_a_signal_after_the_last_step_changes_nothing(tmp_path, tiny, train, plant):
    def interrupt(event):
        if event.kind == "step" and event.step == 12:
            os.kill(os.getpid(), signal.SIGTERM)

    train(tiny(log_every=1), tmp_path / "run", registry=plant(observer=interrupt))
    assert last(tmp_path / "run") == 12


@pytest.mark.parametrize("when", ["step", "sample", "checkpoint"])
def test_a_signal_while_a_step_is_logged_sampled_or_saved_loses_no_step(tmp_path, tiny, train, plant, when):
    def interrupt(event):
        if event.kind == when and event.step == 5:
            os.kill(os.getpid(), signal.SIGTERM)

    plan = tiny(log_every=5, sample_every=5, checkpoint_every=5 if when == "checkpoint" else 100)
    with pytest.raises(Stopped) as stop:
        train(plan, tmp_path / "run", registry=plant(observer=interrupt))
    assert stop.value.exit_code == 143
    assert last(tmp_path / "run") == 5


def test_the_program_finishes_the_step_saves_and_says_how_to_go_on(tmp_path):
    # No checkpoint is due: what is there at the end was written because of the signal.
    words = ["--steps", "1000000", "--checkpoint-every", "1000000", "--sample-every", "3"]
    words += ["--cache-gib", "1e-9", "--workers", "1"]
    codes = {signal.SIGINT: 130, signal.SIGTERM: 143}
    runs = {number: tmp_path / str(code) for number, code in codes.items()}
    programs = {
        number: Program("train", *SMALL, *words, "--output", str(run), output=tmp_path / run.name) for number, run in runs.items()
    }
    for number, program in programs.items():
        run = runs[number]
        program.wait_until((run / "samples/step-00000003.png").exists)
        for worker in psutil.Process(program.pid).children():  # a terminal, or a batch system, tells them too
            worker.send_signal(number)
        program.send(number)
        assert program.end() == codes[number], program.errors
        errors = program.errors
        assert errors.endswith(f"Stopped; go on with: gantool train --resume {run}\n")
        assert "Traceback" not in errors
        assert "Warning" not in errors
        assert gantool.load(run)
        assert Checkpoints(run, keep=1).latest()["step"] >= 3


def test_a_second_signal_stops_the_program_at_once_and_its_last_checkpoint_loads(tmp_path):
    run = tmp_path / "run"
    slow = ["--size", "35x55", "--batch-size", "48", "-o", "generator.width=32", "-o", "dataset.synthetic_count=48"]
    words = [*slow, "-o", "dataset.real_count=48", "--steps", "1000", "--checkpoint-every", "1", "--output", str(run)]
    program = Program("train", *SMALL, *words, output=tmp_path / "said")
    program.wait_until(Checkpoints(run, keep=1).steps)
    program.send(signal.SIGINT, signal.SIGTERM)
    assert program.end() == 143
    assert program.errors.endswith("Stopped at once; the last checkpoint is good.\n")
    assert Checkpoints(run, keep=1).latest()["step"] == last(run)


def test_a_killed_run_resumes_to_the_weights_of_one_that_was_not(tmp_path, one_thread, assert_same):
    """Killed twice, each time at a random moment, while it writes a checkpoint after every second step."""
    run, whole = tmp_path / "run", tmp_path / "whole"
    words = ["--checkpoint-every", "2", "--sample-every", "3", "--steps", "100000"]
    for start in (["--output", str(run), *SMALL, *words], ["--resume", str(run)]):
        seen = len(list(run.glob("samples/*.png")))
        program = Program("train", *start, output=tmp_path / "said")
        program.wait_until(lambda seen=seen: len(list(run.glob("samples/*.png"))) > seen and Checkpoints(run, keep=1).steps())
        time.sleep(random.SystemRandom().random())
        program.send(signal.SIGKILL)
        assert program.end() == -signal.SIGKILL
    steps = max(0, last(run) + 3 - 6)  # on a slow machine it may still be in its six steps of warm-up
    resume_run(run, Choices(settings={"steps": steps}), manner=Manner(quiet=True))
    assert not [path for path in run.rglob("*") if re.search(r"\.tmp", path.name)]
    gantool.train(config=run / "run.json", output=whole, checkpoint_every=10**6, sample_every=10**6)
    found, expected = (Checkpoints(folder, keep=1).latest() for folder in (run, whole))
    for state in (found, expected):
        del state["best"]
    assert_same(found, expected)
    assert (run / "refiner.safetensors").read_bytes() == (whole / "refiner.safetensors").read_bytes()
