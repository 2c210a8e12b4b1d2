from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from gantool.data.frames import PassForm, PassKind, Place
from gantool.data.images import ImageReadError
from gantool.data.stored import pass_like, read_pass

FORM = PassForm(PassKind.OTHER)
IDS = np.array([[0, 1, 2], [2, 1, 7]], np.uint8)


def palette(pixels: np.ndarray) -> bytes:
    image = Image.fromarray(pixels).convert("P")
    image.putpalette([n for index in range(8) for n in (index * 30, 255 - index, 9)])
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def png16(array: np.ndarray) -> bytes:
    return cv2.imencode(".png", array)[1].tobytes()


FILES = {
    "ids.png": palette(IDS),
    "plane.npy": npy(np.array([[1.5, np.inf, 2]], np.float32)),
    "image.npy": npy(np.zeros((2, 3, 3), np.float16)),
    "packed.png": png16(np.arange(18, dtype=np.uint16).reshape(2, 3, 3) * 3000),
    "grey.png": png16(IDS.astype(np.uint16) * 9000),
    "depth.pfm": b"Pf\n3 2\n-1.0\n" + np.arange(6, dtype="<f4").tobytes(),
}


@pytest.mark.parametrize("name", FILES)
def test_a_pass_comes_back_in_its_kind_of_file(name: str, tmp_path: Path):
    (tmp_path / name).write_bytes(FILES[name])
    stored = read_pass(tmp_path, Place(name), FORM)
    assert stored.ndim == 3
    larger = stored.repeat(2, axis=0).repeat(2, axis=1)
    (tmp_path / name).write_bytes(pass_like(FILES[name], name, larger, FORM))
    again = read_pass(tmp_path, Place(name), FORM)
    assert (again.dtype, np.array_equal(again, larger)) == (stored.dtype, True)
    if name.endswith(".npy"):
        assert np.load(tmp_path / name).ndim == np.load(io.BytesIO(FILES[name])).ndim


def test_a_palette_keeps_its_ids_and_its_colours(tmp_path: Path):
    (tmp_path / "a.png").write_bytes(FILES["ids.png"])
    assert read_pass(tmp_path, Place("a.png"), FORM)[..., 0].tolist() == IDS.tolist()
    with Image.open(io.BytesIO(pass_like(FILES["ids.png"], "a.png", IDS[:1, :, None], FORM))) as image:
        assert image.mode == "P"
        assert image.convert("RGB").getpixel((2, 0)) == (60, 253, 9)


def test_a_pfm_starts_at_the_bottom_unless_its_writer_has_it_otherwise(tmp_path: Path):
    (tmp_path / "a.pfm").write_bytes(FILES["depth.pfm"])
    assert read_pass(tmp_path, Place("a.pfm"), FORM)[..., 0].tolist() == [[3, 4, 5], [0, 1, 2]]
    turned = PassForm(PassKind.DEPTH, top_first=True)
    assert read_pass(tmp_path, Place("a.pfm"), turned)[..., 0].tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize(
    ("name", "content"), [("a.png", b"no"), ("a.npy", b"no"), ("a.pfm", b"Pf\n9 9\n-1\n123"), ("a.pfm", b"P6\n1 1\n255\n")]
)
def test_damaged_files_are_named(name: str, content: bytes, tmp_path: Path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ImageReadError, match=name):
        read_pass(tmp_path, Place(name), FORM)


def test_python_objects_are_never_loaded(tmp_path: Path):
    np.save(tmp_path / "a.npy", np.array([{}], object))
    with pytest.raises(ImageReadError, match="a.npy"):
        read_pass(tmp_path, Place("a.npy"), FORM)
