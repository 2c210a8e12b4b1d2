"""Videos and data sets that worker processes refine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import gantool
from gantool.data.convert import convert
from gantool.refining.refine import refine


def tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


@pytest.mark.slow
@pytest.mark.usefixtures("forked_workers")
@pytest.mark.parametrize("kind", ["videos", "hub"])
def test_two_workers_write_what_one_process_writes(kind: str, clip, moving: Callable[..., list[np.ndarray]], tmp_path: Path):
    source = tmp_path / "in"
    if kind == "videos":
        pytest.importorskip("av")
        clip(source / "a.mkv", moving(8), codec="ffv1", sound="aac")  # x264 itself gives other bytes from time to time
        clip(source / "sub dir/ü.mkv", moving(6), codec="ffv1")
        (source / "cut.mp4").write_bytes(b"")
    else:
        datasets = pytest.importorskip("datasets")
        np.savez(tmp_path / "plain.npz", images=np.stack(moving(10)), label=np.arange(10))
        convert(str(tmp_path / "plain.npz"), tmp_path / "one", format="hub")
        datasets.disable_progress_bars()
        datasets.load_from_disk(str(tmp_path / "one")).save_to_disk(str(source), num_shards=3)
    network = gantool.build("generator", "simgan:refiner", channels=3, width=4, blocks=1)
    run = gantool.save(network, tmp_path / "run")
    alone = refine(run, input=source, output=tmp_path / "alone", backend="torch")
    report = refine(run, input=source, output=tmp_path / "both", backend="torch", workers=2)
    assert report.refined == alone.refined == {"videos": 14, "hub": 10}[kind]
    assert report.failed == alone.failed
    assert len(report.failed) == (kind == "videos")
    assert tree(tmp_path / "both") == tree(tmp_path / "alone")
