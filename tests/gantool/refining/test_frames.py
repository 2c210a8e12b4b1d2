"""What simulators write is refined: pictures alone, with passes and labels as they were, and true at another size."""

from __future__ import annotations

import json
import re
from pathlib import Path

import h5py
import layouts_of_all as every
import numpy as np
import pytest
import simulators as made
from PIL import Image

from gantool.data.domains import Preprocess, Reading
from gantool.data.exr import read_channels, read_header
from gantool.data.frames import DEPTHS, Frames, LabelForm, LabelKind, Place
from gantool.data.layouts.choosing import read_frames
from gantool.data.opening import open_images
from gantool.data.records import boxes, read_records
from gantool.data.stored import read_pass
from gantool.errors import GantoolError
from gantool.refining.refine import refine

HALF = (made.H // 2, made.W // 2)


@pytest.fixture(params=every.WRITERS)
def tree(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    every.WRITERS[request.param](tmp_path / "in")
    return tmp_path / "in"


def all_passes(root: Path, found: Frames) -> dict[tuple[str, str], np.ndarray]:
    return {
        (frame.name, name): read_pass(root, place, found.passes[name])
        for frame in found.frames
        for name, place in frame.passes.items()
    }


def points_of(root: Path, place: Place, form: LabelForm) -> np.ndarray:
    """(N, numbers of a point), whether they are numbers or text."""
    numbers = [float(word) for word in re.findall(r"-?\d+(?:\.\d+)?", json.dumps(read_records(root, place)))]
    words = form.corners if form.kind == LabelKind.SIZE else form.point
    return np.reshape(numbers, (-1, len(words.split())))


def test_pictures_change_and_nothing_else(tree: Path, tmp_path: Path, trained, added, files):
    trained(added(0.2))
    found = read_frames(tree).settled(tree)
    pictures = {frame.picture.file for frame in found.frames}
    report = refine("run", input=tree, output=tmp_path / "out")
    assert (report.failed, report.refined) == ((), len(found.frames))
    assert found.summary() in report.notices
    before, after = files(tree), files(tmp_path / "out")
    assert set(before) == set(after)
    assert {file for file in before if before[file] != after[file]} == pictures
    again = read_frames(tmp_path / "out").settled(tree)
    assert (again.layout, again.frames) == (found.layout, found.frames)
    old, new = all_passes(tree, found), all_passes(tmp_path / "out", again)
    assert all(old[key].dtype == new[key].dtype and np.array_equal(old[key], new[key], equal_nan=True) for key in old)
    ours, theirs = open_images(tmp_path / "out"), open_images(tree)
    for index in range(len(ours)):
        assert not np.array_equal(ours[index][..., :3], theirs[index][..., :3]), ours.names[index]


def test_a_network_that_changes_nothing_leaves_every_value(tree: Path, tmp_path: Path, trained, added):
    trained(added(0))
    refine("run", input=tree, output=tmp_path / "out")
    ours, theirs = open_images(tmp_path / "out"), open_images(tree)
    lossy = any(file.endswith(".jpg") for file in ours.files)
    assert lossy or all(np.array_equal(ours[index], theirs[index]) for index in range(len(ours)))
    for file in {file for file in ours.files if file.endswith(".exr")}:
        for part in read_header(tree / file):
            for channel in part.channels:
                old, new = (read_channels(root / file, [channel], part=part.name) for root in (tree, tmp_path / "out"))
                assert np.array_equal(old, new, equal_nan=True), channel


def test_passes_masks_and_boxes_follow_the_size(tree: Path, tmp_path: Path, trained, added):
    trained(added(0))
    found = read_frames(tree).settled(tree)
    report = refine("run", input=tree, output=tmp_path / "out", size=HALF)
    assert report.failed == ()
    again = read_frames(tmp_path / "out").settled(tree)
    assert {(*open_images(tmp_path / "out")[index].shape[:2],) for index in range(len(again.frames))} == {HALF}
    old, new = all_passes(tree, found), all_passes(tmp_path / "out", again)
    for (frame, name), stored in new.items():
        assert stored.shape == (*HALF, old[frame, name].shape[2])
        if found.passes[name].kind not in {*DEPTHS, "normals", "albedo", "motion"}:
            assert set(np.unique(stored)) <= set(np.unique(old[frame, name])), "no value that was not there"
    for frame, smaller in zip(found.frames, again.frames, strict=True):
        for name, form in found.labels.items():
            if form.kind == LabelKind.MASKS:
                for place in smaller.labels.get(name, ()):
                    assert Image.open(tmp_path / "out" / place.file).size == HALF[::-1]
            if form.kind == LabelKind.BOXES and name in frame.labels:
                pairs = zip(frame.labels[name], smaller.labels[name], strict=True)
                for place, other in pairs:
                    was = boxes(read_records(tree, place), form, (made.H, made.W))
                    now = boxes(read_records(tmp_path / "out", other), form, HALF)
                    seen = was[:, 0] <= was[:, 2]
                    assert np.allclose(now[seen], was[seen] / 2, atol=1e-6)
                    assert np.array_equal(now[~seen], was[~seen]), "[-1, -1, -1, -1] says that nothing is seen"
            if form.kind in (LabelKind.KEYPOINTS, LabelKind.SIZE) and name in frame.labels:
                was, now = (
                    points_of(tree, frame.labels[name][0], form),
                    points_of(tmp_path / "out", smaller.labels[name][0], form),
                )
                assert np.array_equal(now[:, :2], was[:, :2] / 2)
                assert np.array_equal(now[:, 2:], was[:, 2:]), "whether it was seen, and how far away"


def test_values_above_1_come_back(tmp_path: Path, trained, added):
    made.blender(tmp_path / "in/a_0001.exr", 4)
    trained(added(-0.1))
    refine("run", input=tmp_path / "in", output=tmp_path / "out")
    channels = [f"ViewLayer.Combined.{c}" for c in "RGB"]
    old, new = (read_channels(tmp_path / where / "a_0001.exr", channels).astype(float) for where in ("in", "out"))
    seen = read_channels(tmp_path / "in/a_0001.exr", ["ViewLayer.Combined.A"]) > 0
    bright = (old > 1) & seen
    assert bright.any()
    assert old.dtype == new.dtype
    shares = new[bright] / old[bright]
    assert np.allclose(shares, shares[0], rtol=2e-3), "as many times as large as they were, one step darker"
    assert shares[0] < 0.95


def test_both_eyes_of_a_file_are_in_it(tmp_path: Path, trained, added):
    made.blenderproc(tmp_path / "in", stereo=True)
    trained(added(0.2))
    report = refine("run", input=tmp_path / "in", output=tmp_path / "out", batch_size=1)
    assert (report.refined, report.skipped) == (6, 0)
    with h5py.File(tmp_path / "in/0.hdf5") as old, h5py.File(tmp_path / "out/0.hdf5") as new:
        for eye in (0, 1):
            assert not np.array_equal(old["colors"][eye], new["colors"][eye])
        for name in set(old) - {"colors"}:
            assert np.array_equal(old[name][()], new[name][()])
    assert refine("run", input=tmp_path / "in", output=tmp_path / "out").skipped == 6


def test_copied_masks_follow_the_size_too(tmp_path: Path, trained, added, load):
    for n in range(3):
        made.save(tmp_path / "in", f"a/{n}.png", made.photo(n))
        made.save(tmp_path / "in", f"b/{n}.png", made.ids((0, 7, 200)))
    trained(added(0))
    with pytest.raises(GantoolError, match=r"b/0\.png looks like ids \(3 colours\)"):
        refine("run", input=tmp_path / "in", output=tmp_path / "out")
    with pytest.raises(GantoolError, match=r"--copy 'c/\*' matches no file"):
        refine("run", input=tmp_path / "in", output=tmp_path / "out", copy=["c/*"])
    refine("run", input=tmp_path / "in", output=tmp_path / "out", copy=["b/*"], size=HALF)
    mask = load(tmp_path / "out/b/0.png")
    assert mask.shape == HALF
    assert set(np.unique(mask)) == {0, 7, 200}


def test_doubts_of_the_real_side_name_its_options(tmp_path: Path):
    import gantool

    for n in range(3):
        made.save(tmp_path / "real", f"a/{n}.png", made.photo(n))
        made.save(tmp_path / "real", f"b/{n}.png", made.ids((0, 7, 200)))
        made.save(tmp_path / "fake", f"{n}.png", made.photo(n))
    with pytest.raises(GantoolError, match=r"say -o dataset\.real_image='a/\*' or -o dataset\.real_copy='b/\*'"):
        gantool.train("simgan", synthetic=tmp_path / "fake", real=tmp_path / "real", output=tmp_path / "run", steps=1)


def test_what_alpha_hides_is_neither_seen_nor_changed(tmp_path: Path, trained, added, load):
    seen = []
    for secret in (0, 255):
        image = made.photo(1, 4)
        image[..., 3] = 255
        image[:10, :10] = (secret, secret, secret, 0)
        made.save(tmp_path / f"in{secret}", "a.png", image)
        network = trained(added(0.3), preprocess=Preprocess(size=HALF), trained_size=HALF)
        network.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0].clone()))
        refine("run", input=tmp_path / f"in{secret}", output=tmp_path / f"out{secret}")
        after = load(tmp_path / f"out{secret}/a.png")
        assert (after[:10, :10] == (secret, secret, secret, 0)).all()
        assert not np.array_equal(after[10:, 10:, :3], image[10:, 10:, 2::-1])
        # What training reads is prepared alike.
        prepared = Preprocess(channels=3, size=HALF)(open_images(tmp_path / f"in{secret}")[0])
        seen.append(prepared)
    assert np.array_equal(seen[0], seen[2])
    assert np.array_equal(seen[1], seen[3])


def test_views(tmp_path: Path):
    made.blender(tmp_path / "a_0001.exr", 5)
    srgb, none = (open_images(tmp_path, Reading(view=name))[0] for name in ("srgb", "none"))
    assert srgb.shape == (made.H, made.W, 4)
    assert (none[..., :3] <= srgb[..., :3] + 1e-6).all()
    with pytest.raises(GantoolError, match=r"--view agx: choose one of srgb, none, or give a \.cube file"):
        open_images(tmp_path, Reading(view="agx"))


def test_a_ppm_is_a_picture(tmp_path: Path, trained, added):
    made.save(tmp_path / "in", "a.ppm", made.photo())
    trained(added(0.2))
    refine("run", input=tmp_path / "in", output=tmp_path / "out")
    assert Image.open(tmp_path / "out/a.ppm").format == "PPM"
    assert np.array_equal(open_images(tmp_path / "in")[0], made.photo())
    assert not np.array_equal(open_images(tmp_path / "out")[0], made.photo())


@pytest.mark.parametrize(
    "write", [lambda root: made.blender(root / "a_0001.exr", 5, stereo=True), made.hypersim], ids=["exr", "hdf5"]
)
def test_frames_train_and_say_what_they_are(write, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    import gantool

    write(tmp_path / "in")
    for n in range(2):
        made.save(tmp_path, f"real/{n}.png", made.photo(n))
    tiny = {"recipe.discriminator_warmup": 0, "generator.width": 4, "generator.blocks": 1}
    run = gantool.train(
        "simgan",
        **{"synthetic": tmp_path / "in", "real": tmp_path / "real", "output": tmp_path / "run", "quiet": False},
        **{"view": "none", "size": "16x16", "steps": 1, "batch_size": 2, "workers": 0, "log": ("none",), "options": tiny},
    )
    said = capsys.readouterr().err
    assert read_frames(tmp_path / "in").summary() in said
    assert refine(run, input=tmp_path / "in", output=tmp_path / "out").refined == 2
    refine(run, input=tmp_path / "in", output=tmp_path / "none", view="none", workers=2)
    refine(run, input=tmp_path / "in", output=tmp_path / "srgb", view="srgb")
    ours, none, srgb = (open_images(tmp_path / name, Reading(view="none"))[0] for name in ("out", "none", "srgb"))
    assert np.array_equal(ours, none), "refine takes the view of the run; workers write the same"
    assert not np.array_equal(ours, srgb)


def test_views_do_not_mix_in_one_folder(tmp_path: Path, trained, added):
    made.blender(tmp_path / "in/a_0001.exr", 4)
    (tmp_path / "a.cube").write_text("LUT_1D_SIZE 2\n0 0 0\n1 1 1\n")
    trained(added(0.2))
    refine("run", input=tmp_path / "in", output=tmp_path / "out")
    assert refine("run", input=tmp_path / "in", output=tmp_path / "out", view="srgb").skipped == 1
    for view in ("none", str(tmp_path / "a.cube")):
        with pytest.raises(GantoolError, match="was written by run run-1 with other settings"):
            refine("run", input=tmp_path / "in", output=tmp_path / "out", view=view)
    refine("run", input=tmp_path / "in", output=tmp_path / "cube", view=str(tmp_path / "a.cube"))
    (tmp_path / "a.cube").write_text("LUT_1D_SIZE 2\n0 0 0\n0.5 0.5 0.5\n")
    with pytest.raises(GantoolError, match="other settings"):
        refine("run", input=tmp_path / "in", output=tmp_path / "cube", view=str(tmp_path / "a.cube"))


@pytest.mark.parametrize("size", ["keep", HALF], ids=["keep", "half"])
@pytest.mark.parametrize("suffix", ["png", "tiff", "exr"])
def test_a_set_of_depth_alone_keeps_its_values_and_its_background(suffix: str, size, tmp_path: Path, trained, added):
    depth = np.full((made.H, made.W), 2000.0, np.float32)
    nothing = 65535.0 if suffix == "png" else 1e10
    depth[:, :5] = nothing  # an odd column: at half the size, one pixel is both
    depth[:2, 8:] = 0
    for n in range(2):
        name = f"in/depth_{n:04}.{suffix}"
        if suffix == "exr":
            made.exr(tmp_path / name, ("", dict.fromkeys("RGBA", depth)))
        else:
            made.save(tmp_path, name, depth.astype(np.uint16) if suffix == "png" else depth)
    images = open_images(tmp_path / "in")
    assert images.told[0].startswith(f"{tmp_path / 'in'}: 2 frames (plain): pictures (depth) such as depth_0000.{suffix}")
    assert images[0].shape == (made.H, made.W, 1)
    assert images[0].max() == np.float32(nothing)
    trained(added(0.1), channels=1, preprocess=Preprocess(channels=1, value_range=(1000.0, 3000.0)))
    assert refine("run", input=tmp_path / "in", output=tmp_path / "out", size=size).failed == ()
    after = open_images(tmp_path / "out")[0][..., 0]
    assert set(np.unique(after).tolist()) == {0.0, 2100.0, float(np.float32(nothing))}
    edge = 5 if size == "keep" else 2
    assert (after[2:, :edge] == np.float32(nothing)).all()
    assert (after[2:, 5:] == 2100).all()
    if suffix == "exr":
        assert all(np.array_equal(read_channels(tmp_path / "out/depth_0000.exr", [c])[..., 0], after) for c in "RGBA")


def test_depth_that_says_nothing_here_is_left_where_no_range_is_said(tmp_path: Path, trained, added):
    made.save(tmp_path / "in", "depth/0.png", made.depth16())
    made.save(tmp_path / "in", "depth/1.png", made.depth16(65535))
    trained(added(0.1), channels=1)
    refine("run", input=tmp_path / "in", output=tmp_path / "out")
    for number, value in enumerate((0, 65535)):
        after = open_images(tmp_path / "out")[number][..., 0]
        assert (after[:4] == value).all()
        assert (after[4:] > made.depth16()[4:]).all()


def test_masks_of_another_size_keep_the_ratio_and_what_stays_is_named(tmp_path: Path, trained, added):
    for n in range(2):
        made.save(tmp_path, f"in/images/{n}.png", made.photo(n))
        made.save(tmp_path, f"in/masks/{n}.png", made.ids()[::2, ::2])
        made.save(tmp_path, f"in/previews/{n}.jpg", made.photo(n))
        made.save(tmp_path, f"in/more/{n}.json", {"x": 3, "name": "7", "at": "(1.5, 2)"})
    trained(added(0))
    report = refine("run", input=tmp_path / "in", output=tmp_path / "out", size=HALF, copy=["previews/*"])
    assert report.failed == ()
    assert Image.open(tmp_path / "out/masks/0.png").size == (made.W // 4, made.H // 4)
    (note,) = [text for text in report.notices if "left as they are" in text]
    assert "more/0.json and its like (x, name, at); previews/0.jpg and its like (its size)" in note


@pytest.mark.parametrize("write", [made.bop, made.vkitti2, made.solo])
def test_numbers_that_a_layout_knows_are_not_said_to_be_unknown(write, tmp_path: Path, trained, added):
    write(tmp_path / "in")
    trained(added(0))
    report = refine("run", input=tmp_path / "in", output=tmp_path / "out", size=HALF)
    said = " ".join(text for text in report.notices if "left as they are" in text)
    assert not {word for word in ("obj_id", "bbox_visib", "its numbers", "origin", "dimension", "location") if word in said}
