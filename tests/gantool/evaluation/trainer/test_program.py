"""The command line of a training program, how it is filled and run, and what is said where it fails."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import threading
import time

import pytest

from gantool import GantoolError
from gantool.evaluation.trainer import program
from gantool.evaluation.trainer.program import Command, run_program

PLACES = "{train} {test} {seed} {out}"


def python(code: str) -> list[str]:
    return [sys.executable, "-S", "-c", code]


def alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be collected does not."""
    try:
        return "State:\tZ" not in open(f"/proc/{pid}/status").read()  # noqa: PTH123
    except FileNotFoundError:
        return False


def test_what_fills_a_place_is_never_read_by_a_shell():
    values = {"train": "/a b/'c'", "test": "$(touch x); {seed}", "seed": 3, "out": '/o"ut'}
    command = Command.parse(
        f"{shlex.quote(sys.executable)} 'my script.py' --data={{train}} {{test}} {{seed}} {{out}} '{{\"a\": 1}}'"
    )
    assert command.filled(values) == [
        *(sys.executable, "my script.py", "--data=/a b/'c'", "$(touch x); {seed}", "3", '/o"ut', '{"a": 1}'),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("python train.py {train} {test} {out}", r"--trainer needs \{seed\}: write 'PROGRAM \{train\}"),
        ("", r"--trainer needs \{train\}, \{test\}, \{seed\}, \{out\}"),
        (f"python 'train.py {PLACES}", "--trainer .*: no closing quotation"),
        (f"no-such-program-at-all {PLACES}", "--trainer: there is no program 'no-such-program-at-all'"),
    ],
)
def test_a_command_that_cannot_be_run_is_one_line(text, message):
    with pytest.raises(GantoolError, match=message):
        Command.parse(text)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "print('loss 3.1\\rloss 2.0'); print('out of\\x1b[31m memory'); print(); raise SystemExit(3)",
            r"ended with exit code 3: out of\[31m memory$",
        ),
        ("raise SystemExit(7)", "ended with exit code 7$"),
        ("import os; os.kill(os.getpid(), 9)", "ended with signal SIGKILL$"),
    ],
)
def test_a_program_that_fails_is_quoted(tmp_path, code, message):
    with pytest.raises(GantoolError, match=message):
        run_program(python(code), tmp_path / "log.txt", timeout=60)


def test_what_it_prints_goes_to_the_log_and_it_is_asked_nothing(tmp_path):
    run_program(
        python("import sys; print('a', input() if sys.stdin.read() else 'b', file=sys.stderr)"), tmp_path / "log.txt", timeout=60
    )
    assert (tmp_path / "log.txt").read_text() == "a b\n"


CHILD = (
    "import subprocess, sys, time\n"
    "child = subprocess.Popen([sys.executable, '-S', '-c', 'import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(99)'])\n"
    "open(sys.argv[1], 'w').write(str(child.pid)); print('epoch 1', flush=True)\n"
    "time.sleep(99)"
)
"""Starts a program that does not mind SIGTERM."""


def gone(pid: int) -> bool:
    """Whether a process ends within seconds: signals take their time."""
    deadline = time.monotonic() + 10
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not alive(pid)


def wait_for(path) -> int:
    while not (path.exists() and path.read_text()):
        time.sleep(0.01)
    return int(path.read_text())


def test_a_program_that_takes_too_long_is_ended_with_all_that_it_started(tmp_path, monkeypatch):
    monkeypatch.setattr(program, "_GRACE", 0.5)
    with pytest.raises(GantoolError, match=r"it did not end within 1\.5 s \(--trainer-timeout\): epoch 1"):
        run_program([*python(CHILD), str(tmp_path / "pid")], tmp_path / "log.txt", timeout=1.5)
    assert gone(wait_for(tmp_path / "pid"))


@pytest.mark.parametrize(("number", "raised"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)])
def test_what_stops_this_process_stops_the_program_with_all_that_it_started(tmp_path, monkeypatch, number, raised):
    monkeypatch.setattr(program, "_GRACE", 0.5)

    def stop():
        wait_for(tmp_path / "pid")
        os.kill(os.getpid(), number)

    stopper = threading.Thread(target=stop)
    stopper.start()
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(raised):
        run_program([*python(CHILD), str(tmp_path / "pid")], tmp_path / "log.txt", timeout=60)
    stopper.join()
    assert gone(wait_for(tmp_path / "pid"))
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_program_that_ended_well_keeps_what_it_left_running(tmp_path):
    """A server that it started, say: nobody asked for its end."""
    run_program(
        [*python(CHILD.replace('time.sleep(99)"', '"').rpartition("\n")[0]), str(tmp_path / "pid")],
        tmp_path / "log.txt",
        timeout=60,
    )
    child = wait_for(tmp_path / "pid")
    assert alive(child)
    subprocess.run(["kill", "-9", str(child)], check=True)
