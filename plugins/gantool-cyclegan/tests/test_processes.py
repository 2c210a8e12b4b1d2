"""CycleGAN in two processes trains what it trains in one: four networks, two of which are passed through several times."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import torch

import gantool
from gantool.runs.checkpoints import Checkpoints

OPTIONS = {
    **{f"{name}.width": 4 for name in ("to_target", "to_source", "target_discriminator", "source_discriminator")},
    **{f"{name}.blocks": 1 for name in ("to_target", "to_source")},
    **{f"{name}.depth": 1 for name in ("target_discriminator", "source_discriminator")},
    **{f"{name}.size": 6 for name in ("target_buffer", "source_buffer")},
    "dataset.synthetic_count": 12,
    "dataset.real_count": 12,
    "dataset.size": [12, 16],
    "metric.samples": 64,
}


# What torchrun does, but both processes have one import of torch.
LAUNCH = """
import os, socket, sys
import torch._dynamo, gantool.training.loop
from gantool.cli.main import run

with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(probe.getsockname()[1])}
os.environ |= {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
other = os.fork()
os.environ |= dict.fromkeys(("RANK", "LOCAL_RANK"), "0" if other else "1")
code = run(sys.argv[1:])
sys.exit(code or (other and os.waitpid(other, 0)[1]))
"""


def test_two_processes_train_what_one_trains(tmp_path: Path):
    one = gantool.train("cyclegan", output=tmp_path / "one", steps=4, batch_size=4, device="cpu", options=OPTIONS)
    words = [word for name, value in OPTIONS.items() for word in ("-o", f"{name}={value}")]
    words = ["train", "--config", str(one / "run.json"), "--output", str(tmp_path / "two"), "--quiet", *words]
    subprocess.run([sys.executable, "-c", LAUNCH, *words], check=True, env={**os.environ, "OMP_NUM_THREADS": "1"}, timeout=200)
    assert json.loads((tmp_path / "two/run.json").read_text())["processes"] == 2
    expected, found = (Checkpoints(tmp_path / run, keep=1).load(4)["recipe"] for run in ("one", "two"))
    for name in ("to_target", "to_source", "target_discriminator", "source_discriminator"):
        assert list(expected[name]) == list(found[name])
        assert all(torch.allclose(found[name][key], value, rtol=0, atol=1e-6) for key, value in expected[name].items())
    for name in ("target_buffer", "source_buffer"):
        assert len(expected[name]["images"]) == 6
        assert torch.allclose(torch.stack(expected[name]["images"]), torch.stack(found[name]["images"]), rtol=0, atol=1e-5)
        assert torch.equal(expected[name]["generator"], found[name]["generator"])
