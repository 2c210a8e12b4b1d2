"""What was interrupted and resumed equals, to the bit, what ran through: every state that later steps depend on."""

from __future__ import annotations

import json
import os
import random
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from rich.console import Console

from gantool import GantoolError
from gantool.builtin.losses import LSGAN
from gantool.errors import Stopped
from gantool.files import LOCK, owned
from gantool.plan.choices import Choices
from gantool.runs.checkpoints import Checkpoints
from gantool.runs.folder import write_plan
from gantool.training.command import Manner, resume_run, start_run

TOTAL = 12
"""4 refiner warm-up steps, 3 of the discriminator, 5 rounds."""


def final(folder: Path):
    checkpoints = Checkpoints(folder, keep=1)
    assert checkpoints.steps()[-1] == TOTAL
    return checkpoints.load(TOTAL)


def stop_observer(step: int):
    def observe(event):
        if event.kind == "step" and event.step == step:
            os.kill(os.getpid(), signal.SIGTERM)

    return observe


ADAM_HISTORY = ({}, {})
SGD_NONE = ({"recipe.optimizer": "sgd", "recipe.momentum": 0.9}, {"parts": {"buffer": "none"}})
AVERAGE = ({"recipe.average": 0.9}, {"parts": {"loss": "lsgan"}})
ODD_BATCH = ({"recipe.discriminator_updates": 2}, {"batch_size": 5, "steps": 10})
STREAMED = ({}, {"cache_gib": 1e-9, "workers": 2})
STREAMED_HERE = ({"recipe.average": 0.5}, {"cache_gib": 1e-9, "workers": 0, "batch_size": 3})


@pytest.mark.parametrize(
    ("options", "settings", "stops"),
    [
        pytest.param(*ADAM_HISTORY, (1, 4, 6, 9), id="adam, history: in each phase and at a boundary"),
        pytest.param(*SGD_NONE, (2, 8), id="sgd with momentum, no buffer"),
        pytest.param(*AVERAGE, (3, 10), id="average, another loss"),
        pytest.param(*ODD_BATCH, (5, 9), id="odd batch, two updates of D"),
        pytest.param(*STREAMED, (8,), id="streamed by two workers"),
        pytest.param(*STREAMED_HERE, (7,), id="streamed without workers"),
    ],
)
def test_resumed_run_equals_uninterrupted_one(tmp_path, tiny, train, plant, assert_same, options, settings, stops):
    plan = tiny(options, log_every=1, **settings)
    whole = train(plan, tmp_path / "whole")
    parts = tmp_path / "parts"
    for step in stops:
        with pytest.raises(Stopped):
            train(plan, parts, registry=plant(observer=stop_observer(step)))
        assert Checkpoints(parts, keep=1).steps()[-1] == step
    train(plan, parts)

    # Weights, optimizers, history and its generator, average, draws, and python's, numpy's and torch's random state.
    expected, found = final(whole), final(parts)
    assert {"refiner", "discriminator", "refiner_optimizer", "discriminator_optimizer", "history"} <= set(expected["recipe"])
    assert {"python", "numpy", "torch"} <= set(expected["random"])
    # The interrupted run was judged at more checkpoints, so its best may be another.
    expected.pop("best"), found.pop("best")
    assert_same(found, expected)
    assert (parts / "refiner.safetensors").read_bytes() == (whole / "refiner.safetensors").read_bytes()


def test_a_global_random_state_that_is_drawn_from_in_steps_continues_too(tmp_path, tiny, train, plant, assert_same):
    """As the run with dropout would: the loss draws from torch's, numpy's and python's generator in every step."""

    class Noisy(LSGAN):
        def discriminator(self, real_logits, fake_logits):
            noise = torch.rand(()) + np.random.rand() + random.random()
            return super().discriminator(real_logits, fake_logits) * (1 + noise)

    def registry(**kwargs):
        return plant("loss", Noisy, provides=frozenset({"adversarial"}), **kwargs)

    # Streamed, because a loader that starts anew must not draw from them either.
    plan = tiny(registry=registry(), parts={"loss": "planted:part"}, log_every=1, cache_gib=1e-9, workers=0)
    whole = train(plan, tmp_path / "whole", registry=registry())
    parts = tmp_path / "parts"
    with pytest.raises(Stopped):
        train(plan, parts, registry=registry(observer=stop_observer(8)))
    train(plan, parts, registry=registry())
    assert_same(final(parts)["recipe"], final(whole)["recipe"])
    assert_same(final(parts)["random"], final(whole)["random"])


def test_more_steps_extend_a_finished_run_to_what_a_longer_one_is(tmp_path, tiny, train, registry, assert_same):
    steady = {"recipe.decay": 0}  # rates that fall to the end of a run depend on where that is
    whole = train(tiny(steady, steps=5), tmp_path / "whole")
    parts = tmp_path / "parts"
    train(tiny(steady, steps=2), parts)
    resume_run(parts, Choices(settings={"steps": 5}), manner=Manner(quiet=True))
    expected, found = final(whole), final(parts)
    expected.pop("best"), found.pop("best")
    assert_same(found, expected)
    assert json.loads((parts / "run.json").read_text())["steps"] == 5


def test_metrics_hold_each_step_once_after_a_crash(tmp_path, tiny, train, plant):
    plan = tiny(log_every=1, checkpoint_every=4)

    class Crash(KeyboardInterrupt):  # all else that an observer raises stops nothing
        pass

    def crash(event):
        if event.kind == "step" and event.step == 11:
            raise Crash

    with pytest.raises(Crash):
        train(plan, tmp_path / "run", registry=plant(observer=crash))
    with (tmp_path / "run" / "metrics.jsonl").open("a") as file:
        file.write('{"step": 12, "pha')  # what a killed process was writing
    train(plan, tmp_path / "run")
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if line["phase"] != "checkpoint"] == list(range(1, 13))
    assert [line["step"] for line in lines if line["phase"] == "checkpoint"] == [4, 8, 12]


def test_a_finished_run_says_so_and_changes_nothing(tmp_path, tiny, train, capsys):
    train(tiny(), tmp_path / "run")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file() and path.name != "run.json"}
    train(tiny(), tmp_path / "run", console=Console(stderr=True))
    assert f"is complete: {TOTAL} of {TOTAL} steps; --steps N trains further" in capsys.readouterr().err
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file() and path.name != "run.json"}


def test_fewer_steps_than_were_done_are_an_error_that_leaves_the_run_as_it_was(tmp_path, tiny, train, registry):
    run = train(tiny(), tmp_path / "run")
    before = (run / "run.json").read_text()
    with pytest.raises(GantoolError, match=r"has done 12 steps, warm-ups included; --steps 1 asks for 8"):
        resume_run(run, Choices(settings={"steps": 1}), manner=Manner(quiet=True))
    assert (run / "run.json").read_text() == before


@pytest.mark.parametrize(
    ("said", "named"),
    [
        (Choices(settings={"batch_size": 8}), "batch_size is 4"),
        (Choices(settings={"seed": 1}), "seed is 0"),
        (Choices(options={"generator.width": 8}), "generator.width is 4"),
        (Choices(parts={"loss": "lsgan"}), "loss is 'simgan:local-adversarial'"),
    ],
)
def test_what_would_change_the_training_cannot_be_given(tmp_path, tiny, registry, said, named):
    write_plan(tmp_path, tiny(), registry)
    with pytest.raises(GantoolError, match=f"--resume goes on with what .*: {named}.*what can change: .*steps") as error:
        resume_run(tmp_path, said, manner=Manner(quiet=True))
    assert "\n" not in str(error.value)


def test_what_the_run_has_anyway_can_be_given(tmp_path, tiny, registry):
    write_plan(tmp_path, tiny(), registry)
    same = Choices(plugin="simgan", preset="laptop", parts={"buffer": "history"}, options={"generator.width": 4})
    with pytest.raises(GantoolError, match="batch_size is 4"):  # the values of the preset would change it
        resume_run(tmp_path, same, manner=Manner(quiet=True))
    said = Choices(plugin="simgan", parts={"buffer": "history"}, settings={"batch_size": 4, "steps": 1})
    assert resume_run(tmp_path, said, manner=Manner(quiet=True)) == tmp_path


@pytest.fixture
def pictures(tmp_path):
    """Two folders of 12 pictures each, and the plan's words for them."""
    for number, name in enumerate(("synthetic", "real")):
        (tmp_path / name).mkdir()
        for image in range(12):
            pixels = np.random.default_rng((number, image)).integers(0, 256, (12, 16), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{image}.png")
    return {"dataset.synthetic": str(tmp_path / "synthetic"), "dataset.real": str(tmp_path / "real")}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda folder: (folder / "synthetic/3.png").unlink(),
            "the synthetic images are not those of the first 8 steps (12 then, 11 now)",
        ),
        (
            lambda folder: (folder / "real/3.png").write_bytes((folder / "real/4.png").read_bytes()),
            "the real images are not those of the first 8 steps (12 then, 12 now)",
        ),
        (lambda folder: None, ""),
    ],
)
def test_a_run_that_is_resumed_with_other_images_says_so(tmp_path, tiny, train, pictures, capsys, change, said):
    run = train(tiny(pictures, dataset="gantool:files", steps=1), tmp_path / "run")
    change(tmp_path)
    train(tiny(pictures, dataset="gantool:files", steps=2), run, console=Console(stderr=True))
    warnings = [line for line in capsys.readouterr().err.splitlines() if line.startswith("Warning: ")]
    assert len(warnings) == bool(said)
    assert said in "".join(warnings)


def test_data_that_were_moved_are_said_anew_and_their_content_decides(tmp_path, tiny, train, pictures, assert_same):
    plan = tiny(pictures | {"recipe.decay": 0}, dataset="gantool:files", steps=1)
    run, whole = train(plan, tmp_path / "run"), train(plan, tmp_path / "whole")
    resume_run(whole, Choices(settings={"steps": 5}), manner=Manner(quiet=True))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "synthetic").rename(tmp_path / "elsewhere" / "renders")
    said = Choices.from_mapping({"synthetic": tmp_path / "real", "steps": 5}, where="")
    (tmp_path / "real").rename(tmp_path / "elsewhere" / "photos")
    (tmp_path / "real").mkdir()
    for image in range(12):
        Image.new("L", (16, 12), image).save(tmp_path / "real" / f"{image}.png")
    before = (run / "run.json").read_text()
    both = {"real": tmp_path / "elsewhere" / "photos", "steps": 5}
    with pytest.raises(
        GantoolError, match="the synthetic images are not those of the first 8 steps .*: name the place that they were"
    ):
        resume_run(run, said, Choices.from_mapping(both, where=""), manner=Manner(quiet=True))
    assert (run / "run.json").read_text() == before
    both["synthetic"] = tmp_path / "elsewhere" / "renders"
    resume_run(run, Choices.from_mapping(both, where=""), manner=Manner(quiet=True))
    assert_same(final(run)["recipe"], final(whole)["recipe"])
    assert json.loads((run / "run.json").read_text())["options"]["dataset"]["real"] == str(both["real"])


def test_a_run_has_one_owner(tmp_path, tiny, train):
    run = train(tiny(steps=1), tmp_path / "run")
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    with owned(run / LOCK, run), pytest.raises(GantoolError, match=rf"run is being written by process {os.getpid()} on "):
        resume_run(run, Choices(settings={"steps": 2}), manner=Manner(quiet=True))
    assert before == {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}


def test_a_run_that_was_killed_before_it_wrote_its_plan_is_begun_again(tmp_path, tiny, registry, monkeypatch):
    def killed(*_, **__):
        os._exit(9)

    child = os.fork()
    if child == 0:
        monkeypatch.setattr("os.fsync", killed)
        start_run(tmp_path / "run", tiny(steps=1), registry, Manner(quiet=True))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert {path.name.rpartition(".")[2] for path in (tmp_path / "run").iterdir()} == {"json", "gantool-lock"}
    assert not (tmp_path / "run" / "run.json").exists()
    run = start_run(tmp_path / "run", tiny(steps=1), registry, Manner(quiet=True))
    assert not list(run.rglob(".*"))
    with pytest.raises(GantoolError, match="is a run already"):
        start_run(run, tiny(steps=1), registry, Manner(quiet=True))


def test_a_folder_that_is_no_run_cannot_be_resumed(tmp_path):
    with pytest.raises(GantoolError, match=r"is no run folder: it has no run\.json"):
        resume_run(tmp_path)
    with pytest.raises(GantoolError, match="does not exist"):
        resume_run(tmp_path / "nowhere")
    (tmp_path / "run.json").write_text('{"plugin": ')
    with pytest.raises(GantoolError, match=r"run\.json is no valid JSON"):
        resume_run(tmp_path)
    (tmp_path / "run.json").write_text('{"format": 99}')
    with pytest.raises(GantoolError, match=r"run\.json was written by a newer gantool"):
        resume_run(tmp_path)


@pytest.mark.parametrize("killed_in", ["gantool.training.loop.write_bundle", "gantool.runs.checkpoints.write_folder"])
def test_a_run_killed_while_it_writes_its_result_writes_it_when_resumed(tmp_path, tiny, train, monkeypatch, killed_in):
    class Killed(BaseException):
        pass

    def kill(*_):
        raise Killed

    train(tiny(), tmp_path / "whole")
    with monkeypatch.context() as patch:
        patch.setattr(killed_in, kill)
        with pytest.raises(Killed):
            train(tiny(), tmp_path / "run")
    train(tiny(), tmp_path / "run")
    for name in ("refiner.safetensors", "config.json"):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_checkpoint_of_another_network_is_one_line(tmp_path, tiny, train):
    run = train(tiny(steps=1), tmp_path / "run")
    with pytest.raises(GantoolError, match=r"step-00000008 does not fit the recipe; was a plugin upgraded") as error:
        train(tiny({"generator.width": 5}, steps=2), run)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 500
