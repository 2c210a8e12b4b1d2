"""What a run saw beside its pictures is read beside those that are refined, cut as they are, and may be missing."""

from __future__ import annotations

import pickle
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from framed import conditioned_run, write_frames
from numpy.typing import NDArray

import gantool
from gantool.conditioning import split
from gantool.data.conditions import Encoder, choose
from gantool.data.domains import Preprocess
from gantool.data.opening import open_images
from gantool.model.tensors import normalise, to_tensor

RADIUS = 1 + 2
"""Pixels that a boundary reaches: it is drawn on both sides, and two convolutions of 3 px follow what it modulates."""


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    return write_frames(tmp_path / "frames", count=3)


def pictures(folder: Path) -> NDArray[np.uint8]:
    return np.stack([cv2.imread(str(file)) for file in sorted((folder / "rgb").glob("*.png"))])  # type: ignore[arg-type]


def test_refine_gives_what_the_loaded_network_gives(frames: Path, tmp_path: Path):
    run = conditioned_run(tmp_path / "run", frames, ("depth", "instances", "classes"))
    report = gantool.refine(run, input=frames, output=tmp_path / "out", backend="torch")
    assert (report.refined, [text for text in report.notices if "trained with" in text]) == (3, [])
    images, network, source = open_images(frames), gantool.load(run), Preprocess(channels=3)
    conditions = choose(("depth", "instances", "classes"), images)
    encode = Encoder(conditions, images.passes, source)  # type: ignore[attr-defined]
    seen = np.stack([encode(lambda name, at=at: images.read_pass(at, name), (40, 48), "") for at in range(3)])  # type: ignore[attr-defined]
    batch = normalise(to_tensor(np.stack([images[at] for at in range(3)])))
    known = split(torch.from_numpy(seen).float().permute(0, 3, 1, 2), network._gantool_recorded.channels.conditions)  # type: ignore[union-attr]
    with torch.no_grad():
        wanted, without = (network(batch, conditions=given).add(1).mul(127.5).permute(0, 2, 3, 1) for given in (known, None))
    found = torch.from_numpy(pictures(tmp_path / "out")[..., ::-1].copy()).float()
    assert (found - wanted).abs().max() < 0.51
    assert (wanted - without).abs().mean() > 5
    for folder in ("depth", "normal", "instance", "classes"):
        for file in (frames / folder).iterdir():
            assert (tmp_path / "out" / folder / file.name).read_bytes() == file.read_bytes()


def test_tiles_cut_passes_as_pictures(frames: Path, tmp_path: Path):
    large = write_frames(tmp_path / "large", count=1, size=(130, 150))
    run = conditioned_run(tmp_path / "run", frames, ("depth", "instances"))
    gantool.refine(run, input=large, output=tmp_path / "whole", backend="torch", tile=0)
    gantool.refine(run, input=large, output=tmp_path / "tiled", backend="torch", tile=48)
    assert np.array_equal(pictures(tmp_path / "whole"), pictures(tmp_path / "tiled"))


def test_pictures_without_passes_are_refined_and_counted(frames: Path, tmp_path: Path):
    run = conditioned_run(tmp_path / "run", frames, ("depth", "instances"))
    (frames / "depth" / "0001.png").unlink()
    (frames / "instance" / "0001.png").unlink()
    some = gantool.refine(run, input=frames, output=tmp_path / "some")
    assert (
        "the run was trained with depth, instances: only 2 of 3 images have any; the others are refined without" in some.notices
    )
    alone = gantool.refine(run, input=frames / "rgb", output=tmp_path / "alone" / "rgb")
    assert alone.notices == ("the run was trained with depth, instances: none of 3 images has any: they are refined without",)
    ours, theirs = pictures(tmp_path / "some"), pictures(tmp_path / "alone")
    assert [np.array_equal(*pair) for pair in zip(ours, theirs, strict=True)] == [False, True, False]


def test_a_pass_is_found_by_its_kind_in_another_layout(frames: Path, tmp_path: Path):
    run = conditioned_run(tmp_path / "run", frames, ("depth", "instances"))
    gantool.refine(run, input=frames, output=tmp_path / "out")
    (frames / "instance").rename(frames / "object_ids")
    (frames / "depth").rename(frames / "zdepth")
    gantool.refine(run, input=frames, output=tmp_path / "again")
    assert np.array_equal(pictures(tmp_path / "out"), pictures(tmp_path / "again"))


def test_other_ids_change_nothing_and_moved_ones_only_what_is_near_their_boundary(frames: Path, tmp_path: Path):
    run = conditioned_run(tmp_path / "run", frames, ("instances",))
    gantool.refine(run, input=frames, output=tmp_path / "out")
    for file in (frames / "instance").iterdir():
        ids = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
        cv2.imwrite(str(file), np.where(ids == 3, 200, 1).astype(np.uint8))  # type: ignore[arg-type]
    gantool.refine(run, input=frames, output=tmp_path / "shuffled")
    assert np.array_equal(pictures(tmp_path / "out"), pictures(tmp_path / "shuffled"))
    for file in (frames / "instance").iterdir():
        ids = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
        ids[5:15, 35:45] = 77  # type: ignore[index]
        cv2.imwrite(str(file), ids)  # type: ignore[arg-type]
    gantool.refine(run, input=frames, output=tmp_path / "moved")
    changed = (pictures(tmp_path / "out") != pictures(tmp_path / "moved")).any(axis=(0, 3))
    near = np.zeros((40, 48), bool)
    near[5 - RADIUS : 15 + RADIUS, 35 - RADIUS : 45 + RADIUS] = True
    assert changed[5:15, 35:45].mean() > 0.5
    assert not changed[~near].any()


def test_run_that_resizes_sees_passes_at_its_own_size(frames: Path, tmp_path: Path):
    run = conditioned_run(
        tmp_path / "run", frames, ("classes",), preprocess=Preprocess(size=(20, 24), channels=3), trained_size=(20, 24)
    )
    report = gantool.refine(run, input=frames, output=tmp_path / "out")
    assert (report.refined, report.failed) == (3, ())


def test_work_can_be_sent_to_another_process(frames: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from gantool.refining.workers.base import InProcess

    def through_pickle(self: InProcess, job: object, pieces: list, sample: object) -> list:
        return [pickle.loads(pickle.dumps(piece)).work(job) for piece in pieces]

    run = conditioned_run(tmp_path / "run", frames, ("depth",))
    gantool.refine(run, input=frames, output=tmp_path / "out")
    monkeypatch.setattr(InProcess, "run", through_pickle)
    gantool.refine(run, input=frames, output=tmp_path / "sent")
    assert np.array_equal(pictures(tmp_path / "out"), pictures(tmp_path / "sent"))


@pytest.mark.parametrize("name", ["set.npz", "set.h5"])
def test_arrays_beside_images_are_passes(name: str, frames: Path, tmp_path: Path):
    h5py = pytest.importorskip("h5py")
    files = {"images": "rgb", "depth": "depth", "instance_ids": "instance"}
    arrays = {key: np.stack([cv2.imread(str(f), -1) for f in sorted((frames / d).iterdir())]) for key, d in files.items()}  # type: ignore[arg-type]
    arrays["images"] = arrays["images"][..., ::-1]
    if name.endswith("npz"):
        np.savez(tmp_path / name, **arrays)
    else:
        with h5py.File(tmp_path / name, "w") as file:
            for key, values in arrays.items():
                file[key] = values
    same = choose(("depth", "instances"), open_images(frames))
    assert choose(("depth", "instances"), open_images(tmp_path / name)) == same
    run = conditioned_run(tmp_path / "run", frames, ("depth", "instances"))
    gantool.refine(run, input=frames, output=tmp_path / "out", backend="torch")
    report = gantool.refine(run, input=tmp_path / name, output=tmp_path / f"refined-{name}", backend="torch")
    assert not [text for text in report.notices if "trained with" in text]
    found = open_images(tmp_path / f"refined-{name}")
    assert np.array_equal(np.stack([found[at] for at in range(3)]), pictures(tmp_path / "out")[..., ::-1])


def test_members_of_a_shard_are_passes(frames: Path, tmp_path: Path):
    with tarfile.open(tmp_path / "part-0.tar", "w") as tar:
        for number in range(3):
            for folder, suffix in (("rgb", "rgb.png"), ("depth", "depth.png"), ("instance", "instances.png")):
                tar.add(frames / folder / f"{number:04}.png", f"{number:04}.{suffix}")
    shards = open_images(tmp_path / "part-0.tar")
    same = choose(("depth", "instances"), open_images(frames))
    assert choose(("depth", "instances"), shards) == same
    run = conditioned_run(tmp_path / "run", frames, ("depth", "instances"))
    gantool.refine(run, input=frames, output=tmp_path / "out", backend="torch")
    report = gantool.refine(run, input=tmp_path / "part-0.tar", output=tmp_path / "refined", backend="torch")
    assert not [text for text in report.notices if "trained with" in text]
    found = open_images(tmp_path / "refined" / "part-0.tar")
    assert np.array_equal(np.stack([found[at] for at in range(3)]), pictures(tmp_path / "out")[..., ::-1])
    assert found.read_pass(1, "depth")[0].tobytes() == shards.read_pass(1, "depth")[0].tobytes()  # type: ignore[attr-defined]
