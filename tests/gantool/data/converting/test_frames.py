"""Frames stay whole on their way from a folder into every other format, and back."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest
import simulators as made

from gantool.data.convert import convert
from gantool.data.domains import Reading
from gantool.data.formats.folder import FolderImages
from gantool.data.frames import Frames
from gantool.data.layouts.choosing import read_frames
from gantool.data.opening import open_images
from gantool.data.passes import values
from gantool.data.stored import read_pass
from gantool.errors import GantoolError

FORMATS = {"shards": "set", "parquet": "set.parquet", "hub": "set", "npz": "set.npz", "h5": "set.h5", "folder": "set"}


def passes(root: Path, found: Frames) -> dict[tuple[int, str], np.ndarray]:
    return {
        (number, name): values(read_pass(root, place, found.passes[name]), found.passes[name], place)
        for number, frame in enumerate(found.frames)
        for name, place in frame.passes.items()
    }


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("write", [made.bop, made.mixed, made.blenderproc, made.kubric, made.replicator])
def test_frames_come_back_from_every_format(format_: str, write, tmp_path: Path):
    write(tmp_path / "in")
    first = open_images(tmp_path / "in")
    convert(str(tmp_path / "in"), tmp_path / FORMATS[format_], format=format_)
    convert(str(tmp_path / FORMATS[format_]), tmp_path / "back", format="folder")
    again = open_images(tmp_path / "back")
    assert isinstance(again, FolderImages)
    assert len(again) == len(first)
    assert all(np.array_equal(first[index], again[index]) for index in range(len(first)))
    old, new = (read_frames(root).settled(root) for root in (tmp_path / "in", tmp_path / "back"))
    assert {frame_name for frame_name, _ in passes(tmp_path / "in", old)} <= {n for n, _ in passes(tmp_path / "back", new)}
    if format_ in ("shards", "folder"):
        wanted, found = passes(tmp_path / "in", old), passes(tmp_path / "back", new)
        for key in wanted:
            assert wanted[key].shape == found[key].shape
            assert np.allclose(wanted[key], found[key], equal_nan=True), key
    else:
        for name in old.passes:
            assert name in {one for _, one in passes(tmp_path / "back", new)} or name.startswith(("normals", "forward_flow")), (
                name
            )


def test_a_shard_of_bop_is_a_set_of_its_pictures(tmp_path: Path):
    made.bop(tmp_path / "in")
    convert(str(tmp_path / "in"), tmp_path / "shards", format="shards")
    with tarfile.open(tmp_path / "shards/part-00000.tar") as tar:
        names = [name for name in tar.getnames() if name.startswith("train_pbr/000003/rgb/000000.")]
    ends = {name.partition(".")[2] for name in names}
    assert ends == {"jpg", "depth.png", *(f"{kind}_{n}.png" for kind in ("masks", "masks_visible") for n in (0, 1))}
    assert (tmp_path / "shards/train_pbr/000003/scene_gt.json").is_file()
    assert len(open_images(tmp_path / "shards")) == 3


def test_the_webdataset_of_bop_is_read(tmp_path: Path):
    for n in range(3):
        made.save(tmp_path / "files", f"{n:08}.rgb.jpg", made.photo(n))
        made.save(tmp_path / "files", f"{n:08}.depth.png", made.depth16())
        made.save(tmp_path / "files", f"{n:08}.mask.json", {"0": {"counts": [1], "size": [1, 1]}})
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for path in sorted((tmp_path / "files").iterdir()):
            tar.add(path, path.name)
    images = open_images(tmp_path / "a.tar")
    assert len(images) == 3
    assert images[0].shape == (made.H, made.W, 3)
    convert(str(tmp_path / "a.tar"), tmp_path / "back", format="folder")
    assert {path.name for path in (tmp_path / "back").iterdir()} == {path.name for path in (tmp_path / "files").iterdir()}
    found = read_frames(tmp_path / "back").settled(tmp_path)
    assert set(found.passes) == {"depth"}


@pytest.mark.parametrize("target", ["a.h5", "a.npz"])
def test_passes_that_no_array_holds_stop_before_anything_is_written(target: str, tmp_path: Path):
    made.mixed(tmp_path / "in")
    (tmp_path / "in/depth_0001.png").unlink()
    with pytest.raises(GantoolError, match=r"passes called 'depth' differ \(24x32 uint16 and none\).*convert to shards"):
        convert(str(tmp_path / "in"), tmp_path / target)
    made.save(tmp_path / "in", "depth_0001.png", made.depth16()[:12, :16])
    made.save(tmp_path / "in", "rgb_0001.png", made.photo(1)[:12, :16])
    with pytest.raises(GantoolError, match=r"passes called '\w+' differ \(12x16x?3? uint"):
        convert(str(tmp_path / "in"), tmp_path / target)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]
    convert(str(tmp_path / "in"), tmp_path / "shards", format="shards")
    convert(str(tmp_path / "shards"), tmp_path / "back", format="folder")
    assert (tmp_path / "back/rgb_0001.depth.png").read_bytes() == (tmp_path / "in/depth_0001.png").read_bytes()


@pytest.mark.parametrize("format_", ["shards", "folder"])
def test_images_that_were_copied_stay_none_of_the_pictures(format_: str, tmp_path: Path):
    for n in range(3):
        made.save(tmp_path, f"in/{n}.jpg", made.photo(n))
        made.save(tmp_path, f"in/{n}.png", made.ids())
    convert(str(tmp_path / "in"), tmp_path / "out", format=format_, reading=Reading(copy=("*.png",)))
    assert len(open_images(tmp_path / "out")) == 3
    convert(str(tmp_path / "out"), tmp_path / "back", format="folder")
    found = read_frames(tmp_path / "back").settled(tmp_path)
    assert [frame.picture.file for frame in found.frames] == ["0.jpg", "1.jpg", "2.jpg"]
    assert (tmp_path / "back/1.png").read_bytes() == (tmp_path / "in/1.png").read_bytes()
