"""What an image costs as data sets, images and networks grow.

pytest benchmarks/test_scale.py --benchmark-enable
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import gantool
from gantool.data.chunks import ChunkStream
from gantool.data.formats.folder import FolderImages
from gantool.refining.network import Network
from gantool.training.feeds import Order, Share, StreamFeed

SIZES = [10**3, 10**4, 10**5, 10**6]
BATCH = 64
SHARE = Share(seed=0, batch_size=BATCH, rank=0, world_size=1, device=torch.device("cpu"))
IMAGE = np.zeros((35, 55, 1), np.uint8)


class Repeated:
    """A domain of as many images as one likes, all the same, in no memory."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> np.ndarray:
        return IMAGE


def beside_the_smallest(record: Any, functions: dict[str, Any], images: int, rounds: int = 5) -> None:
    """Compare with the same thing at the smallest size: a ratio near 1 is a cost per image that does not grow."""
    record.compare(functions, images, floor=list(functions)[-1], rounds=rounds)


@pytest.mark.parametrize("count", SIZES[1:])
def test_order(record: Any, count: int) -> None:
    """Image numbers of 512 batches, an epoch's permutation included."""

    def draw(count: int) -> None:
        order = Order(count, SHARE)
        for number in range(512):
            order.batch(number)

    beside_the_smallest(record, {f"{count:,}": partial(draw, count), f"{SIZES[0]:,}": partial(draw, SIZES[0])}, 512 * BATCH)


@pytest.mark.parametrize("count", SIZES[1:])
def test_feed(record: Any, count: int) -> None:
    """64 batches of a feed that holds nothing, without the cost of reading an image, in this process."""
    feeds = {size: StreamFeed(Repeated(size), SHARE, workers=0) for size in (count, SIZES[0])}

    def draw(count: int) -> None:
        for _ in range(64):
            feeds[count].next()

    beside_the_smallest(record, {f"{count:,}": partial(draw, count), f"{SIZES[0]:,}": partial(draw, SIZES[0])}, 64 * BATCH)


@pytest.mark.parametrize("count", SIZES[1:])
def test_resuming_a_stream(record: Any, count: int) -> None:
    """The first 64 images of a stream of chunks of 1,000, at the end of the third epoch; the floor: at its beginning."""

    def draw(skip: int) -> None:
        chunks = [partial(Repeated, 1000)] * (count // 1000)
        for _ in islice(ChunkStream("repeated", chunks, window=4).stream(seed=0, skip=skip), 64):
            pass

    functions = {f"resumed in {count:,}": partial(draw, 3 * count - 100), "from the beginning": partial(draw, 0)}
    beside_the_smallest(record, functions, 64)


@pytest.mark.parametrize("count", [10**4, 10**5])
def test_listing_a_folder(record: Any, tmp_path: Path, count: int) -> None:
    """Opening a folder of real files, 1,000 in each subfolder."""
    count = record.count(count)
    for folder, files in (("large", count), ("small", 1000)):
        for number in range(files):
            place = tmp_path / folder / f"{number // 1000:03}"
            if number % 1000 == 0:
                place.mkdir(parents=True)
                original = place / "000.png"
                original.write_bytes(b"png")
            else:
                (place / f"{number % 1000:03}.png").hardlink_to(original)
    functions = {
        f"{count:,} files": partial(FolderImages, tmp_path / "large"),
        "1,000 files": partial(FolderImages, tmp_path / "small"),
    }
    counts = dict(zip(functions, (count, 1000), strict=True))
    record.compare(functions, counts, floor="1,000 files", rounds=3)


def network_of(folder: Path, device: str, **options: int) -> Network:
    from gantool.model.bundle import open_bundle

    module = gantool.build("generator", "simgan:refiner", channels=1, **options)
    return Network(open_bundle(gantool.save(module, folder)), device, backend="torch")


@pytest.mark.parametrize("side", [64, 128, 256, 512])
def test_image_size(record: Any, tmp_path: Path, side: int, device: str) -> None:
    """The laptop refiner on equally many pixels as images of 32×32: ratio near 1 is a cost per pixel that does not grow."""
    network = network_of(tmp_path, device, width=16, blocks=4)
    large = [np.zeros((side, side, 1), np.uint8)] * max(1, 2**18 // side**2)
    small = [np.zeros((32, 32, 1), np.uint8)] * (len(large) * (side // 32) ** 2)
    functions = {f"{side}x{side}": lambda: network(large), "32x32": lambda: network(small)}
    seconds = record.in_turns(functions)
    record.info |= {"images_per_second": len(large) / seconds[f"{side}x{side}"], "floor": "as many pixels in 32x32"}
    record.info["ratio"] = seconds["32x32"] / seconds[f"{side}x{side}"]
    record.once(lambda: network(large))


@pytest.mark.parametrize("width", [8, 16, 32, 64])
def test_width(record: Any, tmp_path: Path, width: int, device: str) -> None:
    """The refiner with 4 blocks on 35×55; arithmetic grows with the square of the width, memory traffic with the width."""
    network = network_of(tmp_path, device, width=width, blocks=4)
    images = [IMAGE] * record.count(64)
    seconds = record.in_turns({"refine": lambda: network(images)})["refine"]
    # 8 convolutions of 3×3 between `width` maps, two multiplications and additions each; first and last layer are small.
    gigaflop = 8 * 9 * width**2 * 2 * 35 * 55 * len(images) / 1e9
    record.info["images_per_second"] = len(images) / seconds
    record.info["notes"]["GFLOP/s"] = gigaflop / seconds
    record.once(lambda: network(images))


@pytest.mark.parametrize(("preset", "batch"), [("laptop", 32), ("paper", 32)])
def test_training_memory(record: Any, preset: str, batch: int) -> None:
    """See training_memory.py. Median of processes: where malloc finds a gap hangs on where the system put the heap."""
    program = Path(__file__).with_name("training_memory.py")
    words = [sys.executable, str(program), preset, str(batch)]
    found = [
        json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
        for _ in range(1 if record.count(64) < 64 else 7)
    ]
    holds = found[0]["holds"]
    peaks = sorted(each["peak"] for each in found)
    record.info["notes"] |= {f"{name}, MiB": value / 2**20 for name, value in holds.items()}
    record.info["notes"]["lowest and highest peak, MiB"] = f"{peaks[0] / 2**20:.0f}, {peaks[-1] / 2**20:.0f}"
    peak = statistics.median(peaks)
    record.info["peak_mib"] = peak / 2**20
    record.target("peak memory of training / what it holds", peak / sum(holds.values()), 1.3, sense="<=")
    record.time_nothing()
