"""Refining a folder from disk to disk, against what it cannot do without: the network, and decoding and encoding.

pytest benchmarks/test_refine.py --benchmark-enable
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from PIL import Image

import gantool
from gantool.data.folder import threads
from gantool.data.load import load_all
from gantool.data.writing import load_picture, write_file
from gantool.run.bundle import open_bundle
from gantool.run.refine import refine
from gantool.run.refining.network import Network
from simgan_plugin.eyes import eyes
from simgan_plugin.eyes_options import EyesOptions

COUNT, BATCH, ROUNDS = 256, 64, 3
NETWORKS = {"laptop": {"width": 16, "blocks": 4, "residual": True}, "paper": {"width": 64, "blocks": 4}}
BACKENDS = {"torch": None, "compile": None, "onnxruntime": "onnxruntime", "openvino": "openvino"}
"""And the package that each needs."""


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """35×55 eyes as PNG files."""
    folder = tmp_path_factory.mktemp("images")
    for number, image in enumerate(load_all(eyes(config=EyesOptions(synthetic_count=COUNT, real_count=1)).source)):
        Image.fromarray(image[..., 0]).save(folder / f"{number:04}.png")
    return folder


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("network", NETWORKS)
def test_refine_disk_to_disk(benchmark, images, tmp_path, network, backend):
    """`end_to_end`, `forward` and `codec` are images/s of medians in one run; `ratio` is end to end over the slower of both.

    Both use all processors when alone, so where they cost alike no program reaches a ratio above 0.5; `ideal` is what is
    left if neither ever waits: 1 / (1 / forward + 1 / codec) over the slower.
    """
    if package := BACKENDS[backend]:
        pytest.importorskip(package)
        pytest.importorskip("onnxscript")
    torch.manual_seed(0)
    module = gantool.build("generator", "simgan:refiner", in_channels=1, out_channels=1, **NETWORKS[network])
    run = gantool.save(module, tmp_path / "run")
    ready = Network(open_bundle(run), "cpu", backend=backend)
    paths = sorted(images.iterdir())
    batches = [[load_picture(path).pixels for path in paths[first : first + BATCH]] for first in range(0, COUNT, BATCH)]

    def forward() -> None:
        for batch in batches:
            ready(batch)

    def recode(path: Path) -> None:
        picture = load_picture(path)
        write_file(tmp_path / "codec" / path.name, picture.encode(picture.pixels))

    def codec() -> None:
        with ThreadPoolExecutor(threads()) as pool:
            list(pool.map(recode, paths))

    def end_to_end() -> None:
        refine_with(ready)

    def refine_with(network: Network) -> None:
        with pytest.MonkeyPatch.context() as patch:
            # The same network as is measured bare: exporting and compiling are start-up, which `startup_seconds` holds.
            patch.setattr("gantool.run.refine.Network", lambda *_, **__: network)
            refine(run, input=images, output=tmp_path / "out", batch_size=BATCH, overwrite=True)

    (tmp_path / "codec").mkdir()
    began = time.perf_counter()
    Network(open_bundle(run), "cpu", backend=backend)(batches[0])
    startup = time.perf_counter() - began
    speed = {name: COUNT / seconds for name, seconds in in_turns(forward, codec, end_to_end).items()}
    slower = min(speed["forward"], speed["codec"])
    ideal = 1 / (1 / speed["forward"] + 1 / speed["codec"])
    benchmark.extra_info |= {name: round(value, 1) for name, value in speed.items()}
    benchmark.extra_info |= {
        "ratio": round(speed["end_to_end"] / slower, 3),
        "ideal": round(ideal / slower, 3),
        "startup_seconds": round(startup, 2),
    }
    benchmark.pedantic(end_to_end, rounds=1)


def in_turns(*functions: Callable[[], None]) -> dict[str, float]:
    """Median seconds of each, measured in turns after one call each: times on a shared machine drift."""
    seconds: dict[str, list[float]] = {function.__name__: [] for function in functions}
    for turn in range(ROUNDS + 1):
        for function in functions:
            began = time.perf_counter()
            function()
            if turn:
                seconds[function.__name__].append(time.perf_counter() - began)
    return {name: statistics.median(values) for name, values in seconds.items()}
