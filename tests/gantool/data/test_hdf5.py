from __future__ import annotations

import pickle
import sys
from pathlib import Path

import numpy as np
import pytest

from gantool.data.images import Form
from gantool.data.opening import open_images
from gantool.errors import GantoolError, MissingExtra

h5py = pytest.importorskip("h5py")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "set.h5"


def test_one_array(path: Path, noise):
    pixels = noise((4 * 9, 7, 3)).reshape(4, 9, 7, 3)
    with h5py.File(path, "w") as file:
        file.create_dataset("train/images", data=pixels, chunks=(2, 9, 7, 3), compression="gzip")
        file["train/gaze"] = np.arange(8.0).reshape(4, 2)
        file["train/names"] = ["a", "b", "c", "d"]
        file["size"] = 4
    images = open_images(path)
    assert np.array_equal(np.stack([images[i] for i in range(len(images))]), pixels)
    assert images.forms() == {Form(9, 7, 3, "uint8"): 0}
    assert list(images.labels) == ["train/gaze"]
    assert np.array_equal(images.labels["train/gaze"], np.arange(8.0).reshape(4, 2))
    with pytest.raises(IndexError):
        images[4]


@pytest.mark.parametrize("group", ["images", "some/where", ""])
def test_a_data_set_per_image(path: Path, noise, group: str):
    pixels = [noise((9 + i, 7, 3), seed=i) for i in range(3)]
    with h5py.File(path, "w") as file:
        for i, image in enumerate(pixels):
            file[f"{group}/{i:03}"] = image
    images = open_images(path)
    assert len(images) == 3
    assert all(np.array_equal(images[i], pixels[i]) for i in range(3))
    assert images.forms() == {Form(9 + i, 7, 3, "uint8"): i for i in range(3)}
    assert images.names[1].endswith(f"{group}/001".lstrip("/"))


def test_blocks_are_the_same_images(path: Path, noise):
    with h5py.File(path, "w") as file:
        file["images"] = noise((7, 9, 8), np.uint16)
    images = open_images(path)
    assert np.array_equal(images.block(2, 6), [images[index] for index in range(2, 6)])


def test_a_stack_of_grey_images_is_not_one_image(path: Path):
    with h5py.File(path, "w") as file:
        file["images/all"] = np.zeros((20, 9, 7), np.uint16)
    assert len(open_images(path)) == 20


def test_it_travels_to_other_processes(path: Path, noise):
    with h5py.File(path, "w") as file:
        file["images"] = noise((4, 9, 7))
    images = open_images(path)
    first = images[0]
    assert np.array_equal(pickle.loads(pickle.dumps(images))[0], first)


def test_without_h5py_the_extra_is_named(path: Path, monkeypatch: pytest.MonkeyPatch):
    path.touch()
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(MissingExtra, match=r"needs h5py: pip install 'simgan-plugin\[data\]'"):
        open_images(path)


def test_a_damaged_file_is_one_line(path: Path):
    path.write_bytes(b"no HDF5")
    with pytest.raises(GantoolError, match=r"cannot open .*set\.h5") as error:
        open_images(path)
    assert "\n" not in str(error.value)


def test_a_file_without_images_lists_what_it_has(path: Path):
    with h5py.File(path, "w") as file:
        file["gaze"] = np.zeros((4, 2))
    with pytest.raises(GantoolError, match=r"no array of images \(gaze 4x2 float64\)"):
        open_images(path)
