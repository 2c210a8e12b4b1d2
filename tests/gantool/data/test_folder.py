from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gantool.data.formats.folder import FolderImages
from gantool.data.images import Form, ImageReadError
from gantool.data.layouts.choosing import arrange
from gantool.data.locations import Location
from gantool.errors import GantoolError


def save(path: Path, value: int = 0, size: tuple[int, int] = (6, 5)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full(size, value, np.uint8)).save(path)


def test_a_folder_is_read_recursively_and_sorted(tmp_path: Path):
    for number, name in enumerate(["b.png", "sub/z.PNG", "a/deep er/é ü.bmp", "sub.png"]):
        save(tmp_path / name, number)
    images = FolderImages(Location(tmp_path))
    assert list(images.files) == ["a/deep er/é ü.bmp", "b.png", "sub.png", "sub/z.PNG"]
    assert [int(image[0, 0, 0]) for image in images] == [2, 0, 3, 1]
    assert list(images.names) == [str(tmp_path / file) for file in images.files]


def test_hidden_files_and_others_are_no_images(tmp_path: Path):
    for name in ("a.png", ".hidden.png", ".cache/b.png"):
        save(tmp_path / name)
    (tmp_path / "a.json").write_text("{}")
    (tmp_path / "notes").write_text("x")
    listing = arrange(Location(tmp_path))
    assert listing.images == ("a.png",)
    assert listing.others == ("a.json", "notes")


def test_links_are_followed_but_not_in_circles(tmp_path: Path):
    save(tmp_path / "pool/x.png")
    (tmp_path / "root/one").mkdir(parents=True)
    (tmp_path / "root/one/up").symlink_to(tmp_path / "root")
    (tmp_path / "root/one/pool").symlink_to(tmp_path / "pool")
    (tmp_path / "root/two").symlink_to(tmp_path / "pool")
    (tmp_path / "root/file.png").symlink_to(tmp_path / "pool/x.png")
    assert arrange(Location(tmp_path / "root")).images == ("file.png", "one/pool/x.png", "two/x.png")


def test_a_link_that_leads_nowhere_is_reported(tmp_path: Path):
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    with pytest.raises(ImageReadError, match=r"gone\.png"):
        FolderImages(Location(tmp_path))[0]


def test_a_named_pipe_is_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.png")
    save(tmp_path / "a.png")
    assert arrange(Location(tmp_path)).images == ("a.png",)


def test_forms_come_with_the_first_image_that_has_them(tmp_path: Path):
    save(tmp_path / "a.png")
    save(tmp_path / "b.png")
    Image.fromarray(np.arange(56, dtype=np.uint8).reshape(7, 8)).save(tmp_path / "c.png")
    assert FolderImages(Location(tmp_path)).forms() == {Form(6, 5, 1, "uint8"): 0, Form(7, 8, 1, "uint8"): 2}


def test_a_folder_that_cannot_be_listed_is_one_line(tmp_path: Path):
    place = Location(tmp_path / "gone")
    place.path.mkdir()
    assert place.is_folder
    place.path.rmdir()
    with pytest.raises(GantoolError, match=r"cannot read folder .*gone"):
        arrange(place)
