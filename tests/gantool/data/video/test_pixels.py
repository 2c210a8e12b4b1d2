"""Frames to images, and changes back."""

from __future__ import annotations

import numpy as np
import pytest

from gantool.data.images import Form

av = pytest.importorskip("av")

from gantool.data.video.pixels import _PLANAR, Converter, blank, changed, plane, working_format  # noqa: E402


def fill(frame: object, seed: int | None) -> None:
    """Noise, or medium grey."""
    random = np.random.default_rng(seed)
    for component in frame.format.components:
        view, bits = plane(frame, component.plane), component.bits
        view[...] = 2 ** (bits - 1) if seed is None else random.integers(0, 2**bits, view.shape)


@pytest.mark.parametrize("full", [0, 1, 2], ids=["range unsaid", "limited", "full"])
@pytest.mark.parametrize("name", _PLANAR)
def test_no_change_changes_no_bit_and_a_change_arrives(name: str, full: int):
    frame = av.VideoFrame(37, 22, name)
    frame.color_range = full
    fill(frame, 0)
    converter = Converter()
    assert converter.planes(frame) is frame
    image = converter.image(frame)
    same = changed(frame, image, image.copy())
    assert all(np.array_equal(plane(same, n), plane(frame, n)) for n in range(len(frame.planes)))
    fill(frame, None)
    before = converter.image(frame)
    unit = 257 if before.dtype == np.uint16 else 1
    after = (before + np.array([20, -9, 13])[: before.shape[2]] * unit).astype(before.dtype)
    arrived = converter.image(changed(frame, before, after))
    # Planes of 8 bits round twice; chroma of limited range is coarser than RGB.
    assert np.abs(arrived.astype(int) - after).max() <= 1.6 * unit
    assert (arrived.astype(int) != before).any()


def test_a_grey_change_leaves_colours_alone():
    frame = av.VideoFrame(16, 16, "yuv420p")
    fill(frame, 3)
    before = Converter().image(frame)
    after = (before.clip(10, 200) + 30).astype(np.uint8)
    new = changed(frame, before.clip(10, 200), after)
    assert [np.array_equal(plane(new, n), plane(frame, n)) for n in range(3)] == [False, True, True]


@pytest.mark.parametrize(
    ("name", "planes"),
    [
        ("rgb24", "gbrp"),
        ("bgr0", "gbrp"),
        ("rgba", "gbrap"),
        ("rgb48le", "gbrp16le"),
        ("nv12", "yuv420p"),
        ("p010le", "yuv420p10le"),
        ("yuyv422", "yuv422p"),
        ("gray16be", "gray16le"),
        ("yuvj444p", "yuv444p"),
    ],
)
def test_other_formats_go_through_the_nearest_with_planes(name: str, planes: str):
    assert working_format(name) == planes


@pytest.mark.parametrize(("name", "dtype"), [("rgb24", np.uint8), ("rgb48le", np.uint16)])
def test_rgb_is_exact(name: str, dtype: type):
    pixels = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (16, 20, 3), dtype=dtype)
    converter = Converter()
    frame = converter.planes(av.VideoFrame.from_ndarray(pixels, name))
    assert np.array_equal(converter.image(frame), pixels)


def test_black_and_white_of_the_limited_range():
    frame = av.VideoFrame(16, 16, "yuv420p")
    for luma, grey in ((16, 0), (235, 255), (2, 0)):
        for number, value in enumerate((luma, 128, 128)):
            plane(frame, number)[...] = value
        assert (Converter().image(frame) == grey).all()
    depth = av.VideoFrame(16, 16, "gray16le")
    fill(depth, 1)
    assert np.array_equal(Converter().image(depth)[..., 0], plane(depth, 0)), "depth is taken as it is"


def test_the_matrix_is_the_frame_s_or_what_players_guess():
    def green(width: int, matrix: int) -> list[int]:
        frame = av.VideoFrame(width, 16, "yuv444p")
        frame.colorspace = matrix
        for number, value in enumerate((145, 54, 34)):
            plane(frame, number)[...] = value
        return Converter().image(frame)[0, 0].tolist()

    assert green(64, 5) == green(64, 2) == green(1280, 5)
    assert green(64, 1) == green(1280, 2) != green(64, 5)


def test_a_blank_frame_keeps_alpha():
    frame = av.VideoFrame(16, 16, "yuva420p")
    fill(frame, 2)
    plane(frame, 3)[...] = 77
    new = blank(frame, 8, 24)
    assert (new.height, new.width, new.format.name) == (8, 24, "yuva420p")
    assert [int(plane(new, n).max()) for n in range(4)] == [128, 128, 128, 77]


def test_forms(tmp_path, clip, moving):
    from gantool.data.video.reading import read_timeline

    def form(name: str, pixels: str, frames: list, **options: object) -> Form:
        return read_timeline(str(clip(tmp_path / name, frames, codec="ffv1", pixels=pixels, **options))).form

    assert form("a.mkv", "yuv420p", moving(2)) == Form(32, 48, 3, "uint8")
    assert form("b.mkv", "yuv420p10le", moving(2)) == Form(32, 48, 3, "uint16")
    assert form("c.mkv", "gray16le", [np.zeros((33, 47), np.uint16)] * 2) == Form(33, 47, 1, "uint16")
