from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
import torch

import gantool
from gantool.augment.reference import Reference

Saved = Callable[..., Path]
Watch = Callable[..., AbstractContextManager[list[int]]]


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    """Returns a folder with a tiny refiner of so many channels; another `seed` has other weights."""
    root = tmp_path_factory.mktemp("runs")

    def make(channels: int = 3, seed: int = 0) -> Path:
        folder = root / f"{channels}-{seed}"
        return folder if folder.exists() else write_run(folder, channels, seed)

    return make


def write_run(folder: Path, channels: int = 3, seed: int = 0) -> Path:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = gantool.build("generator", "simgan:refiner", channels=channels, width=4, blocks=1)
    return gantool.save(module, folder)


@pytest.fixture
def expected() -> Callable[..., torch.Tensor]:
    """Refines (N, C, H, W) in [0, 1] with nothing but `gantool.load`."""

    def refine(run: Path, images: torch.Tensor, strength: float = 1.0) -> torch.Tensor:
        refined = (gantool.load(run)(images.detach().float() * 2 - 1) + 1) / 2
        return (images + strength * (refined - images)).detach()

    return refine


@pytest.fixture
def seen() -> Watch:
    """Counts the images of each call of the shared network of a run."""

    @contextmanager
    def watch(run: Path) -> Iterator[list[int]]:
        counts: list[int] = []
        network = Reference(run).network(torch.device("cpu"))
        hook = network.register_forward_pre_hook(lambda _, inputs: counts.append(len(inputs[0])))
        try:
            yield counts
        finally:
            hook.remove()

    return watch
