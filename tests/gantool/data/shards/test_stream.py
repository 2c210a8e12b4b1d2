"""Shards as the data of a run: a feed that is moved goes on where the other one would have been."""

from __future__ import annotations

import gc
import io
import tracemalloc
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from gantool.data.domains import FilesOptions, Preprocess
from gantool.data.files import files
from gantool.data.opening import open_stream
from gantool.data.prepare import prepare
from gantool.training.feeds import IterableFeed, Share, open_feed


def test_a_feed_resumes_exactly(shards: Path, tmp_path: Path):
    np.savez(tmp_path / "real.npz", images=np.zeros((6, 8, 12), np.uint8))
    config = FilesOptions(synthetic=str(shards), real=str(tmp_path / "real.npz"), stream=True, window=2)
    share = Share(seed=5, batch_size=3, rank=0, world_size=1, device=torch.device("cpu"))

    def feed() -> IterableFeed:
        source, _, _ = prepare(files(config=config), Preprocess())
        return open_feed(source, share, cache_gib=1, workers=0, what="synthetic")

    whole, resumed = feed(), feed()
    batches = [whole.next().images for _ in range(12)]
    resumed.drawn = 7
    assert all(torch.equal(resumed.next().images, batch) for batch in batches[7:])
    values = torch.cat(batches[:10])[:, 0, 0, 0]
    assert sorted(values.tolist()) == sorted(values[:10].tolist() * 3), "three epochs of ten images"
    assert len(set(values[:10].tolist())) == 10


def test_memory_does_not_grow_with_the_set(tar, tmp_path: Path):
    def noise(seed: int) -> bytes:
        file = io.BytesIO()
        Image.fromarray(np.random.default_rng(seed).integers(0, 256, (64, 64), dtype=np.uint8)).save(file, format="PNG")
        return file.getvalue()

    images = [noise(seed) for seed in range(10)]
    for number in range(30):
        tar(tmp_path / f"s/{number:02}.tar", {f"{number:02}{n:03}.png": images[n % 10] for n in range(60)})

    ours = [tracemalloc.Filter(True, "*/gantool/data/*")]  # the interpreter grows tables of its own now and then

    def held(count: int) -> int:
        """The most that the stream holds while `count` images are drawn; garbage that waits for the collector is not held."""
        stream = open_stream(tmp_path / "s", window=3).stream(seed=0, skip=0)
        next(stream)
        tracemalloc.start()
        most = 0
        for number in range(count):
            next(stream)
            if number % 300 == 299:
                gc.collect()
                lines = tracemalloc.take_snapshot().filter_traces(ours).statistics("filename")
                most = max(most, sum(line.size for line in lines))
        tracemalloc.stop()
        return most

    # What is read ahead has about 0.25 MB; all that is drawn has 7.3 MB.
    assert 50_000 < held(1790) < 1790 * 64 * 64 / 10, "nothing is kept of what was drawn"
