"""Which workers options mean, and which do not go together."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import gantool
from gantool.errors import GantoolError, MissingExtra
from gantool.refining.refine import refine


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    network = gantool.build("generator", "simgan:refiner", channels=1, width=4, blocks=1)
    return gantool.save(network, tmp_path_factory.mktemp("runs") / "saved")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"engine": "rai"}, r"--engine 'rai' is none of: local, ray; did you mean 'ray'\?"),
        ({"workers": 0}, "--workers: input should be greater than or equal to 1, got 0"),
        ({"engine": "ray", "num_actors": 0}, "--num-actors: input should be greater than or equal to 1, got 0"),
        ({"engine": "ray", "workers": 2}, "for ray, pass --num-actors"),
        ({"num_actors": 2}, "are for --engine ray"),
        ({"ray_address": "auto"}, "are for --engine ray"),
        ({"workers": 2, "device": "cuda:99"}, "--device cuda:99"),
    ],
)
def test_options_that_do_not_go_together_are_one_line(run: Path, folder: Path, tmp_path: Path, options, message):
    with pytest.raises(GantoolError, match=message):
        refine(run, input=folder, output=tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_ray_is_an_extra(run: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setitem(sys.modules, "ray.data", None)
    with pytest.raises(MissingExtra, match=r"--engine ray needs ray: pip install 'simgan-plugin\[distributed\]'"):
        refine(run, input=folder, output=tmp_path / "out", engine="ray")


def test_arrays_take_one_process(run: Path, tmp_path: Path):
    np.savez(tmp_path / "a.npz", images=np.zeros((2, 8, 9), np.uint8))
    with pytest.raises(GantoolError, match=r"a\.npz: arrays take one process"):
        refine(run, input=tmp_path / "a.npz", output=tmp_path / "out.npz", workers=2)
