"""What each Ray actor gets, and what Ray prints."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from programs import Program

from gantool.errors import GantoolError
from gantool.refining.job import Request
from gantool.refining.refine import refine
from gantool.refining.workers.ray_data import _Share

REQUEST = Request(
    run="run",
    input="in",
    output=Path("out"),
    batch_size=4,
)


@pytest.mark.parametrize(
    ("resources", "actors", "share"),
    [
        ({"CPU": 2.0}, None, _Share(2, 0.9, None, 1)),
        ({"CPU": 2.0}, 1, _Share(1, 0.9, None, 2)),
        ({"CPU": 2.0}, 5, _Share(5, 0.3, None, 1)),
        ({"CPU": 96.0, "GPU": 8.0}, None, _Share(8, None, 1.0, 12)),
        ({"CPU": 96.0, "GPU": 8.0}, 12, _Share(12, None, 0.5, 8)),
        ({"GPU": 1.0}, None, _Share(1, None, 1.0, 1)),
    ],
)
def test_actors_share_what_the_cluster_has(resources: dict[str, float], actors: int | None, share: _Share):
    given = _Share.of(replace(REQUEST, num_actors=actors), resources)
    assert given == share
    # They all fit at once, with room for what Ray itself runs: otherwise some, or all, would wait for ever.
    assert given.actors * (given.cpus or 0) < resources.get("CPU", 1)
    assert given.actors * (given.gpus or 0) <= resources.get("GPU", 0)


def test_gpus_are_left_alone_where_they_cannot_be_used():
    resources = {"CPU": 4.0, "GPU": 1.0}
    for request in (replace(REQUEST, device="cpu"), replace(REQUEST, backend="openvino")):
        assert _Share.of(request, resources) == _Share(4, 0.9, None, 1)
    with pytest.raises(GantoolError, match="the Ray cluster has no GPU"):
        _Share.of(replace(REQUEST, device="cuda"), {"CPU": 4.0})


def test_a_gpu_by_number_is_one_line(fragile: Any, shards: Path, tmp_path: Path):
    pytest.importorskip("ray", reason="needs ray")
    with pytest.raises(GantoolError, match="--device cuda:1: Ray says which GPU"):
        refine(fragile.run, input=shards, output=tmp_path / "out", engine="ray", device="cuda:1")


def test_ray_started_here_says_nothing_of_its_own(plugin: Path, fragile: Any, shards: Path, tmp_path: Path):
    pytest.importorskip("ray", reason="needs ray")
    fragile.told("die once")
    words = ["refine", str(fragile.run), "--input", f"{shards}/s-0.tar", "--engine", "ray"]
    words += ["--output", str(tmp_path / "out"), "--num-actors", "1", "--device", "cpu", "--backend", "torch"]
    program = Program(*words, output=tmp_path / "said", path=[str(plugin)])
    assert program.end(280) == 0, program.errors
    assert program.printed == f"6 images refined, 6 label files or arrays copied: {tmp_path / 'out/s-0.tar'}\n"
    assert not [line for line in program.errors.splitlines() if not line.startswith("refined ")]
