"""Folders: what is damaged, interrupted or done already."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gantool.data import locations
from gantool.errors import GantoolError
from gantool.refining.refine import refine


def test_unreadable_images_are_listed_and_stop_nothing(
    trained, added, pixels, save, files, folder: Path, tmp_path: Path, monkeypatch
):
    monkeypatch.setenv("GANTOOL_PLUGINS", "simgan")  # a plugin may read the pages
    trained(added(0))
    data = (folder / "a.png").read_bytes()
    (folder / "broken ü.png").write_bytes(data[: len(data) // 2])
    (folder / "empty.png").write_bytes(b"")
    save(folder / "five.tif", pixels((20, 30)))
    (folder / "dangling.png").symlink_to(tmp_path / "nowhere")
    (folder / "dangling.json").symlink_to(tmp_path / "nowhere")
    Image.fromarray(pixels((4, 5))).save(folder / "pages.tif", save_all=True, append_images=[Image.fromarray(pixels((4, 5)))])
    report = refine("run", input=folder, output=tmp_path / "out")
    assert report.refined == 3
    assert report.exit_code == 1
    causes = {failed.name: failed.cause for failed in report.failed}
    assert list(causes) == ["broken ü.png", "dangling.json", "dangling.png", "empty.png", "pages.tif"]
    assert "truncated" in causes["broken ü.png"]
    assert causes["dangling.png"] == causes["dangling.json"] == "No such file or directory"
    assert causes["empty.png"] == "the file is empty"
    assert "2 pages" in causes["pages.tif"]
    assert set(files(tmp_path / "out")) == {"a.png", "a.json", "sub dir/bü.png", "sub dir/bü.txt", "five.tif"}


def test_a_float_image_out_of_range_is_listed(trained, added, save, tmp_path: Path):
    trained(added(0), 1)
    save(tmp_path / "in/depth.tif", np.full((4, 5), 3.5, np.float32))
    report = refine("run", input=tmp_path / "in", output=tmp_path / "out")
    (failed,) = report.failed
    assert failed.name == "depth.tif"
    assert failed.cause.startswith("has values from 3.5 to 3.5, outside [0, 1]")


def test_an_image_that_its_encoder_refuses_is_listed(
    trained, added, pixels, save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    trained(added(0), 1)
    save(tmp_path / "in/a.png", pixels((4, 5)))
    monkeypatch.setattr("gantool.data.encoding._cv2_encode", lambda *_: (_ for _ in ()).throw(ValueError("too large")))
    report = refine("run", input=tmp_path / "in", output=tmp_path / "out")
    assert [(failed.name, failed.cause) for failed in report.failed] == [("a.png", "cannot be written as PNG: too large")]


def test_a_second_call_skips_and_completes(trained, added, files, folder: Path, tmp_path: Path):
    network = trained(added(0.2))
    refine("run", input=folder, output=tmp_path / "out")
    before = files(tmp_path / "out")
    (tmp_path / "out/a.png").unlink()
    (tmp_path / "out/a.json").unlink()
    kept = (tmp_path / "out/sub dir/bü.png").stat().st_mtime_ns
    network.seen.clear()
    report = refine("run", input=folder, output=tmp_path / "out")
    assert (report.refined, report.skipped, report.copied) == (1, 1, 1)
    assert network.seen == [(1, 3, 20, 30)]
    assert files(tmp_path / "out") == before
    assert (tmp_path / "out/sub dir/bü.png").stat().st_mtime_ns == kept


def test_an_interrupted_call_leaves_only_whole_files(trained, added, pixels, save, load, files, tmp_path: Path):
    for number in range(12):
        save(tmp_path / f"in/{number:02}.png", pixels((20, 30), seed=number))

    class Stop(added):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            if len(self.seen) == 3:
                raise KeyboardInterrupt
            return super().forward(images)

    trained(Stop(), 1)
    with pytest.raises(KeyboardInterrupt):
        refine("run", input=tmp_path / "in", output=tmp_path / "out", batch_size=2)
    done = files(tmp_path / "out")
    assert 0 < len(done) < 12
    assert all(np.array_equal(load(tmp_path / "out" / name), load(tmp_path / "in" / name)) for name in done)
    trained(added(0), 1)
    report = refine("run", input=tmp_path / "in", output=tmp_path / "out")
    assert (report.refined, report.skipped) == (12 - len(done), len(done))


def test_a_full_disk_is_one_line_and_the_next_call_goes_on(
    trained, added, pixels, save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for number in range(6):
        save(tmp_path / f"in/{number}.png", pixels((20, 30), seed=number))
    trained(added(0), 1)
    write = Path.write_bytes
    room = iter(range(2))

    def full(self: Path, data: bytes) -> int:
        if next(room, None) is None:
            with self.open("wb") as file:
                file.write(data[:10])
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(self, data)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(
            GantoolError, match=r"the disk is full at .*\.png: free some space and give the same command"
        ) as error:
            refine("run", input=tmp_path / "in", output=tmp_path / "out", batch_size=1, threads=1)
    assert error.value.exit_code == 2
    assert not list((tmp_path / "out").glob("*tmp*"))
    assert not list((tmp_path / "out").glob(".*tmp"))
    report = refine("run", input=tmp_path / "in", output=tmp_path / "out")
    assert (report.refined, report.skipped) == (4, 2)


def test_masks_that_are_images_can_be_copied(trained, added, pixels, save, folder: Path, tmp_path: Path):
    trained(added(0.3))
    save(folder / "masks/a.png", pixels((20, 30)))
    report = refine("run", input=folder, output=tmp_path / "out", copy=["masks/*"])
    assert (report.refined, report.copied) == (2, 3)
    assert (tmp_path / "out/masks/a.png").read_bytes() == (folder / "masks/a.png").read_bytes()


def test_a_folder_is_walked_once(trained, added, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    walked: list[Path] = []
    walk = locations.walk

    def counted(root: Path, prefix: str = "", *words: object) -> Iterator[str]:
        walked.extend([] if prefix else [root])
        return walk(root, prefix, *words)

    monkeypatch.setattr(locations, "walk", counted)
    trained(added(0))
    assert refine("run", input=folder, output=tmp_path / "out", validate=True).refined == 2
    assert walked == [folder]
