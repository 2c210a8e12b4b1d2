"""The launchers that people use, each for real and once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil  # accelerate needs it, so it is there

from gantool.plan.choices import Choices
from gantool.runs.checkpoints import Checkpoints
from gantool.training.command import Manner, resume_run

WORDS = [
    *("train", "--plugin", "simgan", "--batch-size", "4", "--device", "cpu", "--steps", "2", "--size", "12x16"),
    *("-o", "dataset.synthetic_count=12", "-o", "dataset.real_count=12", "-o", "generator.width=4", "-o", "generator.blocks=1"),
    *("-o", "discriminator.width_factor=0.05", "-o", "metric.samples=64", "-o", "buffer.size=8"),
    *("-o", "recipe.refiner_warmup=1", "-o", "recipe.discriminator_warmup=1", "-o", "recipe.decay=0"),
]
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("GANTOOL_", "ACCELERATE_"))}


def start(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=ENVIRONMENT
    )


def processes(launcher: subprocess.Popen[str], count: int) -> list[psutil.Process]:
    """The processes that a launcher started, by rank."""
    found = [child for child in psutil.Process(launcher.pid).children(recursive=True) if "RANK" in child.environ()]
    assert len(found) == count
    return sorted(found, key=lambda child: child.environ()["RANK"])


def test_torchrun_ends_with_one_clear_line_when_a_process_is_killed_and_the_run_resumes(tmp_path: Path):
    run = tmp_path / "run"
    launched = start(
        *("torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "gantool", *WORDS, "--output", str(run)),
        *("--steps", "100000", "--checkpoint-every", "2"),
    )
    deadline = time.monotonic() + 120
    while not Checkpoints(run, keep=1).steps():
        assert launched.poll() is None, launched.stdout.read()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    processes(launched, 2)[1].send_signal(signal.SIGKILL)
    output, _ = launched.communicate(timeout=120)
    assert launched.returncode != 0
    errors = [line for line in output.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1, output
    assert "another process of this run ended" in errors[0]
    done = Checkpoints(run, keep=1).steps()[-1]
    resume_run(run, Choices(settings={"steps": done - 2 + 1}), manner=Manner(quiet=True))
    assert Checkpoints(run, keep=1).steps()[-1] == done + 1


def test_accelerate_launch_starts_processes_that_train_together(tmp_path: Path):
    run = tmp_path / "run"
    launched = start(
        *("accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--num_machines", "1", "--mixed_precision", "no"),
        *("--dynamo_backend", "no", "--main_process_port", "0", "-m", "gantool", *WORDS, "--output", str(run)),
    )
    output, _ = launched.communicate(timeout=200)
    assert launched.returncode == 0, output
    assert "on cpu in 2 processes" in output
    assert Checkpoints(run, keep=1).steps() == [4]
