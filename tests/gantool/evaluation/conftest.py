"""Runs with planted refiners, without training: a bright spot whose place is the label, on images that are inverted or not."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import gantool
from gantool.components import Channels
from gantool.data.domains import Preprocess
from gantool.evaluation.evidence.preservation import label_preservation
from gantool.model.bundle import Recorded, write_bundle
from gantool.plan import resolve
from gantool.plan.choices import Choices
from gantool.plugins import load_plugins
from gantool.runs.folder import write_plan

PLUGIN = """
import torch
from gantool import Component, hookimpl

class Refiner(torch.nn.Module):
    def __init__(self, *, config, channels):
        super().__init__()
        self.shift = torch.nn.Parameter(torch.zeros(()))

class Invert(Refiner):
    def forward(self, images):
        return -images

class Nothing(Refiner):
    def forward(self, images):
        return images

class Blank(Refiner):
    def forward(self, images):
        return torch.zeros_like(images)

class Ridge:
    "Linear regression of the pixels, with training images left out at random: estimators differ by seed."
    def __init__(self, *, config, outputs, seed):
        self.seed = seed
    def fit(self, images, targets):
        rows = torch.randperm(len(images), generator=torch.Generator().manual_seed(self.seed))[: len(images) * 9 // 10]
        x = self.features(images[rows])
        self.weights = torch.linalg.solve(x.T @ x + 1e-1 * torch.eye(x.shape[1]).double(), x.T @ targets[rows].double())
    def predict(self, images):
        return (self.features(images) @ self.weights).float()
    def features(self, images):
        return torch.nn.functional.pad(images.flatten(1).double(), (0, 1), value=1.0)

class Broken:
    def __init__(self, *, config, outputs, seed):
        pass
    def fit(self, images, targets):
        raise ValueError("images are too\\nsmall")
    def predict(self, images):
        return images

def Faulty(*, config):
    raise TypeError("a metric\\nwith a fault")

@hookimpl
def gantool_metrics():
    yield Component(name="faulty", factory="MODULE:Faulty", summary="Raises")

@hookimpl
def gantool_generators():
    for name in ("Invert", "Nothing", "Blank"):
        yield Component(name=name.lower(), factory=f"MODULE:{name}", summary=name)

@hookimpl
def gantool_estimators():
    yield Component(name="ridge", factory="MODULE:Ridge", summary="Linear")
    yield Component(name="broken", factory="MODULE:Broken", summary="Raises")
"""

SIZE = (8, 12)


def spots(count: int, *, seed: int, inverted: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """(N, 8, 12) uint8 and (N, 2): a soft bright spot in dim noise, and its x and y in pixels."""
    random = np.random.default_rng(seed)
    at = random.uniform((2, 2), (SIZE[1] - 3, SIZE[0] - 3), size=(count, 2))
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    distance = (x - at[:, 0, None, None]) ** 2 + (y - at[:, 1, None, None]) ** 2
    image = 20 + 200 * np.exp(-distance / 4) + random.normal(0, 4, (count, *SIZE))
    pixels = np.rint(image.clip(0, 255)).astype(np.uint8)
    return (255 - pixels if inverted else pixels), at.astype(np.float32)


@pytest.fixture(autouse=True)
def hasty_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    """What reads labels for the evidence learns for a few steps, where a test does not say how many."""
    monkeypatch.setitem(label_preservation.__kwdefaults__, "steps", 10)


@pytest.fixture
def planted(site, tmp_path: Path) -> Callable[..., Path]:
    """Makes a run folder whose generator is `refiner`; its synthetic images are inverted or not, and real ones are not."""
    site.plant("toy", PLUGIN)

    def make(refiner: str, *, inverted: bool, equalize: bool = False) -> Path:
        for name, count, seed in (("synthetic", 160, 1), ("real", 120, 2), ("test", 240, 3)):
            image, at = spots(count, seed=seed, inverted=inverted and name == "synthetic")
            labels: dict[str, Any] = {} if name == "real" else {"spot_xy": at}
            np.savez(tmp_path / f"{name}.npz", image=image, **labels)
        registry = load_plugins()
        said = Choices.from_mapping(
            {
                "plugin": "simgan",
                "synthetic": str(tmp_path / "synthetic.npz"),
                "real": str(tmp_path / "real.npz"),
                "parts": {"generator": f"toy:{refiner}"},
                "equalize": equalize,
                "device": "cpu",
            },
            where="test",
        )
        run = tmp_path / "run"
        run.mkdir()
        write_plan(run, resolve(registry, said), registry)
        recorded = Recorded(
            component=f"toy:{refiner}",
            options={},
            channels=Channels(1),
            preprocess=Preprocess(channels=1, equalize=equalize),
            trained_size=SIZE,
            step=7,
        )
        write_bundle(run, {"shift": torch.zeros(())}, recorded)
        return run

    make.folder = tmp_path  # type: ignore[attr-defined]
    return make


TRAINED = {
    "generator.width": 4,
    "generator.blocks": 1,
    "discriminator.width_factor": 0.05,
    "buffer.size": 8,
    "dataset.synthetic_count": 40,
    "dataset.real_count": 36,
    "dataset.size": [12, 16],
    "recipe.discriminator_warmup": 2,
    "metric.samples": 64,
    "metric.directions": 4,
}


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a few steps on tiny built-in eyes. Not to be written into: see `run`."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    settings = {"batch_size": 4, "steps": 6, "device": "cpu", "log_every": 2, "checkpoint_every": 4, "keep": 3}
    return gantool.train("simgan", output=folder, options=TRAINED, **settings)


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """A copy of `trained`, under a name that HTML and shells must not trip over."""
    return Path(shutil.copytree(trained, tmp_path / "a <b>run & 'ü'"))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Headless Chromium, driven by selenium."""
    selenium = pytest.importorskip("selenium.webdriver")
    programs = [shutil.which(name) for name in ("chromium", "chromedriver")]
    if None in programs:
        pytest.skip("needs chromium and chromedriver (Debian: chromium, chromium-driver)")
    options = selenium.ChromeOptions()
    options.binary_location = programs[0]
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1000,800"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = selenium.Chrome(options=options, service=selenium.ChromeService(programs[1]))
    yield driver
    driver.quit()


@pytest.fixture
def browser(chromium: Any) -> Iterator[Any]:
    """`chromium` with nothing left of earlier tests; fails the test that left an error in its console."""
    chromium.get("about:blank")
    chromium.execute_cdp_cmd("Network.clearBrowserCookies", {})
    chromium.get_log("browser")
    yield chromium
    assert [entry for entry in chromium.get_log("browser") if entry["level"] == "SEVERE"] == []
