from __future__ import annotations

import errno
import json
import math
import os
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from rich.console import Console

from gantool import Figure, GantoolError
from gantool.builtin.losses import LSGAN
from gantool.errors import TrainingFailed
from gantool.runs import state as state_module
from gantool.runs.checkpoints import Checkpoints
from gantool.runs.files import write_file
from gantool.training.progress import TrainingProgress

ADVERSARIAL = frozenset({"adversarial"})


def steps(run):
    return Checkpoints(run, keep=1).steps()


def lines(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def test_a_run_folder_holds_what_the_design_says(tmp_path, tiny, train):
    run = train(tiny(checkpoint_every=5, sample_every=4, keep=2), tmp_path / "run")
    names = {path.name for path in run.iterdir()} - {"tensorboard"}
    assert names == {"run.json", "config.json", "refiner.safetensors", "metrics.jsonl", "checkpoints", "samples"}
    assert {10, 12} <= set(steps(run))
    assert sorted(path.name for path in (run / "samples").iterdir()) == [f"step-{n:08d}.png" for n in (0, 4, 8, 12)]
    with Image.open(run / "samples" / "step-00000012.png") as sheet:
        assert np.asarray(sheet).std() > 10
    assert not [path for path in run.rglob("*") if path.suffix in (".pkl", ".pt", ".pth", ".bin", ".npy")]


def test_what_is_logged_and_when(tmp_path, tiny, train, plant):
    events = []
    train(tiny(log_every=3, checkpoint_every=6, sample_every=100), tmp_path / "run", registry=plant(observer=events.append))
    # At every third step, at the ends of phases (4 and 7) and at checkpoints (6, 12).
    assert [event.step for event in events if event.kind == "step"] == [3, 4, 6, 7, 9, 12]
    assert [event.phase for event in events if event.kind == "step"] == [
        *["refiner warm-up"] * 2,
        *["discriminator warm-up"] * 2,
        *["adversarial"] * 2,
    ]
    assert events[0].kind == "start"
    assert events[-1].kind == "end"
    assert Counter(event.kind for event in events) == {"start": 1, "sample": 2, "step": 6, "checkpoint": 2, "end": 1}
    assert all(event.path.exists() for event in events if event.kind in ("sample", "checkpoint"))
    assert all(event.run == tmp_path / "run" for event in events)
    adversarial = next(event.values for event in events if event.phase == "adversarial")
    assert {"refiner_loss", "discriminator_loss", "accuracy_real", "accuracy_refined", "change"} < set(adversarial)
    assert adversarial["images_per_second"] > 0
    logged = [(line["step"], line["phase"]) for line in lines(tmp_path / "run")]
    assert logged == [(e.step, e.phase or e.kind) for e in events if e.kind in ("step", "checkpoint")]


def test_the_same_plan_trains_the_same_network_and_another_seed_another(tmp_path, tiny, train):
    runs = [train(tiny(seed=seed), tmp_path / str(number)) for number, seed in enumerate((0, 0, 1))]
    weights = [(run / "refiner.safetensors").read_bytes() for run in runs]
    assert weights[0] == weights[1] != weights[2]


def test_logs_samples_and_checkpoints_do_not_change_what_is_trained(tmp_path, tiny, train):
    rare = train(tiny(log_every=100, sample_every=100, checkpoint_every=100), tmp_path / "rare")
    often = train(tiny(log_every=1, sample_every=1, checkpoint_every=1), tmp_path / "often")
    assert (rare / "refiner.safetensors").read_bytes() == (often / "refiner.safetensors").read_bytes()


def failing_loss(at: int, value: float):
    """A loss that is not finite from its `at`-th call on, as of a discriminator that diverged."""
    calls = Counter()

    class Failing(LSGAN):
        def discriminator(self, real_logits, fake_logits):
            calls["d"] += 1
            return super().discriminator(real_logits, fake_logits) * (value if calls["d"] >= at else 1)

    return Failing


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_stops_the_run(tmp_path, tiny, train, plant, value):
    # The 3 warm-up steps of D are its calls 1 to 3 (steps 5 to 7), so its 5th call is in step 9.
    registry = plant("loss", failing_loss(5, value), provides=ADVERSARIAL)
    plan = tiny(registry=registry, parts={"loss": "planted:part"}, log_every=50, checkpoint_every=4, keep=9)
    with pytest.raises(TrainingFailed) as error:
        train(plan, tmp_path / "run", registry=registry)
    message = str(error.value)
    assert message.startswith("discriminator_loss is not finite since step 9; ")  # and not all that broke after it
    assert f"the last good checkpoint is {tmp_path / 'run' / 'checkpoints' / 'step-00000008'}" in message
    half = {name: plan.recipe.options[name] / 2 for name in ("refiner_lr", "discriminator_lr")}
    assert " ".join(f"-o recipe.{name}={value:g}" for name, value in half.items()) in message
    assert "\n" not in message
    assert error.value.exit_code == 1
    assert steps(tmp_path / "run") == [4, 8]
    for step in (4, 8):
        assert state_module.first_not_finite(Checkpoints(tmp_path / "run", keep=1).load(step)) is None


def test_a_run_that_fails_before_its_first_checkpoint_says_so(tmp_path, tiny, train, plant):
    registry = plant("loss", failing_loss(1, math.nan), provides=ADVERSARIAL)
    plan = tiny(registry=registry, parts={"loss": "planted:part"}, log_every=50)
    with pytest.raises(TrainingFailed, match="not finite since step 5; there is no checkpoint yet"):
        train(plan, tmp_path / "run", registry=registry)
    assert steps(tmp_path / "run") == []
    assert not (tmp_path / "run" / "refiner.safetensors").exists()


def test_weights_that_the_last_update_broke_are_not_saved(tmp_path, tiny, train, plant):
    """The figures of a step come from before its updates, so those of the step are still finite."""
    calls = Counter()

    class BrokenGradient(LSGAN):
        def discriminator(self, real_logits, fake_logits):
            calls["d"] += 1
            loss = super().discriminator(real_logits, fake_logits)
            if calls["d"] == 8:  # the last step of the run
                loss.register_hook(lambda gradient: gradient * math.nan)
            return loss

    registry = plant("loss", BrokenGradient, provides=ADVERSARIAL)
    plan = tiny(registry=registry, parts={"loss": "planted:part"}, checkpoint_every=11)
    with pytest.raises(TrainingFailed, match=r"^discriminator\.\S+ is not finite since step 12; .*step-00000011"):
        train(plan, tmp_path / "run", registry=registry)
    assert steps(tmp_path / "run") == [11]


def planted_metric(plant, marks, provides=frozenset()):
    given = iter(marks)

    class Planted:
        def __init__(self, *, config):
            self.seen = 0

        def update(self, refined, target):
            assert refined.shape == target.shape
            assert not refined.requires_grad
            self.seen += len(refined)

        def compute(self):
            assert self.seen == 20  # as many as the smaller domain has
            torch.rand(1)  # a metric may draw
            return {"mark": next(given), "other": 0.0}

    return plant("metric", Planted, provides=provides)


@pytest.mark.parametrize(
    ("marks", "provides", "best"),
    [
        ((3.0, 1.0, 2.0), frozenset({"lower-is-better"}), 8),
        ((3.0, 1.0, 2.0), frozenset({"higher-is-better"}), 4),
        ((math.nan, 2.0, 2.0), frozenset(), 8),
        ((math.nan, math.inf, math.nan), frozenset(), None),
    ],
)
def test_the_metric_chooses_the_best_checkpoint(tmp_path, tiny, train, plant, registry, marks, provides, best):
    registry = planted_metric(plant, marks, provides)
    plan = tiny(registry=registry, checkpoint_every=4, keep=1)
    plan = replace(plan, metric=registry.choose("metric", "planted:part", {}))
    run = train(plan, tmp_path / "run", registry=registry)
    state = Checkpoints(run, keep=1).load(12)
    assert (state["best"] or {}).get("step") == best
    assert steps(run) == sorted({best or 12, 12})
    assert [line.get("mark") for line in lines(run) if line["phase"] == "checkpoint"] == [
        mark if math.isfinite(mark) else None for mark in marks
    ]


def test_a_metric_that_draws_does_not_change_what_is_trained(tmp_path, tiny, train, plant):
    registry = planted_metric(plant, [1.0] * 9)
    plan = tiny(registry=registry, checkpoint_every=3)
    drawing = replace(plan, metric=registry.choose("metric", "planted:part", {}))
    states = []
    for name, each in (("a", plan), ("b", drawing)):
        train(each, tmp_path / name, registry=registry)
        states.append(Checkpoints(tmp_path / name, keep=1).load(12)["random"]["torch"])
    assert torch.equal(*states)


def full_disk(*_arguments, **_options):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("where", ["checkpoint", "sheet", "metrics"])
def test_a_full_disk_ends_in_one_line_and_the_last_checkpoint_loads(tmp_path, tiny, train, monkeypatch, where, plant):
    plan = tiny(checkpoint_every=4, sample_every=6, log_every=1)
    written = []

    def fill(event):
        written.append(event)
        if event.kind == "checkpoint" and event.step == 4:
            if where == "checkpoint":
                monkeypatch.setattr(state_module, "save_file", full_disk)
            elif where == "sheet":
                monkeypatch.setattr("gantool.training.sheets.write_file", lambda path, _: write_file(path, full_disk))
            else:
                monkeypatch.setattr("gantool.runs.metrics.json.dumps", full_disk)

    with pytest.raises(
        GantoolError, match=r"the disk of .*run is full: .*then go on with: gantool train --resume .*run"
    ) as error:
        train(plan, tmp_path / "run", registry=plant(observer=fill))
    assert error.value.exit_code == 2
    assert "\n" not in str(error.value)
    assert steps(tmp_path / "run") == [4]
    assert Checkpoints(tmp_path / "run", keep=1).load(4)["step"] == 4
    assert not [path for path in (tmp_path / "run").rglob("*") if ".tmp" in path.name]
    monkeypatch.undo()
    train(plan, tmp_path / "run")
    train(plan, tmp_path / "whole")
    assert (tmp_path / "run" / "refiner.safetensors").read_bytes() == (tmp_path / "whole" / "refiner.safetensors").read_bytes()


def test_a_truncated_checkpoint_says_how_to_go_on_and_that_works(tmp_path, tiny, train):
    plan = tiny(checkpoint_every=4, keep=2)
    run = train(plan, tmp_path / "run")
    weights = (run / "refiner.safetensors").read_bytes()
    file = run / "checkpoints" / "step-00000012" / "state.safetensors"
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(GantoolError, match=r"no intact safetensors file .*: delete .*step-00000012 to go on from the checkpoint"):
        train(plan, run)
    for path in file.parent.iterdir():
        path.unlink()
    file.parent.rmdir()
    train(plan, run)
    assert (run / "refiner.safetensors").read_bytes() == weights


def test_leftovers_of_a_killed_process_go_when_the_run_is_resumed(tmp_path, tiny, train):
    run = train(tiny(steps=1), tmp_path / "run")
    left = [run / ".run.1.tmp.json", run / ".tmpAbC123", run / "samples" / ".step-00000009.1.tmp.png"]
    for path in left:
        path.write_text("half")
    (run / "checkpoints" / ".step-00000009.1.tmp").mkdir()
    train(tiny(steps=2), run)
    assert not [path for path in run.rglob("*") if ".tmp" in path.name]


def test_plain_lines_where_there_is_no_terminal(tmp_path, tiny, train, capsys):
    train(tiny(), tmp_path / "[run]", console=Console(stderr=True, width=40))
    first, *_, last = capsys.readouterr().err.splitlines()
    assert first == f"{tmp_path / '[run]'}: 24 synthetic and 20 real images, 12x16 px, grey, on cpu"
    assert last.startswith("step 12/12  adversarial  0:00 left  refiner_loss ")
    assert "accuracy_real " in last
    assert "%" in last


@pytest.mark.parametrize("width", [200, 80])
def test_live_lines_on_a_terminal(tmp_path, tiny, train, width):
    console = Console(force_terminal=True, width=width, record=True, file=open(os.devnull, "w"))  # noqa: PTH123, SIM115
    train(tiny(log_every=1), tmp_path / "run", console=console)
    # Each frame begins where the one before ends.
    figures, _, bar = console.export_text().rstrip().splitlines()[-2].partition("adversarial ")
    assert "12/12 0:00:00" in bar
    words = ["R ", "D ", "D real ", "D refined ", "|R(x)-x| ", "img/s "]  # SimGAN's, then the host's
    assert [figures.index(word) for word in words] == sorted(figures.index(word) for word in words)


def test_a_narrow_terminal_shows_step_and_time_left():
    console = Console(force_terminal=True, width=50, record=True, file=open(os.devnull, "w"))  # noqa: PTH123, SIM115
    figures = Figure("discriminator_loss", "D"), Figure("refiner_loss", "R"), Figure("accuracy_real", "D real", ".0%")
    progress = TrainingProgress(10_000, 0, console=console, figures=figures)
    progress.show(1234, "discriminator warm-up", {"discriminator_loss": 1.36, "accuracy_real": 0.5, "images_per_second": 1e6})
    progress.close()
    bar, figures = console.export_text().rstrip().splitlines()[-2:]
    assert "discriminator warm-up" in bar
    assert "1234/10000" in bar
    assert "-:--:--" in bar
    assert figures.startswith("D 1.36  D real 50%")
    assert len(figures) <= 50


def test_a_recipe_that_names_no_figures_has_its_first_ones_shown():
    console = Console(force_terminal=True, width=120, record=True, file=open(os.devnull, "w"))  # noqa: PTH123, SIM115
    progress = TrainingProgress(10, 0, console=console)
    progress.show(1, "training", {f"figure_{number}": number / 8 for number in range(8)} | {"images_per_second": 12.4})
    progress.close()
    shown = "  ".join(f"figure_{number} {number / 8:.3g}" for number in range(6))
    assert console.export_text().rstrip().splitlines()[-1] == f"{shown}  img/s 12"


def test_an_observer_that_fails_is_named_once_and_training_goes_on(tmp_path, tiny, train, plant, capsys):
    def fail(event):
        raise RuntimeError("planted")

    train(tiny(log_every=1), tmp_path / "run", registry=plant(observer=fail), console=Console(stderr=True))
    assert steps(tmp_path / "run") == [12]
    assert capsys.readouterr().err.count("Warning: plugin 'planted' failed in gantool_log (RuntimeError: planted)") == 1


def test_bf16_trains_and_saves_float32(tmp_path, tiny, train):
    from safetensors.torch import load_file

    run = train(tiny(precision="bf16", steps=2), tmp_path / "run")
    assert {weight.dtype for weight in load_file(run / "refiner.safetensors").values()} == {torch.float32}
    assert steps(run) == [9]


class Endless:
    name = "planted stream"

    def __init__(self, offset):
        self.offset = offset

    def stream(self, *, seed, skip):
        number = skip
        while True:
            yield np.random.default_rng([seed, number, self.offset]).integers(0, 255, (12, 16, 3), np.uint8)
            number += 1


class Streams:
    def __init__(self, *, config):
        self.source, self.target = Endless(0), Endless(1)


def test_a_streaming_data_set_of_colours_trains_and_resumes(tmp_path, tiny, train, plant, capsys):
    registry = plant("dataset", Streams)

    def plan(steps):
        return tiny({"recipe.decay": 0}, registry=registry, dataset="planted:part", steps=steps)

    train(plan(4), tmp_path / "whole", registry=registry, console=Console(stderr=True))
    assert "endless synthetic and endless real images, 12x16 px, RGB, on cpu" in capsys.readouterr().err
    train(plan(2), tmp_path / "parts", registry=registry)
    train(plan(4), tmp_path / "parts", registry=registry)
    weights = [(tmp_path / name / "refiner.safetensors").read_bytes() for name in ("whole", "parts")]
    assert weights[0] == weights[1]


def test_a_part_that_refuses_what_it_gets_is_named(tmp_path, tiny, train, plant):
    def refuse(*, config, channels):
        raise ValueError(f"{channels.images} channels are too few")

    registry = plant("generator", refuse)
    plan = tiny(registry=registry, parts={"generator": "planted:part"})
    with pytest.raises(GantoolError, match="planted:part: 1 channels are too few"):
        train(plan, tmp_path / "run", registry=registry)
