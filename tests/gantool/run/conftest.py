from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from rich.console import Console

from gantool import Component, NoOptions
from gantool.choices import Choices
from gantool.plan import Plan, resolve
from gantool.plugins import PluginInfo, Provided, Registry, load_plugins
from gantool.run.training import TrainingRun

OPTIONS = {
    "generator.width": 4,
    "generator.blocks": 1,
    "discriminator.width_factor": 0.05,
    "buffer.size": 8,
    "dataset.synthetic_count": 24,
    "dataset.real_count": 20,
    "dataset.size": [12, 16],
    "recipe.refiner_warmup": 4,
    "recipe.discriminator_warmup": 3,
    "metric.samples": 64,
    "metric.directions": 4,
}
SETTINGS = {"batch_size": 4, "steps": 5, "device": "cpu", "log_every": 2, "checkpoint_every": 100, "sample_every": 100}


@pytest.fixture(scope="session")
def registry() -> Registry:
    return load_plugins()


@pytest.fixture
def tiny(registry: Registry) -> Callable[..., Plan]:
    """Makes a plan of 4 + 3 warm-up steps and 5 rounds that trains in a fraction of a second."""

    def make(
        options: dict[str, Any] | None = None,
        *,
        registry: Registry = registry,
        parts: dict[str, str] | None = None,
        dataset: str | None = None,
        **settings: Any,
    ) -> Plan:
        parts = parts or {}
        own = {key: value for key, value in OPTIONS.items() if key.partition(".")[0] not in parts}
        if dataset is not None:
            own = {key: value for key, value in own.items() if not key.startswith("dataset.")}
        said = Choices(plugin="simgan", parts=parts, dataset=dataset, options=own | (options or {}), settings=SETTINGS | settings)
        return resolve(registry, said)

    return make


@pytest.fixture
def train(registry: Registry) -> Callable[..., Path]:
    """Trains, or goes on with, a plan in a folder, quietly."""

    def run(plan: Plan, folder: Path, *, registry: Registry = registry, console: Console | None = None) -> Path:
        folder.mkdir(exist_ok=True)
        TrainingRun(plan, folder, registry, console=console or Console(quiet=True), quiet=console is None).train()
        return folder

    return run


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch, registry: Registry) -> Callable[..., Registry]:
    """Adds a plugin "planted" with one component, or an observer, to the installed ones."""

    def add(
        kind: str = "",
        factory: Callable[..., Any] | None = None,
        *,
        options: type = NoOptions,
        provides: frozenset[str] = frozenset(),
        observer: Callable[..., None] | None = None,
    ) -> Registry:
        module = ModuleType("planted_parts")
        module.factory = factory  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "planted_parts", module)
        component = Component(name="part", factory="planted_parts:factory", options=options, provides=provides)
        provided = (Provided("planted", kind, component),) if kind else ()
        info = PluginInfo("planted", "planted", "1", "planted_parts", provides=provided)
        hooks = (("planted", SimpleNamespace(function=observer, argnames=("event",))),) if observer else ()
        return replace(registry, plugins={**registry.plugins, "planted": info}, observers=hooks)

    return add


@pytest.fixture
def assert_same() -> Callable[..., None]:
    """Compares two nested states to the bit, and says where they differ."""

    def check(a: Any, b: Any, at: str = "") -> None:
        assert type(a) is type(b), at
        if isinstance(a, torch.Tensor):
            assert (a.dtype, a.shape, a.stride()) == (b.dtype, b.shape, b.stride()), at
            assert torch.equal(a, b), f"{at}: {(a != b).sum()} of {a.numel()} values differ"
        elif isinstance(a, dict):
            assert list(a) == list(b), at
            for key in a:
                check(a[key], b[key], f"{at}.{key}")
        elif isinstance(a, list | tuple):
            assert len(a) == len(b), at
            for number, (one, other) in enumerate(zip(a, b, strict=True)):
                check(one, other, f"{at}[{number}]")
        else:
            assert a == b, at

    return check
