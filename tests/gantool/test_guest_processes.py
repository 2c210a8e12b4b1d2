"""The Python API in programs that are processes of something else: of a launcher, of a pool, or a notebook's kernel."""

from __future__ import annotations

import json
import multiprocessing
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

import gantool

TRAIN = {
    "steps": 1,
    "batch_size": 4,
    "device": "cpu",
    "size": (12, 16),
    "log": ("none",),
    "options": {
        "generator.width": 4,
        "generator.blocks": 1,
        "discriminator.width_factor": 0.05,
        "recipe.refiner_warmup": 1,
        "recipe.discriminator_warmup": 1,
        "metric.samples": 16,
    },
}
EYES = {"dataset.synthetic_count": 12, "dataset.real_count": 12}


def options(**more: Any) -> dict[str, Any]:
    return TRAIN | {"options": TRAIN["options"] | more}  # type: ignore[operator]


def launched(script: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a script as the first of two processes of a launcher; the second one never comes."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    said = {
        "RANK": "0",
        "LOCAL_RANK": "0",
        "WORLD_SIZE": "2",
        "LOCAL_WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": port,
    }
    return subprocess.run(
        [sys.executable, "-c", script, *words], env=os.environ | said, capture_output=True, text=True, timeout=120, check=False
    )


def test_where_the_other_process_of_a_launcher_never_calls_there_is_a_line(tmp_path):
    script = (
        "import sys, json, gantool\n"
        "from gantool.compute import processes\n"
        "processes._PATIENCE = 0.2\n"
        "try:\n"
        "    gantool.train('simgan', output=sys.argv[1], timeout=3, **json.loads(sys.argv[2]))\n"
        "except gantool.GantoolError as error:\n"
        "    print(error)\n"
    )
    done = launched(script, str(tmp_path / "run"), json.dumps(options(**EYES)))
    way_out = "all processes of a launcher have to call gantool.train, or one with alone=True"
    assert done.stdout == f"process 0 of 2: others did not come within 3 s (--timeout): {way_out}\n", done.stderr
    assert f"process 0 of 2 waits for the others, 3 s at most (--timeout): {way_out}\n" in done.stderr
    assert not (tmp_path / "run").exists()


def test_one_process_of_a_launcher_trains_alone(tmp_path):
    script = (
        "import os, sys, json, gantool\n"
        "gantool.train('simgan', output=sys.argv[1], alone=True, **json.loads(sys.argv[2]))\n"
        "print(os.environ['RANK'], os.environ['WORLD_SIZE'])\n"
    )
    done = launched(script, str(tmp_path / "run"), json.dumps(options(**EYES)))
    assert done.stdout == "0 2\n", done.stderr
    assert json.loads((tmp_path / "run" / "run.json").read_text())["processes"] == 1
    here = gantool.train("simgan", output=tmp_path / "here", **options(**EYES))
    assert (here / "refiner.safetensors").read_bytes() == (tmp_path / "run" / "refiner.safetensors").read_bytes()


def in_a_pool(folder: Path) -> list[str]:
    run = gantool.train(
        "simgan", synthetic=folder / "a", real=folder / "b", output=folder / "run", workers=2, cache_gib=1e-6, **TRAIN
    )
    gantool.refine(run, input=folder / "a", output=folder / "refined", workers=2, device="cpu", backend="torch")
    return sorted(path.name for path in (folder / "refined").glob("*.png"))


def test_a_worker_of_a_pool_trains_and_refines_without_processes_of_its_own(tmp_path):
    random = np.random.default_rng(0)
    for side in "ab":
        (tmp_path / side).mkdir()
        for number in range(6):
            Image.fromarray(random.integers(0, 255, (12, 16), np.uint8)).save(tmp_path / side / f"{number}.png")
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(in_a_pool, (tmp_path,)) == [f"{number}.png" for number in range(6)]


def test_a_device_may_be_torchs_own_object(tmp_path):
    run = gantool.train("simgan", output=tmp_path / "run", **options(**EYES) | {"device": torch.device("cpu")})
    assert json.loads((run / "run.json").read_text())["device"] == "cpu"
