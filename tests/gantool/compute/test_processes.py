"""One run in two processes: what it trains, how it resumes, and how it ends when something goes wrong.

With SGD, because Adam's steps have full length even where a gradient is nothing but rounding.
"""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

import pytest
import torch
from programs import Team

from gantool.runs.checkpoints import Checkpoints

WORDS = [
    *("train", "--plugin", "simgan", "--batch-size", "8", "--device", "cpu", "--log-every", "2", "--steps", "3"),
    *("--checkpoint-every", "7", "--keep", "9", "-o", "dataset.synthetic_count=24", "-o", "dataset.real_count=24"),
    *("-o", "dataset.size=[12,16]", "-o", "generator.width=4", "-o", "generator.blocks=1", "-o", "buffer.size=16"),
    *("-o", "discriminator.width_factor=0.05", "-o", "metric.samples=64", "-o", "metric.directions=4"),
    *("-o", "recipe.refiner_warmup=3", "-o", "recipe.discriminator_warmup=3", "-o", "recipe.decay=0"),
    *("-o", "recipe.optimizer=sgd", "-o", "recipe.refiner_lr=0.05", "-o", "recipe.discriminator_lr=0.05"),
]
TOTAL, MIDDLE = 9, 7
"""3 warm-up steps of R, 3 of D, 3 rounds; the first checkpoint is within these."""
LONG = ("--steps", "100000", "--keep", "2")

PLANTED = """
import os, signal
import torch
from gantool import Component, Recipe, hookimpl
from gantool.builtin.losses import LSGAN
from simgan_plugin.recipe import SimGAN
from simgan_plugin import plugin as simgan
from dataclasses import replace

@hookimpl
def gantool_losses():
    for name in ("noisy", "stopping"):
        yield Component(name=name, factory=f"planted_parts:{name}", provides=frozenset({"adversarial"}))

@hookimpl
def gantool_recipes():
    yield replace(next(iter(simgan.gantool_recipes())), name="loose", factory="planted_parts:Loose")

class Noisy(LSGAN):
    def discriminator(self, real, fake):
        return super().discriminator(real, fake) * (1 + torch.rand(()))

class Stopping(LSGAN):
    def discriminator(self, real, fake):
        if os.environ["RANK"] == "1":
            os.kill(os.getpid(), signal.SIGSTOP)
        return super().discriminator(real, fake)

def noisy(config): return Noisy(config=config)
def stopping(config): return Stopping(config=config)

class Loose(SimGAN):
    def setup(self, setup):
        class Bare:
            device, unwrap_model = setup.accelerator.device, staticmethod(lambda network: network)
            prepare, backward = staticmethod(lambda *parts: parts), staticmethod(lambda loss: loss.backward())
        super().setup(replace(setup, accelerator=Bare()))
"""


class Cluster:
    """A launcher of processes on this machine, which find the planted plugin."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.number = folder, 0
        self.site = folder / "site"
        information = self.site / "planted-1.dist-info"
        information.mkdir(parents=True)
        (information / "METADATA").write_text("Metadata-Version: 2.1\nName: planted\nVersion: 1\n")
        (information / "entry_points.txt").write_text("[gantool]\nplanted = planted_parts\n")
        (self.site / "planted_parts.py").write_text(PLANTED)

    def start(self, *words: str, count: int = 2) -> Team:
        """Start processes."""
        self.number += 1
        output = self.folder / f"log-{self.number}"
        return Team(*words, count=count, output=output, path=[str(self.site)], GANTOOL_PLUGINS="simgan,planted")

    def train(self, run: Path, *words: str, count: int = 2, resume: bool = False) -> list[str]:
        """Train, or resume, a run that must end well; what each process printed."""
        start = ["train", "--resume", str(run)] if resume else [*WORDS, "--output", str(run)]
        codes, logs = self.start(*start, *words, count=count).end()
        assert codes == [0] * count, logs
        return logs


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Cluster:
    return Cluster(tmp_path_factory.mktemp("cluster"))


@pytest.fixture(scope="module")
def one(cluster) -> Path:
    """A run in one process."""
    cluster.train(cluster.folder / "one", count=1)
    return cluster.folder / "one"


@pytest.fixture(scope="module")
def two(cluster) -> tuple[Path, list[str]]:
    """The same in two, and what each printed."""
    return cluster.folder / "two", cluster.train(cluster.folder / "two")


def state(run: Path, step: int = TOTAL):
    return Checkpoints(run, keep=1).load(step)


def distance(a, b) -> float:
    """The largest absolute difference of two nested states of one form."""
    assert type(a) is type(b)
    if isinstance(a, torch.Tensor):
        assert a.shape == b.shape
        return float((a.double() - b.double()).abs().max()) if a.numel() else 0.0
    if isinstance(a, dict):
        assert list(a) == list(b)
        return max((distance(a[key], b[key]) for key in a), default=0.0)
    if isinstance(a, list | tuple):
        return max((distance(one, other) for one, other in zip(a, b, strict=True)), default=0.0)
    assert a == b
    return 0.0


def lines(run: Path):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def reset(run: Path, copy: Path) -> Path:
    """A copy of a run that knows its first checkpoint only."""
    shutil.copytree(run, copy)
    for step in Checkpoints(copy, keep=1).steps():
        if step != MIDDLE:
            shutil.rmtree(Checkpoints(copy, keep=1).path(step))
    return copy


def test_two_processes_train_what_one_trains(one, two):
    expected, found = state(one), state(two[0])
    # Weights, optimizers, the images of the history and the state of its draws.
    assert expected["recipe"]["history"]["images"].shape[0] == 16
    assert distance(expected["recipe"], found["recipe"]) < 1e-6
    assert expected["draws"] == found["draws"]
    moved = state(one, MIDDLE)["recipe"]["refiner"], expected["recipe"]["refiner"]
    assert distance(*moved) > 1e-3


def test_the_main_process_writes_and_speaks_for_both(one, two):
    run, logs = two
    assert "on cpu in 2 processes" in logs[0]
    assert logs[1] == ""
    assert json.loads((run / "run.json").read_text())["processes"] == 2
    assert json.loads((one / "run.json").read_text())["processes"] == 1
    assert [path.name for path in sorted(run.rglob("*.png"))] == [path.name for path in sorted(one.rglob("*.png"))]
    for ours, theirs in zip(lines(run), lines(one), strict=True):
        ours.pop("images_per_second", 0), theirs.pop("images_per_second", 0)
        assert ours == pytest.approx(theirs, abs=1e-5)  # means over both processes


@pytest.mark.parametrize(("count", "parts"), [(1, 4), (2, 2)])
def test_batches_in_parts_train_the_same(cluster, one, tmp_path, count, parts):
    cluster.train(tmp_path / "run", "--accumulate", str(parts), count=count)
    assert distance(state(one)["recipe"], state(tmp_path / "run")["recipe"]) < 1e-6


@pytest.mark.parametrize(("before", "after"), [(2, 1), (1, 2)])
def test_a_run_goes_on_with_another_number_of_processes(cluster, one, two, tmp_path, before, after):
    run = reset(two[0] if before == 2 else one, tmp_path / "run")
    cluster.train(run, count=after, resume=True)
    expected, found = state(one), state(run)
    assert distance(expected["recipe"], found["recipe"]) < 1e-6
    assert expected["draws"] == found["draws"]
    assert len(found["other_random"]) == after - 1
    assert [line["step"] for line in lines(run)] == [line["step"] for line in lines(one)]


def test_two_processes_resume_to_the_bit_with_what_each_draws_for_itself(cluster, tmp_path, assert_same):
    cluster.train(tmp_path / "whole", "--loss", "planted:noisy")
    run = reset(tmp_path / "whole", tmp_path / "run")
    cluster.train(run, resume=True)
    expected, found = state(tmp_path / "whole"), state(run)
    assert_same(found, expected)
    own, other = expected["random"]["torch"], expected["other_random"][0]["torch"]
    assert not torch.equal(own, other)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(["--plugin", "nosuch"], "Error: no plugin or recipe 'nosuch'", id="before they meet"),
        pytest.param(["--batch-size", "9"], "Error: --batch-size 9 cannot be shared by 2 processes", id="a batch"),
        pytest.param(["--accumulate", "3"], "Error: --accumulate 3 does not divide the 4 images of each process", id="parts"),
        pytest.param(["--batch-size", "26"], "Error: --batch-size 26 is larger than the 24 synthetic images", id="data"),
        pytest.param(["--steps", "x"], "Error: Invalid value for '--steps'", id="usage"),
    ],
)
def test_bad_input_is_reported_once(cluster, tmp_path, words, message):
    codes, logs = cluster.start(*WORDS, "--output", str(tmp_path / "run"), *words).end()
    assert codes[0] == 2
    # Before a process has come as far as to know of the error, the launcher may end it.
    assert codes[1] in (2, -signal.SIGTERM)
    assert logs[0].startswith(message)
    assert logs[1] == ""
    assert not (tmp_path / "run").exists()


def test_a_folder_that_is_taken_is_reported_once(cluster, one):
    before = sorted(one.rglob("*"))
    codes, logs = cluster.start(*WORDS, "--output", str(one)).end()
    assert codes == [2, 2]
    assert logs[0].startswith(f"Error: --output {one} is a run already")
    assert logs[1] == ""
    assert sorted(one.rglob("*")) == before


@pytest.mark.parametrize("asked", [(0, 1), (1,)], ids=["both", "the second alone"])
def test_sigterm_ends_both_after_a_checkpoint(cluster, tmp_path, asked):
    run = tmp_path / "run"
    team = cluster.start(*WORDS, *LONG, "--output", str(run))
    team.programs[0].wait_until(Checkpoints(run, keep=1).steps)
    for rank in asked:
        team.programs[rank].send(signal.SIGTERM)
    codes, logs = team.end()
    assert codes == [143, 143]
    done = Checkpoints(run, keep=1).steps()[-1]
    assert f"Stopped; go on with: gantool train --resume {run}" in logs[0]
    assert logs[1] == ""
    assert lines(run)[-1]["step"] == done
    assert json.loads((run / "config.json").read_text())["step"] == done


@pytest.mark.parametrize("killed", [0, 1])
def test_a_killed_process_ends_the_run_and_loses_no_checkpoint(cluster, tmp_path, killed):
    run = tmp_path / "run"
    team = cluster.start(*WORDS, *LONG, "--output", str(run))
    team.programs[0].wait_until(Checkpoints(run, keep=1).steps)
    team.programs[killed].send(signal.SIGKILL)
    codes, logs = team.end()
    assert codes[killed] == -signal.SIGKILL
    assert codes[1 - killed] == 1
    errors = [line for line in logs[1 - killed].splitlines() if line.startswith("Error")]
    assert len(errors) == 1
    assert f"process {1 - killed} of 2: another process of this run ended" in errors[0]
    assert f"gantool train --resume {run}" in errors[0]
    assert "Traceback" not in logs[1 - killed]
    done = Checkpoints(run, keep=1).steps()[-1]
    cluster.train(run, "--steps", str(done - 6 + 1), resume=True)
    assert Checkpoints(run, keep=1).steps()[-1] == done + 1
    assert not list(run.glob(".*"))


def test_a_process_that_answers_no_more_ends_the_run_within_the_timeout(cluster, tmp_path):
    team = cluster.start(*WORDS, "--output", str(tmp_path / "run"), "--loss", "planted:stopping", "--timeout", "10")
    team.programs[0].end()
    team.programs[1].send(signal.SIGKILL)
    codes, logs = team.end()
    assert codes[0] == 1
    assert "gave no answer for 10 s (--timeout)" in logs[0]


def test_a_recipe_that_goes_around_the_accelerator_is_found_out(cluster, tmp_path):
    codes, logs = cluster.start(*WORDS, "--output", str(tmp_path / "run"), "--plugin", "planted").end()
    assert codes == [1, 1]
    assert "no longer train the same network: a recipe must pass every network and optimizer" in logs[0]
    assert not Checkpoints(tmp_path / "run", keep=1).steps()
