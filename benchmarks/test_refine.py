"""Refining a folder from disk to disk, against what it cannot do without: the network, and decoding and encoding.

pytest benchmarks/test_refine.py --benchmark-enable
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

import gantool
from gantool.data.load import load_all
from gantool.data.parallel import threads
from gantool.model.bundle import open_bundle
from gantool.model.tensors import normalise, to_tensor
from gantool.refining.network import Network
from simgan_plugin.eyes import eyes
from simgan_plugin.options import EyesOptions

pytestmark = pytest.mark.usefixtures("memory")

BATCH = 64
NETWORKS = {"laptop": {"width": 16, "blocks": 4, "residual": True}, "paper": {"width": 64, "blocks": 4}}
IMAGES = {"laptop": 1024, "paper": 192}
BACKENDS = {"torch": None, "compile": None, "onnxruntime": "onnxruntime", "openvino": "openvino"}
"""And the package that each needs."""
ON_CPU = ("onnxruntime", "openvino")


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """35×55 eyes as PNG files."""
    folder = tmp_path_factory.mktemp("images")
    source = eyes(config=EyesOptions(synthetic_count=max(IMAGES.values()), real_count=1)).source
    for number, image in enumerate(load_all(source)):
        cv2.imwrite(str(folder / f"{number:04}.png"), image)
    return folder


@pytest.fixture
def open_run(tmp_path: Path) -> Callable[[str], Path]:
    def make(network: str) -> Path:
        torch.manual_seed(0)
        module = gantool.build("generator", "simgan:refiner", channels=1, **NETWORKS[network])
        return gantool.save(module, tmp_path / "run")

    return make


def read_batches(paths: list[Path]) -> list[list[np.ndarray]]:
    pixels = [cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[..., None] for path in paths]
    return [pixels[first : first + BATCH] for first in range(0, len(pixels), BATCH)]


def recode(paths: list[Path], folder: Path, workers: int) -> None:
    """Read, decode, encode and write, with nothing around it."""

    def one(path: Path) -> None:
        pixels = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
        cv2.imencode(".png", pixels)[1].tofile(folder / path.name)

    folder.mkdir()
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(one, paths))


def skip_without(backend: str, device: str) -> None:
    if package := BACKENDS[backend]:
        pytest.importorskip(package)
        pytest.importorskip("onnxscript")
    if backend in ON_CPU and device != "cpu":
        pytest.skip(f"{backend} computes on the CPU")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("network", NETWORKS)
def test_from_arrays(record: Any, images: Path, open_run: Callable[[str], Path], network: str, backend: str, device: str) -> None:
    """Decoded images to refined ones, against the module alone, called with a batch at hand, in both memory layouts."""
    skip_without(backend, device)
    bundle = open_bundle(open_run(network))
    ready = Network(bundle, device, backend=backend)
    batches = read_batches(sorted(images.iterdir())[: record.count(IMAGES[network] // 2)])
    with torch.inference_mode():
        inputs = [normalise(to_tensor(np.stack(batch)).to(device)) for batch in batches]

    def run(module: Callable[[torch.Tensor], torch.Tensor], batches: list[torch.Tensor]) -> None:
        with torch.inference_mode():
            for batch in batches:
                module(batch)

    functions: dict[str, Callable[[], object]] = {
        "arrays": lambda: [ready(batch) for batch in batches],
        "channels-last module": lambda: run(bundle.module, inputs),
    }
    if backend == "torch":
        contiguous = open_bundle(open_run(network)).module.to(device)
        functions["contiguous module"] = lambda: run(contiguous, [batch.contiguous() for batch in inputs])
    record.compare(functions, sum(map(len, batches)), floor="channels-last module", rounds=3)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("network", NETWORKS)
def test_disk_to_disk(
    record: Any, images: Path, open_run: Callable[[str], Path], tmp_path: Path, network: str, backend: str, device: str
) -> None:
    """PNG files to PNG files, against the same backend alone and against decoding and encoding alone, each on all processors.

    On a CPU both need the same processors. If neither ever waits, images/s are at most 1 / (1 / forward + 1 / codec), "both in
    turn"; so 0.9 of the slower one can be reached only where the other costs less than a ninth of it, or has
    a processor of its own, as with a GPU.
    """
    skip_without(backend, device)
    run = open_run(network)
    ready = Network(open_bundle(run), device, backend=backend)
    paths = sorted(images.iterdir())[: record.count(IMAGES[network])]
    batches = read_batches(paths)
    source = tmp_path / "images"
    source.mkdir()
    for path in paths:
        (source / path.name).hardlink_to(path)
    number = count()

    def end_to_end() -> None:
        with pytest.MonkeyPatch.context() as patch:
            # The same network as is measured bare: exporting and compiling are start-up.
            patch.setattr("gantool.refining.job.Network", lambda *_, **__: ready)
            gantool.refine(run, input=source, output=tmp_path / f"out{next(number)}", batch_size=BATCH)

    functions: dict[str, Callable[[], object]] = {
        "disk to disk": end_to_end,
        "forward": lambda: [ready(batch) for batch in batches],
        "codec": lambda: recode(paths, tmp_path / f"codec{next(number)}", threads()),
    }
    rates = record.in_turns(functions, rounds=3)
    rates = {name: len(paths) / seconds for name, seconds in rates.items()}
    slower = min("forward", "codec", key=rates.__getitem__)
    saturated = 1 / (1 / rates["forward"] + 1 / rates["codec"])
    achieved = rates["disk to disk"]
    record.info |= {"images_per_second": achieved, "floor": slower, "ratio": achieved / rates[slower]}
    record.info["rates"] |= {"forward": rates["forward"], "codec": rates["codec"], "both in turn": saturated}
    if device == "cpu":
        record.info["notes"] |= {"highest possible ratio": saturated / rates[slower], "of both in turn": achieved / saturated}
    if backend == "torch":
        record.target("refine disk to disk, images/s / slower floor", achieved / rates[slower], 0.9, sense=">=")
    record.once(end_to_end)
