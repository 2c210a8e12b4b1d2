"""What refining inside an augmentation pipeline costs: only for the images that are chosen, and beside classical transforms.

pytest benchmarks/test_transforms.py --benchmark-enable

Times are the processor's of this thread, so that a busy machine does not change them; run with OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import gantool

BATCH = 32
SIZES = {"laptop": {"width": 16, "blocks": 2}, "paper": {"width": 64, "blocks": 4}}


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Refiners for RGB images, untrained: time does not depend on weights."""
    folder = tmp_path_factory.mktemp("runs")
    return {
        name: gantool.save(gantool.build("generator", "simgan:refiner", in_channels=3, out_channels=3, **options), folder / name)
        for name, options in SIZES.items()
    }


def median(call: Callable[[], Any], repeats: int = 5) -> float:
    """Processor seconds of a call."""
    call()
    times = []
    for _ in range(repeats):
        began = time.thread_time()
        call()
        times.append(time.thread_time() - began)
    return sorted(times)[repeats // 2]


@pytest.mark.parametrize("size", SIZES)
def test_a_batch_with_p_01_costs_about_a_tenth(benchmark: Any, runs: dict[str, Path], size: str) -> None:
    pytest.importorskip("kornia")
    from gantool.augment.kornia import RandomRefine

    images = torch.rand(BATCH, 3, 64, 64)
    whole, tenth = RandomRefine(runs[size], p=1.0), RandomRefine(runs[size], p=0.5)
    # Exactly 3 of 32 rows, replayed, so that the ratio is not one of luck.
    tenth(images)
    params = {**tenth._params, "batch_prob": (torch.arange(BATCH) < 3).float()}
    benchmark.extra_info["share_of_rows"] = 3 / BATCH
    benchmark.extra_info["share_of_time"] = median(lambda: tenth(images, params=params)) / median(lambda: whole(images))
    benchmark.pedantic(tenth, args=(images,), kwargs={"params": params}, rounds=5)


@pytest.mark.parametrize("size", SIZES)
def test_one_image_beside_a_classical_transform(benchmark: Any, runs: dict[str, Path], size: str) -> None:
    pytest.importorskip("albumentations")
    from gantool.augment.albumentations import Refine  # isort: skip - it keeps albumentations from asking PyPI
    import albumentations as A

    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    refine = Refine(runs[size], p=1)
    peers = {"blur": A.GaussianBlur(p=1), "noise": A.GaussNoise(p=1), "clahe": A.CLAHE(p=1), "jpeg": A.ImageCompression(p=1)}
    own = median(lambda: refine(image=image), 9)
    for name, peer in peers.items():
        seconds = median(lambda peer=peer: peer(image=image), 99)
        benchmark.extra_info[f"{name}_ms"] = seconds * 1e3
        benchmark.extra_info[f"times_{name}"] = own / seconds
    benchmark.extra_info["refine_ms"] = own * 1e3
    benchmark.pedantic(refine, kwargs={"image": image}, rounds=5)


def test_making_a_second_transform_of_a_run_reads_nothing(benchmark: Any, runs: dict[str, Path]) -> None:
    from gantool.augment.torch import Refine

    benchmark.extra_info["first_ms"] = _first(runs["paper"]) * 1e3
    benchmark(Refine, runs["paper"])


def _first(run: Path) -> float:
    from gantool.augment import sharing
    from gantool.augment.torch import Refine

    sharing._identities.clear()
    began = time.thread_time()
    Refine(run)
    return time.thread_time() - began
