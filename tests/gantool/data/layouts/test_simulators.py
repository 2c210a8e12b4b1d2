"""What each simulator writes is understood: picture, passes with their values, boxes; and nothing else is a picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simulators as made

from gantool.data.frames import Frames, PassKind
from gantool.data.layouts import written
from gantool.data.layouts.choosing import describe, read_frames
from gantool.data.layouts.description import apply
from gantool.data.layouts.tree import Tree
from gantool.data.passes import background, combine, values
from gantool.data.records import boxes, read_records
from gantool.data.stored import read_pass

SIZE = (made.H, made.W)


def understood(root: Path) -> Frames:
    found = read_frames(root)
    assert found.doubts == ()
    return found.settled(root)


def numbers(root: Path, found: Frames, name: str, frame: int = 0) -> np.ndarray:
    place = found.frames[frame].passes[name]
    return values(read_pass(root, place, found.passes[name]), found.passes[name], place)


def edges(root: Path, found: Frames, name: str = "boxes", frame: int = 0) -> list[list[float]]:
    (place,) = found.frames[frame].labels[name]
    return boxes(read_records(root, place), found.labels[name], SIZE).tolist()


@pytest.mark.parametrize(
    ("write", "layout", "frames", "passes"),
    [
        (made.mixed, "companions", 3, {"depth", "normals", "classes", "instances"}),
        (made.bop, "bop", 3, {"depth"}),
        (made.replicator, "replicator", 2, {"depth", "normals", "classes"}),
        (made.solo, "solo", 3, {"classes", "instances"}),
        (made.carla, "carla", 3, {"depth", "classes"}),
        (made.kubric, "kubric", 3, {"depth", "instances", "normals", "forward_flow"}),
        (made.vkitti2, "vkitti2", 4, {"depth", "classes", "instances"}),
        (made.airsim, "airsim", 2, {"depth", "classes"}),
        (made.rhd, "rhd", 3, {"depth", "classes"}),
        (made.falling_things, "dope", 4, {"depth", "instances"}),
        (made.dope, "dope", 2, {"depth", "instances"}),
        (made.blenderproc, "blenderproc", 3, {"depth", "normals", "instances", "classes"}),
        (made.hypersim, "hypersim", 2, {"depth", "normals", "classes"}),
        (made.mitsuba, "mitsuba", 1, {"depth", "normals", "instances", "uv"}),
        (made.file_output, "blender", 2, {"depth", "normals", "instances"}),
    ],
)
def test_every_simulator_is_recognised(write: Callable[[Path], None], layout: str, frames: int, passes: set[str], tmp_path: Path):
    write(tmp_path)
    found = understood(tmp_path)
    assert (found.layout, len(found.frames), set(found.passes)) == (layout, frames, passes)
    # Every frame has every pass, and each pass can be read.
    for place in range(frames):
        for name in passes:
            assert numbers(tmp_path, found, name, place).shape[:2] == SIZE
    pictures = {frame.picture.file for frame in found.frames}
    assert not pictures & set(found.copied)
    if layout not in ("blenderproc", "mitsuba"):  # which hold both in one file
        assert not pictures & {place.file for frame in found.frames for place in frame.passes.values()}


@pytest.mark.parametrize(
    "write", [made.mixed, made.bop, made.carla, made.kubric, made.blenderproc, made.replicator, made.vkitti2]
)
def test_a_recognised_layout_written_as_toml_gives_the_same_frames(write: Callable[[Path], None], tmp_path: Path):
    write(tmp_path / "set")
    tree = Tree(tmp_path / "set")
    description = describe(tree)
    (tmp_path / "my.toml").write_text(written.write(description), encoding="utf-8")
    again = read_frames(tree.root, layout=str(tmp_path / "my.toml"))
    first = apply(description, tree)
    assert (again.frames, again.passes, again.labels, again.picture) == (first.frames, first.passes, first.labels, first.picture)


def test_frames_are_in_natural_order_without_leading_zeros(tmp_path: Path):
    made.blenderproc(tmp_path)
    assert [frame.name for frame in understood(tmp_path).frames] == ["0", "2", "10"]


def test_bop_scales_depth_per_image_finds_json_by_unpadded_numbers_and_takes_amodal_boxes_as_they_are(tmp_path: Path):
    made.bop(tmp_path)
    found = understood(tmp_path)
    assert numbers(tmp_path, found, "depth", 2)[10, 3] == pytest.approx(made.depth16(65535)[10, 3] * 0.3, rel=1e-6)
    stored = read_pass(tmp_path, found.frames[0].passes["depth"], found.passes["depth"])
    assert background(stored, found.passes["depth"])[:5, 0].tolist() == [True] * 4 + [False]
    # Width is xmax - xmin, without one more; what is amodal may lie outside; -1 is "not seen".
    assert edges(tmp_path, found) == [[0, 2, 31, 11], [-1, -1, -2, -2]]
    assert edges(tmp_path, found, "boxes_whole")[0] == [-3, 2, 37, 11]
    assert [place.file[-17:] for place in found.frames[1].labels["masks"]] == ["000001_000000.png", "000001_000001.png"]


def test_bop_by_blenderproc_may_list_jpg_where_it_wrote_png(tmp_path: Path):
    made.bop(tmp_path, suffix="png")
    found = understood(tmp_path)
    assert found.frames[0].picture.file.endswith("rgb/000000.png")
    assert any("rgb/000000.jpg" in note for note in found.notes)


@pytest.mark.parametrize(("number", "folders"), [("{:04}", False), ("0_{:04}", False), ("{:04}", True)])
def test_replicator(number: str, folders: bool, tmp_path: Path):
    made.replicator(tmp_path, number, folders)
    found = understood(tmp_path)
    assert len(found.frames) == 2
    # x_max is the last pixel.
    assert edges(tmp_path, found) == [[3, 1, 10, 12]]
    # Only alpha tells background and what has no label apart.
    seen = numbers(tmp_path, found, "classes")
    assert [found.passes["classes"].names[str(one)] for one in np.unique(seen)] == ["BACKGROUND", "UNLABELLED", "cube"]
    # The .png is a logarithm, fitted to each frame.
    assert found.frames[0].passes["depth"].file.endswith(".npy")
    assert any("distance_to_image_plane_" in note and ".png" in note for note in found.notes)
    assert {file for file in found.copied if file.endswith(".png")} == {f for f in Tree(tmp_path).pictures if "distance" in f}


def test_solo_boxes_and_names_of_colours(tmp_path: Path):
    made.solo(tmp_path)
    found = understood(tmp_path)
    assert [frame.picture.file.split("/")[0] for frame in found.frames] == ["sequence.0", "sequence.1", "sequence.10"]
    assert edges(tmp_path, found) == [[4, 2, 9, 8]]
    assert found.passes["classes"].names == {str(255 + (255 << 24)): "Crate"}


def test_carla_red_is_the_least_byte_of_depth_and_holds_the_class(tmp_path: Path):
    made.carla(tmp_path)
    found = understood(tmp_path)
    assert numbers(tmp_path, found, "depth")[0, 0, 0] == pytest.approx(1000 * (1 + 256 * 2 + 65536 * 3) / (2**24 - 1), rel=1e-6)
    assert np.unique(numbers(tmp_path, found, "classes")).tolist() == [1, 12, 14]


def test_kubric_ray_depth_palette_flow_and_boxes_of_the_frame(tmp_path: Path):
    made.kubric(tmp_path)
    found = understood(tmp_path)
    assert found.passes["depth"].kind == PassKind.DISTANCE
    depth = read_pass(tmp_path, found.frames[0].passes["depth"], found.passes["depth"])
    assert background(depth, found.passes["depth"]).mean() == pytest.approx(0.5)
    # The palette's indices, not its colours; flow's range is in data_ranges.json, x comes second.
    assert np.unique(numbers(tmp_path, found, "instances")).tolist() == [0, 1, 2]
    assert numbers(tmp_path, found, "forward_flow")[3, 3] == pytest.approx([-2.0, 6.0])
    # Boxes are y before x, in shares; the second one is of frame 2.
    assert edges(tmp_path, found) == [[16, 6, 32, 18]]
    assert edges(tmp_path, found, frame=2) == [[0, 0, 16, 12]]
    assert edges(tmp_path, found, frame=1) == []


def test_virtual_kitti_boxes_are_left_right_top_bottom_of_one_camera(tmp_path: Path):
    made.vkitti2(tmp_path)
    found = understood(tmp_path)
    by_file = {frame.picture.file: place for place, frame in enumerate(found.frames)}
    assert edges(tmp_path, found, frame=by_file["Scene01/clone/frames/rgb/Camera_1/rgb_00000.jpg"]) == [[11, 3, 22, 9]]
    assert edges(tmp_path, found, frame=by_file["Scene01/clone/frames/rgb/Camera_0/rgb_00001.jpg"]) == [[12, 4, 23, 10]]
    stored = read_pass(tmp_path, found.frames[0].passes["depth"], found.passes["depth"])
    assert background(stored, found.passes["depth"])[0, 0]  # 65535 is the sky


def test_airsim_files_of_one_row_belong_together_and_pfm_starts_at_the_top(tmp_path: Path):
    made.airsim(tmp_path)
    found = understood(tmp_path)
    assert found.frames[1].passes["depth"].file == "images/img_Car_0_1_1001001.pfm"
    assert numbers(tmp_path, found, "depth")[0, 0] == 0


def test_rhd_depth_is_two_bytes_of_five_metres(tmp_path: Path):
    made.rhd(tmp_path)
    found = understood(tmp_path)
    assert numbers(tmp_path, found, "depth")[0, 0, 0] == pytest.approx(51 * 257 / 65535 * 5)
    assert "training/anno_training.pickle" in found.copied
    assert any("pickled" in note for note in found.notes)


def test_falling_things_depth_is_a_tenth_of_a_millimetre_and_eyes_are_frames(tmp_path: Path):
    made.falling_things(tmp_path)
    found = understood(tmp_path)
    assert numbers(tmp_path, found, "depth")[9, 9, 0] == pytest.approx(made.depth16()[9, 9] / 10)
    assert found.frames[1].passes["depth"].file == "kitchen_0/000000.right.depth.png"
    assert edges(tmp_path, found) == [[2, 3, 12, 9]]


def test_dope_sentinels_are_background_not_values(tmp_path: Path):
    made.dope(tmp_path)
    found = understood(tmp_path)
    depth = read_pass(tmp_path, found.frames[0].passes["depth"], found.passes["depth"])
    assert background(depth, found.passes["depth"]).mean() == pytest.approx(0.5)
    assert np.unique(numbers(tmp_path, found, "instances")).tolist() == [-1, 3]
    assert edges(tmp_path, found) == [[2, 3, 12, 9]]


def test_blenderproc_normals_are_mapped_to_0_1_and_stereo_gives_two_frames_of_one_file(tmp_path: Path):
    made.blenderproc(tmp_path, stereo=True)
    found = understood(tmp_path)
    assert [frame.name for frame in found.frames[:2]] == ["0:left", "0:right"]
    assert [frame.passes["depth"].row for frame in found.frames[:2]] == [0, 1]
    length = np.linalg.norm(numbers(tmp_path, found, "normals"), axis=2)
    assert length == pytest.approx(1, abs=0.02)


def test_hypersim_takes_linear_colour_and_leaves_its_previews(tmp_path: Path):
    made.hypersim(tmp_path)
    found = understood(tmp_path)
    assert found.picture.linear
    assert found.frames[0].picture.key == "dataset"
    assert found.passes["depth"].kind == PassKind.DISTANCE
    assert sum(file.endswith(("jpg", "png")) for file in found.copied) == 4
    said = read_frames(tmp_path, image=["*.tonemap.jpg"])
    assert all(frame.picture.file.endswith(".tonemap.jpg") for frame in said.frames)


def test_mitsuba_background_is_depth_0(tmp_path: Path):
    made.mitsuba(tmp_path)
    found = understood(tmp_path)
    assert found.frames[0].picture.channels == ("R", "G", "B")
    stored = read_pass(tmp_path, found.frames[0].passes["depth"], found.passes["depth"])
    assert background(stored, found.passes["depth"]).all()


@pytest.mark.parametrize("version", [4, 5])
def test_blender_multilayer(version: int, tmp_path: Path):
    for n in (1, 2, 10):
        made.blender(tmp_path / f"a_{n}.exr", version)
    found = understood(tmp_path)
    assert [frame.name for frame in found.frames] == ["a_1", "a_2", "a_10"]
    expected = {"depth", "normals", "instances", "motion_before", "motion_after", "uv", "cryptoobject00"}
    assert (found.layout, set(found.passes), found.picture.linear) == ("blender", expected, True)
    # Vector counts y upwards: this pixel was at (x + X, y - Y), and will be at (x - Z, y + W).
    assert numbers(tmp_path, found, "motion_before")[0, 0].tolist() == [1, -2]
    assert numbers(tmp_path, found, "motion_after")[0, 0].tolist() == [-3, 4]
    assert found.frames[0].passes["uv"].channels == ("ViewLayer.UV.U", "ViewLayer.UV.V", "ViewLayer.UV.A")
    assert np.unique(numbers(tmp_path, found, "instances")).tolist() == [0, 1, 300]
    depth = read_pass(tmp_path, found.frames[0].passes["depth"], found.passes["depth"])
    assert background(depth, found.passes["depth"]).mean() == pytest.approx(0.5)


@pytest.mark.parametrize("version", [4, 5])
def test_blender_stereo_keeps_both_eyes(version: int, tmp_path: Path):
    made.blender(tmp_path / "s.exr", version, stereo=True)
    found = understood(tmp_path)
    left, right = found.frames
    assert (left.name, right.name) == ("s:left", "s:right")
    assert left.picture != right.picture
    assert left.passes["depth"] != right.passes["depth"]


def test_blender_files_of_different_passes_in_one_folder(tmp_path: Path):
    made.blender(tmp_path / "mono.exr", 4)
    made.blender(tmp_path / "stereo.exr", 4, stereo=True)
    found = understood(tmp_path)
    assert [frame.name for frame in found.frames] == ["mono", "stereo:left", "stereo:right"]
    for frame, name in ((f, n) for f in found.frames for n in found.passes):
        assert combine(read_pass(tmp_path, frame.passes[name], found.passes[name]), found.passes[name]).shape[:2] == SIZE


def test_an_exr_beside_a_png_of_one_frame_stops(tmp_path: Path):
    for n in range(2):
        made.blender(tmp_path / f"f{n}.exr", 4)
        made.save(tmp_path, f"f{n}.png", made.photo(n))
    (doubt,) = read_frames(tmp_path).doubts
    assert str(doubt) == "f0.exr is a picture, but f0.png shows the same frame: say --image '*.png' or --copy '*.png'"
    assert len(read_frames(tmp_path, copy=["*.png"]).settled(tmp_path).frames) == 2
    assert read_frames(tmp_path, image=["*.png"]).settled(tmp_path).frames[0].picture.file == "f0.png"


def test_what_has_no_picture_says_what_is_missing(tmp_path: Path):
    made.replicator(tmp_path)
    for file in tmp_path.glob("rgb_*"):
        file.unlink()
    found: Any = read_frames(tmp_path)
    assert (found.frames, found.missing) == ((), "there is no rgb_0000.png or the like")


def test_blender_multilayer_beside_files_of_single_passes(tmp_path: Path):
    made.blender(tmp_path / "multi_1.exr", 5)
    made.file_output(tmp_path / "out")
    found = understood(tmp_path)
    assert [frame.name for frame in found.frames] == ["multi_1", "out/Image", "out/Image0001"]
    for frame in found.frames:
        assert read_pass(tmp_path, frame.passes["depth"], found.passes["depth"]).shape[:2] == SIZE
    assert [found.picture.is_linear(frame.picture) for frame in found.frames] == [True, False, False]
