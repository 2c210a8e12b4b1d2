"""Every function of `gantool` is a guest in the process: under any modes of the caller it gives what it gives in a clean process,
and leaves all as it was."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState, PartialState
from PIL import Image

import gantool
from gantool.ambient import guest
from gantool.augment.torch import Refine
from gantool.model.publish import publish
from gantool.training.loop import TrainingRun

OPTIONS = {
    "generator.width": 4,
    "generator.blocks": 1,
    "discriminator.width_factor": 0.05,
    "dataset.synthetic_count": 64,
    "dataset.real_count": 64,
    "recipe.refiner_warmup": 1,
    "recipe.discriminator_warmup": 1,
    "metric.samples": 16,
}


def train(output: Path, **choices: Any) -> Path:
    settings = {"steps": 1, "batch_size": 4, "device": "cpu", "size": (12, 16), "log_every": 1, "log": ("none",)}
    return gantool.train("simgan", output=output, options=OPTIONS, **settings | choices)


def bytes_of(*files: Path) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def evaluate(run: Path, out: Path) -> Any:
    options = {"estimator.steps": 10}
    found = gantool.evaluate(
        run, options=options, repeats=1, limit=64, evidence=False, arms=("synthetic", "refined"), device="cpu"
    )
    return [row["per_run"] for row in found["downstream"].values() if isinstance(row, dict)] + [found["baseline"]]


def refine(run: Path, out: Path) -> str:
    gantool.refine(run, input=run.parent / "pictures", output=out / "refined", device="cpu", backend="torch")
    return bytes_of(*sorted((out / "refined").glob("*.png")))


def load(run: Path, out: Path) -> Any:
    module = gantool.load(run)
    weights = list(module.parameters())
    assert {(weight.dtype, weight.device.type, weight.is_inference()) for weight in weights} == {(torch.float32, "cpu", False)}
    assert weights[0].requires_grad
    with torch.inference_mode(False), torch.no_grad(), torch.autocast("cpu", enabled=False), torch.device("cpu"):
        return module(torch.linspace(-1, 1, 64, dtype=torch.float32).reshape(1, 1, 8, 8)).tolist()


def build(run: Path, out: Path) -> Any:
    kept = torch.get_rng_state()
    torch.manual_seed(3)
    built = gantool.build("generator", "simgan:refiner", channels=1, width=4, blocks=1)
    torch.set_rng_state(kept)
    return [weight.tolist() for weight in built.parameters()]


def transform(run: Path, out: Path) -> Any:
    tiled, kept = Refine(run, (0.2, 0.9), p=0.5, tile=16), torch.get_rng_state()
    torch.manual_seed(4)
    images = torch.linspace(0, 1, 1600, dtype=torch.float32, device="cpu").reshape(4, 1, 20, 20)
    with torch.autocast("cpu", enabled=False):
        refined = tiled(images)
    torch.set_rng_state(kept)
    return refined.tolist()


CALLS: dict[str, Callable[[Path, Path], Any]] = {
    "train": lambda run, out: bytes_of(train(out / "run") / "refiner.safetensors"),
    "evaluate": evaluate,
    "refine": refine,
    "export": lambda run, out: bytes_of(gantool.export(run, out / "net.safetensors").output),
    "load": load,
    "save": lambda run, out: bytes_of(gantool.save(gantool.load(run), out / "net") / "refiner.safetensors"),
    "build": build,
    "transform": transform,
    "publish": lambda run, out: bytes_of(publish(run, out / "hub", license="mit").output / "README.md"),
}


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    torch.set_default_dtype(dtype)
    yield
    torch.set_default_dtype(torch.float32)


@contextmanager
def default_device() -> Iterator[None]:
    torch.set_default_device("meta")
    yield
    torch.set_default_device(None)


@contextmanager
def deterministic() -> Iterator[None]:
    torch.use_deterministic_algorithms(True, warn_only=True)
    yield
    torch.use_deterministic_algorithms(False)


@contextmanager
def own_accelerator() -> Iterator[None]:
    _forget_accelerate()
    own = Accelerator(cpu=True, mixed_precision="bf16", gradient_accumulation_steps=4)
    yield
    assert (own.mixed_precision, own.gradient_accumulation_steps) == ("bf16", 4)
    assert Accelerator(cpu=True, mixed_precision="bf16").mixed_precision == "bf16"
    _forget_accelerate()


def _forget_accelerate() -> None:
    AcceleratorState._reset_state(reset_partial_state=True)
    GradientState._reset_state()


@contextmanager
def own_handlers() -> Iterator[None]:
    before = [signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)]
    yield
    signal.signal(signal.SIGINT, before[0])
    signal.signal(signal.SIGTERM, before[1])


MODES: dict[str, Callable[[], Any]] = {
    "float64 by default": lambda: default_dtype(torch.float64),
    "bfloat16 by default": lambda: default_dtype(torch.bfloat16),
    "meta by default": default_device,
    "meta around it": lambda: torch.device("meta"),
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "deterministic mode": deterministic,
    "numpy raises": lambda: np.errstate(all="raise"),
    "an Accelerator of its own": own_accelerator,
    "handlers of its own": own_handlers,
}


def state() -> dict[str, Any]:
    """All of the process that a guest could leave in another state."""
    with torch.device("cpu"):
        numbers = random.getstate(), str(np.random.get_state()), torch.get_rng_state().tolist()
    return {
        "random numbers": numbers,
        "dtype": torch.get_default_dtype(),
        "device": str(torch.get_default_device()),
        "grad": torch.is_grad_enabled(),
        "inference": torch.is_inference_mode_enabled(),
        "autocast": (torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")),
        "deterministic": (torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()),
        "accelerate": [
            (id(each._shared_state), dict(each._shared_state)) for each in (AcceleratorState, PartialState, GradientState)
        ],
        "signals": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)],
        "environment": dict(os.environ),
        "threads": (torch.get_num_threads(), set(threading.enumerate())),
        "warnings": (list(warnings.filters), warnings.showwarning),
        "numpy's errors": np.geterr(),
        "folder": Path.cwd(),
    }


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("guest")
    (folder / "pictures").mkdir()
    pixels = np.random.default_rng(0).integers(0, 255, (3, 20, 24), np.uint8)
    for number, picture in enumerate(pixels):
        Image.fromarray(picture).save(folder / "pictures" / f"{number}.png")
    return train(folder / "run")


@pytest.fixture(scope="module")
def clean(run, tmp_path_factory) -> dict[str, Any]:
    return {name: call(run, tmp_path_factory.mktemp(name)) for name, call in CALLS.items()}


@pytest.mark.parametrize("mode", MODES)
def test_a_call_gives_the_same_in_every_mode_and_leaves_all_as_it_was(run, clean, tmp_path, mode):
    random.seed(5)
    np.random.seed(6)
    torch.manual_seed(7)
    with MODES[mode]():
        for name, call in CALLS.items():
            before = state()
            (tmp_path / name).mkdir()
            found = call(run, tmp_path / name)
            after = state()
            assert [key for key in before if before[key] != after[key]] == [], name
            assert found == clean[name], name


def test_built_networks_differ_as_those_of_torch_do():
    first, second = (gantool.build("generator", "simgan:refiner", channels=1, width=4, blocks=0).state_dict() for _ in range(2))
    assert not all(torch.equal(first[name], second[name]) for name in first)


def test_a_loop_of_trainings_draws_what_it_would_draw_without(tmp_path):
    random.seed(1)
    wanted = [random.random() for _ in range(2)]
    random.seed(1)
    drawn = []
    for number in range(2):
        drawn.append(random.random())
        train(tmp_path / str(number), seed=number)
    assert drawn == wanted


def test_a_second_training_in_another_thread_is_one_line(tmp_path, monkeypatch):
    inside, said = threading.Event(), threading.Event()
    sample = TrainingRun._sample

    def wait(self, session):
        inside.set()
        assert said.wait(30)
        sample(self, session)

    monkeypatch.setattr(TrainingRun, "_sample", wait)
    first = threading.Thread(target=train, args=(tmp_path / "first",))
    first.start()
    try:
        assert inside.wait(60)
        before = sorted(tmp_path.iterdir())
        with pytest.raises(
            gantool.GantoolError, match=r"^gantool\.train: a training or evaluation runs in this process already"
        ) as told:
            train(tmp_path / "second")
        assert sorted(tmp_path.iterdir()) == before
        assert "\n" not in str(told.value)
    finally:
        said.set()
        first.join()
    monkeypatch.undo()
    assert bytes_of(train(tmp_path / "second") / "refiner.safetensors") == bytes_of(tmp_path / "first" / "refiner.safetensors")


def test_a_call_inside_of_a_call_is_a_guest_there(run):
    torch.manual_seed(1)
    wanted = torch.rand(3)
    torch.manual_seed(1)
    with guest():
        torch.manual_seed(1)
        gantool.load(run)
        assert torch.equal(torch.rand(3), wanted)
    assert torch.equal(torch.rand(3), wanted)


def test_modes_last_until_the_last_thread_has_left():
    entered, leave = threading.Event(), threading.Event()

    def stay() -> None:
        with guest():
            entered.set()
            leave.wait(30)

    torch.set_default_dtype(torch.float64)
    try:
        other = threading.Thread(target=stay)
        other.start()
        assert entered.wait(30)
        with guest():
            assert torch.get_default_dtype() == torch.float32
        assert torch.get_default_dtype() == torch.float32  # the other one is still inside
        leave.set()
        other.join()
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
