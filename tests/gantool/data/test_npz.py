from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gantool.data.formats.npz import NpzImages
from gantool.data.images import Form
from gantool.data.opening import open_images
from gantool.errors import GantoolError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "données 1.npz"


@pytest.mark.parametrize(("shape", "channels"), [((4, 9, 7), 1), ((4, 9, 7, 1), 1), ((4, 9, 7, 3), 3)])
def test_images_and_labels(path: Path, shape: tuple[int, ...], channels: int, noise):
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    gaze = np.arange(8.0).reshape(4, 2)
    np.savez_compressed(path, image=images, gaze=gaze, note=np.array("eyes"), other=np.zeros((5, 2)))
    found = open_images(path)
    assert len(found) == 4
    assert np.array_equal(np.stack([found[i] for i in range(4)]), images.reshape(4, 9, 7, channels))
    assert found.forms() == {Form(9, 7, channels, "uint8"): 0}
    assert list(found.labels) == ["gaze"]
    assert np.array_equal(found.labels["gaze"], gaze)
    assert found.names[3] == f"{path}[3]"


def test_the_only_array_that_looks_like_images_is_taken(path: Path):
    np.savez(path, x=np.zeros((4, 9, 7), np.uint8), points=np.zeros((4, 21, 2)), boxes=np.zeros((4, 4)))
    assert NpzImages(path).key == "x"


def test_two_candidates_are_listed(path: Path):
    np.savez(path, x=np.zeros((4, 9, 7), np.uint8), depth=np.zeros((4, 9, 7), np.uint16))
    with pytest.raises(GantoolError, match=r"2 arrays that could be the images \(x 4x9x7 uint8, depth .*name one `images`"):
        open_images(path)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((4, 3, 32, 32), np.uint8), r"\(N, C, H, W\): transpose"),
        (np.zeros((32, 32, 3), np.uint8), r"one image \(H, W, C\)"),
        (np.zeros((4, 9, 7), bool), "cannot be images"),
        (np.zeros((4, 9), np.uint8), "not of shape"),
        (np.zeros((0, 9, 7), np.uint8), "no images in"),
    ],
)
def test_arrays_that_are_no_images_say_why(path: Path, array: np.ndarray, message: str):
    np.savez(path, images=array)
    with pytest.raises(GantoolError, match=message):
        open_images(path)


def test_integers_must_fit_a_byte(path: Path):
    np.savez(path, images=np.array([np.full((5, 6), 255), np.full((5, 6), 256)], dtype=np.int64))
    images = NpzImages(path)
    assert images[0].dtype == np.uint8
    assert images[0].max() == 255
    with pytest.raises(GantoolError, match=r"\[1\] is int64 with values from 256 to 256: store it as"):
        images[1]


def test_floats_and_foreign_byte_order_become_native(path: Path):
    np.savez(path, images=np.full((2, 5, 6), 0.25, ">f8"))
    assert NpzImages(path)[0].dtype == np.float32
    np.savez(path, images=np.full((2, 5, 6), 513, ">u2"))
    image = NpzImages(path)[0]
    assert image.dtype == np.dtype("=u2")
    assert image[0, 0, 0] == 513


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return pytest.fail, ("a pickle was loaded",)


def test_pickles_are_never_loaded(path: Path):
    bombs = np.empty((2, 5, 6), object)
    bombs[:] = [[[Bomb()] * 6] * 5] * 2
    np.savez(path, images=np.zeros((2, 5, 6), np.uint8), bombs=bombs)
    assert list(NpzImages(path).labels) == []
    np.savez(path, images=bombs)
    with pytest.raises(GantoolError, match="cannot be images"):
        NpzImages(path)


@pytest.mark.parametrize("content", [b"", b"PK\3\4 nothing"])
def test_a_damaged_file_is_one_line(path: Path, content: bytes):
    path.write_bytes(content)
    with pytest.raises(GantoolError, match="cannot read") as error:
        open_images(path)
    assert "\n" not in str(error.value)


def test_a_truncated_file_is_one_line(path: Path):
    np.savez(path, images=np.zeros((9, 50, 60), np.uint8))
    path.write_bytes(path.read_bytes()[:9000])
    with pytest.raises(GantoolError, match="cannot read"):
        open_images(path)
