"""The same on what simulators really wrote, where such files lie beside the project."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gantool.data.exr import read_channels, write_channels
from gantool.data.layouts.choosing import read_frames
from gantool.data.passes import background, values
from gantool.data.stored import read_pass
from gantool.data.view import view

DATA = Path(__file__).resolve().parents[5] / "shared" / "data"
pytestmark = pytest.mark.skipif(not (DATA / "simulators").is_dir(), reason="../shared is not there")


@pytest.mark.parametrize(
    ("folder", "layout", "frames"),
    [
        ("simulators/blender45", "blender", 3),
        ("simulators/blender50", "blender", 8),
        ("simulators/bop/ds", "bop", 6),
        ("simulators/boppng/ds", "bop", 6),
        ("simulators/carla", "carla", 6),
        ("simulators/cvat/for_images/export_task", "listed", 2),
        ("simulators/depthtiff", "plain", 6),
        ("simulators/mitsuba", "mitsuba", 1),
        ("simulators/mixed", "companions", 6),
        ("simulators/replicator", "replicator", 6),
        ("simulators/rgba", "plain", 6),
        ("simulators/solo", "solo", 6),
        ("simulators/unity_solo_real", "solo", 2),
        ("blood/real/val", "listed", 87),
        ("dice/synthetic", "listed", 500),
        ("eyes_png/real", "plain", 144),
    ],
)
def test_real_files_are_recognised_without_a_doubt_and_every_pass_is_read(folder: str, layout: str, frames: int):
    found = read_frames(DATA / folder).settled(DATA / folder)
    assert (found.layout, len(found.frames)) == (layout, frames)
    for frame in (found.frames[0], found.frames[-1]):
        for name, place in frame.passes.items():
            assert values(read_pass(DATA / folder, place, found.passes[name]), found.passes[name], place).ndim == 3


def test_an_exr_beside_a_png_of_one_frame_stops():
    assert [doubt.second for doubt in read_frames(DATA / "simulators/twin").doubts] == ["f0000.png"]
    found = read_frames(DATA / "dice_blender", copy=["exr/*"]).settled(DATA)
    assert (len(found.frames), set(found.passes)) == (240, {"depth", "normals", "instances"})


def test_a_render_comes_back_as_it_was():
    path = DATA / "simulators/blender50/multi16_0001.exr"
    channels = [f"ViewLayer.Combined.{letter}" for letter in "RGB"]
    linear = read_channels(path, channels)
    srgb = view("srgb")
    display = srgb.to_display(linear)
    again = srgb.to_linear(display, linear)
    assert np.abs(again - linear).max() < 1e-3 * max(1, float(linear.max()))
    written = write_channels(path.read_bytes(), [("ViewLayer.Combined", channels, again)])
    assert len(written) == pytest.approx(path.stat().st_size, rel=0.05)


def test_background_of_blenders_depth():
    found = read_frames(DATA / "simulators/blender45")
    stored = read_pass(DATA / "simulators/blender45", found.frames[0].passes["depth"], found.passes["depth"])
    empty = background(stored, found.passes["depth"])
    assert empty.any()
    assert (stored[empty] == np.float32(1e10)).all()
    assert stored[~empty].max() < 1000
