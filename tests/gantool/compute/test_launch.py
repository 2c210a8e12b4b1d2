"""What launchers say, read without torch."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gantool import GantoolError
from gantool.compute import launch as module
from gantool.compute.launch import Launch, read_launch, reports

TORCHRUN = {"RANK": "3", "WORLD_SIZE": "8", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "a", "MASTER_PORT": "1"}
OPEN_MPI = {
    "OMPI_COMM_WORLD_RANK": "3",
    "OMPI_COMM_WORLD_SIZE": "8",
    "OMPI_COMM_WORLD_LOCAL_RANK": "1",
    "OMPI_COMM_WORLD_LOCAL_SIZE": "2",
    "MASTER_ADDR": "a",
    "MASTER_PORT": "1",
}


@pytest.mark.parametrize("environment", [TORCHRUN, OPEN_MPI], ids=["torchrun", "Open MPI"])
def test_a_launcher_says_which_process_this_is(environment):
    assert read_launch(environment) == Launch(rank=3, count=8, local_rank=1, local_count=2)
    assert not read_launch(environment).is_main


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({}, id="no launcher"),
        pytest.param({**TORCHRUN, "RANK": "0", "WORLD_SIZE": "1"}, id="torchrun with one process"),
        pytest.param({"WORLD_SIZE": "4"}, id="a batch system's variable without a rank"),
        pytest.param({"PMI_RANK": "0", "PMI_SIZE": "1"}, id="one task of Slurm"),
        pytest.param({"MASTER_ADDR": "a"}, id="an address alone"),
    ],
)
def test_otherwise_there_is_one_process(environment):
    assert read_launch(environment) == Launch()


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({**TORCHRUN, "RANK": "8"}, r"process 8 of 8 \(RANK, WORLD_SIZE\)"),
        ({**TORCHRUN, "RANK": "x"}, "RANK=x, which is no number"),
        ({key: TORCHRUN[key] for key in ("RANK", "WORLD_SIZE", "MASTER_ADDR")}, "without MASTER_PORT: use torchrun"),
        (
            {"ACCELERATE_USE_CPU": "True", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500"},
            "accelerate launch starts only one process on CPUs; use: torchrun --nproc-per-node=N",
        ),
    ],
)
def test_what_cannot_be_is_refused(environment, message):
    with pytest.raises(GantoolError, match=message):
        read_launch(environment)


@pytest.fixture
def second(monkeypatch):
    """This process is the second of two, and waits for the first one for a moment only."""
    for name, value in {**TORCHRUN, "RANK": "1", "WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(module, "_GRACE_SECONDS", 0.01)
    monkeypatch.setattr(module.signal, "signal", lambda *_: None)


def test_the_main_process_reports_at_once(monkeypatch):
    monkeypatch.setattr(module.time, "sleep", lambda _: pytest.fail("it waits"))
    assert reports(2)
    assert reports(2, told=True)


def test_another_one_speaks_up_only_where_the_main_one_does_not(second):
    assert reports(2)
    assert not reports(2, told=True)
    assert reports(1, told=True, urgent=True)


def test_another_one_ends_with_its_own_code_when_the_launcher_ends_it():
    code = (
        "import os; os.environ.update(RANK='1', WORLD_SIZE='2', MASTER_ADDR='a', MASTER_PORT='1')\n"
        "from gantool.compute import launch\n"
        "sleep = launch.time.sleep\n"
        "launch.time.sleep = lambda seconds: (print('waits', flush=True), sleep(seconds))\n"
        "print(launch.reports(2))"
    )
    waiting = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert waiting.stdout.readline() == "waits\n"
    waiting.terminate()
    assert waiting.communicate()[0] == ""
    assert waiting.returncode == 2
