"""What refining inside an augmentation pipeline costs, beside the bare network and beside classical transforms.

pytest benchmarks/test_transforms.py --benchmark-enable
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import gantool
from gantool.model.bundle import open_bundle

BATCH = 32
SIDE = 64
NETWORKS = {"laptop": {"width": 16, "blocks": 4, "residual": True}, "paper": {"width": 64, "blocks": 4}}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Refiners for RGB images, untrained: time does not depend on weights."""
    folder = tmp_path_factory.mktemp("runs")
    return {
        name: gantool.save(gantool.build("generator", "simgan:refiner", channels=3, **options), folder / name)
        for name, options in NETWORKS.items()
    }


def module_of(run: Path, device: str) -> torch.nn.Module:
    module: torch.nn.Module = open_bundle(run).module.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return module


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("p", [1.0, 0.1])
def test_kornia(record: Any, runs: dict[str, Path], network: str, p: float, device: str) -> None:
    """A batch of 32; with p = 0.1 exactly 3 rows are refined, replayed, so that the ratio is not one of luck."""
    kornia = pytest.importorskip("kornia.augmentation")
    from gantool.augment.kornia import RandomRefine

    images = torch.rand(BATCH, 3, SIDE, SIDE, device=device)
    transform = RandomRefine(runs[network], p=p)
    chosen = torch.arange(BATCH) < round(p * BATCH)
    params = {"strength": torch.ones(BATCH), "batch_prob": chosen.float()}
    module = module_of(runs[network], device)
    rows = images[: int(chosen.sum())].contiguous(memory_format=torch.channels_last)
    blur, noise = kornia.RandomGaussianBlur((5, 5), (1, 1), p=p), kornia.RandomGaussianNoise(p=p)
    with torch.inference_mode():
        transform(images)  # draws the parameters that are replaced now
        functions = {
            "RandomRefine": lambda: transform(images, params={**transform._params, **params}),
            "bare network on the chosen rows": lambda: module(rows),
            "RandomGaussianBlur": lambda: blur(images),
            "RandomGaussianNoise": lambda: noise(images),
        }
        record.compare(functions, BATCH, floor="bare network on the chosen rows")


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("p", [1.0, 0.1])
def test_albumentations(record: Any, runs: dict[str, Path], network: str, p: float) -> None:
    """32 images, one after the other, as a data loader does; p as above, by a transform that is called for 3 of them only."""
    pytest.importorskip("albumentations")
    from gantool.augment.albumentations import Refine  # isort: skip - it keeps albumentations from asking PyPI
    import albumentations as A

    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (BATCH, SIDE, SIDE, 3), dtype=np.uint8)
    others = list(generator.integers(0, 256, (4, SIDE, SIDE, 3), dtype=np.uint8))
    always, never = Refine(runs[network], p=1), Refine(runs[network], p=0)
    chosen = round(p * BATCH)
    module = module_of(runs[network], "cpu")
    with torch.inference_mode():
        rows = torch.from_numpy(images[:chosen]).permute(0, 3, 1, 2).float() / 127.5 - 1

    def refine() -> None:
        for number, image in enumerate(images):
            (always if number < chosen else never)(image=image)

    def bare() -> None:
        with torch.inference_mode():
            for row in rows:
                module(row[None])

    def classical(transform: Any, **more: Any) -> None:
        for image in images:
            transform(image=image, **more)

    functions = {"Refine": refine, "bare network on the chosen images": bare}
    peers = (A.GaussianBlur(p=p), A.GaussNoise(p=p), A.CLAHE(p=p), A.ImageCompression(p=p))
    functions |= {type(peer).__name__: partial(classical, peer) for peer in peers}
    adaptations = (A.HistogramMatching, A.FDA, A.PixelDistributionAdaptation)
    functions |= {kind.__name__: partial(classical, kind(p=p, metadata_key="others"), others=others) for kind in adaptations}
    record.compare(functions, BATCH, floor="bare network on the chosen images")


def test_making_a_second_transform_of_a_run_reads_nothing(record: Any, runs: dict[str, Path]) -> None:
    from gantool.augment import reference
    from gantool.augment.torch import Refine

    def first() -> None:
        reference._identities.clear()
        Refine(runs["paper"])

    record.compare({"second": partial(Refine, runs["paper"]), "first": first}, 1, floor="first")
