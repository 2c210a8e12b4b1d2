"""Places, members and random access."""

from __future__ import annotations

import io
import pickle
import tarfile
from pathlib import Path

import pytest

from gantool.data.formats.shards import expand
from gantool.data.images import ImageReadError, Images
from gantool.data.inspection.survey import survey
from gantool.data.locations import Location
from gantool.data.opening import kind_of, open_images
from gantool.data.tar import check_shards, is_image, split_name
from gantool.errors import GantoolError


def test_all_ways_to_name_shards(shards: Path):
    every = [str(shards / f"part-{number:02}.tar") for number in range(5)]
    assert expand(Location(shards)) == every
    assert expand(Location(shards / "part-{00..04}.tar")) == every
    assert expand(Location(shards / "part-0{1,3}.tar")) == [every[1], every[3]]
    assert expand(Location(shards / "{part}-0{0..1}.tar")) == every[:2]
    assert expand(Location(every[2])) == [every[2]]


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("pipe:curl http://x | cat {0..3}.tar", "gantool reads files and runs no programs"),
        ("part-{00..06}.tar", "part-05.tar does not exist nor 1 more"),
        ("part-{3..1}.tar", "counts from low to high"),
        ("part-{0..99999999999}.tar", "counts from low to high"),
        ("", "no shards"),
    ],
)
def test_what_cannot_be_expanded_is_said(place: str, message: str, shards: Path, tmp_path: Path):
    (tmp_path / "none").mkdir()
    where = place if place.startswith("pipe") else str(shards / place) if place else str(tmp_path / "none")
    with pytest.raises(GantoolError, match=message):
        expand(Location(where))


@pytest.mark.parametrize(
    ("name", "key", "suffix", "image"),
    [
        ("a.png", "a", "png", True),
        ("d.x/a b.JPG", "d.x/a b", "jpg", True),
        ("a.seg.png", "a", "seg.png", False),
        ("a.json", "a", "json", False),
        ("a", "a", "", False),
    ],
)
def test_keys_are_those_of_webdataset(name: str, key: str, suffix: str, image: bool):
    assert split_name(name) == (key, suffix)
    assert is_image(name) is image


def test_images_are_found_across_shards(shards: Path):
    images = open_images(shards)
    assert isinstance(images, Images)
    assert len(images) == 10
    assert [int(images[index][0, 0, 0]) for index in range(10)] == list(range(10))
    assert int(images[-1][0, 0, 0]) == 9
    assert images.names[3] == f"{shards}/part-02.tar/dir é/003 x.png"
    assert len(images.names[2:5]) == 3
    assert [(form.size, first) for form, first in images.forms().items()] == [("8x12", 0)]
    assert int(pickle.loads(pickle.dumps(images))[4][0, 0, 0]) == 4, "loader processes get a copy"
    with pytest.raises(IndexError):
        images[10]
    assert survey(images).images == 10


def test_a_folder_of_images_with_a_tar_beside_them_stays_a_folder(shards: Path, png):
    (shards / "a.png").write_bytes(png(1))
    assert kind_of(str(shards)) == "folder"
    assert len(open_images(shards)) == 1


def test_damage_is_named(shards: Path, tar, tmp_path: Path, png):
    shard = tar(tmp_path / "bad.tar", {"a.png": b"", "b.png": png(1)[:40]})
    images = open_images(shard)
    for index, cause in ((0, "the file is empty"), (1, "")):
        with pytest.raises(ImageReadError, match=f"bad.tar/.*png: {cause}"):
            images[index]
    whole = (shards / "part-00.tar").read_bytes()
    (shards / "part-00.tar").write_bytes(whole[: 512 + 40])
    with pytest.raises(GantoolError, match=r"part-00.tar is damaged"):
        open_images(shards)
    (shards / "part-00.tar").write_bytes(b"no tar at all" * 100)
    with pytest.raises(GantoolError, match=r"part-00.tar is damaged"):
        open_images(shards)


@pytest.mark.parametrize("name", ["../../evil.png", "/etc/evil.png", "a/../../evil.png"])
def test_names_that_lead_out_are_refused(name: str, tar, tmp_path: Path, png):
    with pytest.raises(GantoolError, match="leads out of the archive"):
        open_images(tar(tmp_path / "a.tar", {name: png(1)}))


def test_links_are_refused(tmp_path: Path):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        link = tarfile.TarInfo("a.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    with pytest.raises(GantoolError, match=r"a.png is a link or a device"):
        open_images(tmp_path / "a.tar")


def test_pairs_are_checked_across_shards(shards: Path, tar, tmp_path: Path, png):
    assert list(check_shards(expand(Location(shards / "part-{02..04}.tar")))) == []
    bad = tar(tmp_path / "bad.tar", {"dir é/004 x.png": png(1), "lonely.json": b"{}", "lonely.seg.png": png(1)})
    assert [
        str(problem).removeprefix(str(tmp_path))
        for problem in check_shards([*expand(Location(shards / "part-0{2,3}.tar")), str(bad)])
    ] == [
        f"/bad.tar: sample dir é/004 x occurs before, in {shards / 'part-02.tar'}",
        "/bad.tar: sample dir é/004 x has no .json, most have one",
        "/bad.tar: sample dir é/004 x has no .seg.png, most have one",
        "/bad.tar: sample lonely has no image (a member named KEY.png or alike)",
    ]


def test_shards_elsewhere_are_read_through_fsspec(shards: Path):
    fsspec = pytest.importorskip("fsspec")
    system = fsspec.filesystem("memory")
    for path in sorted(shards.iterdir()):
        system.pipe(f"/bucket/{path.name}", path.read_bytes())
    for place in ("memory://bucket/part-{00..04}.tar", "memory://bucket"):
        images = open_images(place)
        assert [int(images[index][0, 0, 0]) for index in range(10)] == list(range(10))
    with pytest.raises(GantoolError, match="cannot open memory://bucket/gone.tar"):
        open_images("memory://bucket/gone.tar")
    with pytest.raises(GantoolError, match="cannot list nosuch://bucket"):
        open_images("nosuch://bucket")


def test_arrays_elsewhere_are_read_through_fsspec():
    fsspec = pytest.importorskip("fsspec")
    import numpy as np

    file = io.BytesIO()
    np.savez_compressed(file, images=np.arange(2 * 8 * 9, dtype=np.uint8).reshape(2, 8, 9), gaze=np.ones((2, 2)))
    fsspec.filesystem("memory").pipe("/bucket/set.npz", file.getvalue())
    images = open_images("memory://bucket/set.npz")
    assert (len(images), images[1].shape, images.labels["gaze"].shape) == (2, (8, 9, 1), (2, 2))
