"""Folders that nobody's program is known to have written: nothing is guessed away, and nothing sure is doubted."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets_of_others as sets
import numpy as np
import pytest
import simulators as made
from PIL import Image

from gantool.data.domains import Arrangement
from gantool.data.frames import PassKind
from gantool.data.layouts import written
from gantool.data.layouts.choosing import describe_as_said, read_frames
from gantool.data.layouts.tree import Tree
from gantool.errors import GantoolError

Put = Callable[..., None]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """Saves an array under each of some names."""

    def write(content: Any, *names: str) -> None:
        for name in names:
            made.save(tmp_path, name, content)

    return write


def names(folder: str, count: int = 3, suffix: str = "png") -> list[str]:
    return [f"{folder}{n:03}.{suffix}" for n in range(count)]


GREY = made.photo(5)[..., 0]


def test_a_plain_folder_is_pictures_alone(put: Put, tmp_path: Path):
    put(made.photo(), *names("a/"), *names("b/cat_"))
    put("{}", "readme.json")
    found = read_frames(tmp_path).settled(tmp_path)
    assert (found.layout, len(found.frames), found.passes, found.copied) == ("plain", 6, {}, ("readme.json",))


@pytest.mark.parametrize("pixels", [made.depth16(), made.ids(), GREY, made.photo()], ids=["depth", "ids", "grey", "colour"])
@pytest.mark.parametrize("folder", ["depth/", "masks/", "", "normal/depth_"])
def test_a_set_of_one_kind_is_pictures_whatever_its_name(pixels: np.ndarray, folder: str, put: Put, tmp_path: Path):
    put(pixels, *names(folder))
    assert len(read_frames(tmp_path).settled(tmp_path).frames) == 3


def test_a_damaged_file_brings_no_doubt(put: Put, tmp_path: Path):
    put(made.ids(), *names("a/"))
    put(b"", "bad.png")
    assert len(read_frames(tmp_path).settled(tmp_path).frames) == 4


def test_names_of_classes_are_no_names_of_passes(put: Put, tmp_path: Path):
    put(made.photo(1), *names("normal/a", suffix="jpg"), *names("with_mask/b", suffix="jpg"), *names("pneumonia/c", suffix="jpg"))
    assert len(read_frames(tmp_path).settled(tmp_path).frames) == 9


@pytest.mark.parametrize(
    ("picture", "other", "kind", "layout"),
    [
        ("images/", "masks/", "classes", "folders"),
        ("train/images/", "train/labels/", "classes", "folders"),
        ("images/train/", "annotations/train/", "classes", "folders"),
        ("", "masks/", "classes", "folders"),
        ("rgb/", "instance/", "instances", "folders"),
        ("img_", "mask_", "classes", "companions"),
        ("images/img_", "images/img_mask_", "classes", "companions"),
        ("leftImg8bit/bonn_", "gtFine/bonn_", "classes", "folders"),
        ("image_2/", "semantic/", "classes", "folders"),
    ],
)
def test_passes_by_the_names_of_folders_and_files(picture: str, other: str, kind: str, layout: str, put: Put, tmp_path: Path):
    put(made.photo(), *names(picture))
    put(made.ids(), *names(other))
    found = read_frames(tmp_path).settled(tmp_path)
    assert (found.layout, len(found.frames), set(found.passes)) == (layout, 3, {kind})
    for frame in found.frames:
        assert frame.passes[kind].file[-7:] == frame.picture.file[-7:]


@pytest.mark.parametrize("other", ["{}_mask.png", "{}.mask.png", "{}_seg_0.png", "{}_labelIds.png", "{}-depth.png"])
def test_suffixed_companions(other: str, put: Put, tmp_path: Path):
    for n in range(3):
        put(made.photo(n), f"scan {n} (1).jpg")
        put(made.ids(), other.format(f"scan {n} (1)"))
    found = read_frames(tmp_path).settled(tmp_path)
    assert [frame.picture.file for frame in found.frames] == [f"scan {n} (1).jpg" for n in range(3)]
    assert all(len(frame.passes) == 1 for frame in found.frames)


@pytest.mark.parametrize(
    ("pixels", "why"),
    [
        (made.ids((0, 1, 4)), "looks like ids (3 colours)"),
        (made.colours(((9, 8, 7), (1, 2, 3))), "looks like ids (2 colours)"),
        (made.depth16(), "has one channel of 16 bits"),
        (GREY, "has the same name, in grey"),
        (made.normals(), "looks like normals"),
    ],
)
def test_what_could_be_either_stops_and_says_what_to_say(pixels: np.ndarray, why: str, put: Put, tmp_path: Path):
    put(made.photo(), *names("a/"))
    put(pixels, *names("b/"))
    (doubt,) = read_frames(tmp_path).doubts
    assert str(doubt) == f"a/000.png is a picture, but b/000.png {why}: say --image 'a/*' or --copy 'b/*' or --layout FILE.toml"
    with pytest.raises(GantoolError, match=r"b/000\.png .*--copy 'b/\*'"):
        read_frames(tmp_path).settled(tmp_path)
    for settled in (read_frames(tmp_path, image=["a/*"]), read_frames(tmp_path, copy=["b/*"])):
        assert {frame.picture.file for frame in settled.settled(tmp_path).frames} == set(names("a/"))
        assert set(names("b/")) <= set(settled.copied)


def test_patterns_to_say_take_no_other_file(put: Put, tmp_path: Path):
    for n in range(4):
        put(made.photo(n), f"scene{n % 2}/f00{n}.png")
        put(made.ids((0, 9)), f"scene{n % 2}/f00{n}_thing.png")
    (doubt,) = read_frames(tmp_path).doubts
    assert doubt.words == ("--image 'scene?/f???.png'", "--copy '*_thing.png'", "--layout FILE.toml")
    for settled in (read_frames(tmp_path, image=["scene?/f???.png"]), read_frames(tmp_path, copy=["*_thing.png"])):
        assert len(settled.settled(tmp_path).frames) == 4


def test_a_pass_by_its_name_that_looks_like_a_picture_is_in_doubt(put: Put, tmp_path: Path):
    put(made.photo(), *names("rgb/"))
    put(made.photo(3), *names("gt/"))
    (doubt,) = read_frames(tmp_path).doubts
    assert (doubt.first, doubt.second, doubt.why) == ("rgb/000.png", "gt/000.png", "is called classes and looks like a picture")


def test_a_picture_of_the_same_name_beside_one_that_is_called_so_is_in_doubt(put: Put, tmp_path: Path):
    put(made.photo(), *names("rgb/"))
    put(made.photo(3), *names("layer7/"))
    assert [doubt.second for doubt in read_frames(tmp_path).doubts] == ["layer7/000.png"]


def test_a_label_file_of_two_images_does_not_say_which_is_the_picture(put: Put, tmp_path: Path):
    put(made.photo(), *names("", suffix="jpg"))
    put(made.ids(), *names(""))
    put("<object/>", *names("", suffix="xml"))
    assert [(doubt.first, doubt.second) for doubt in read_frames(tmp_path).doubts] == [("000.jpg", "000.png")]


def test_files_of_a_pass_that_belong_to_no_picture_are_said(put: Put, tmp_path: Path):
    put(made.photo(), *names("images/"))
    put(made.ids(), "masks/000.png", "masks/900.png")
    notes = read_frames(tmp_path).settled(tmp_path).notes
    assert notes == (
        "of 3 frames, 2 lack classes, such as images/001.png",
        "no picture for 1 file of classes, such as masks/900.png",
    )


@pytest.mark.parametrize(
    ("write", "passes", "labels"),
    [
        (sets.coco_writer, {"instances"}, set()),
        (sets.coco_panoptic, {"instances"}, set()),
        (sets.synthia, {"classes", "instances", "shown", "depth"}, set()),
        (sets.gta5, {"classes"}, set()),
        (sets.unityeyes, set(), {"interior_margin", "iris", "caruncle", "gaze"}),
        (sets.voc, {"classes", "instances"}, {"annotations"}),
        (sets.yolo, {"classes"}, {"annotations"}),
        (sets.nuclei, set(), {"masks"}),
        (sets.vistas, {"classes", "instances"}, set()),
    ],
)
def test_data_sets_that_many_have(write: Callable[[Path], None], passes: set[str], labels: set[str], tmp_path: Path):
    write(tmp_path)
    found = read_frames(tmp_path).settled(tmp_path)
    assert found.notes == ()
    for frame in found.frames:
        assert (set(frame.passes), set(frame.labels)) == (passes, labels)
        for place in frame.passes.values():  # of the same frame
            assert re.findall(r"k?\d+x?", place.file)[-1] == re.findall(r"k?\d+x?", frame.picture.file)[-1]
    if write is sets.nuclei:
        assert [place.file for place in found.frames[1].labels["masks"]] == [
            f"stage1_train/0001/masks/0001{m}.png" for m in range(2)
        ]


def test_pictures_that_no_annotation_lists_are_noted_and_ids_among_them_doubted(put: Put, tmp_path: Path):
    put(made.ids((9, 8, 7)), *names("drawn/"))  # few colours, but listed
    put(made.photo(), "extra.png")
    listed = [{"id": n, "file_name": name} for n, name in enumerate(names("drawn/"))]
    put({"images": listed, "annotations": [], "categories": []}, "coco.json")
    found = read_frames(tmp_path).settled(tmp_path)
    assert (found.layout, len(found.frames)) == ("listed", 4)
    assert found.notes == ("also pictures: 1 image that no annotation lists, such as extra.png",)
    put(made.ids(), *names("what/"))
    assert [doubt.second for doubt in read_frames(tmp_path).doubts] == ["what/000.png"]


@pytest.mark.parametrize("label", ["labels/{}.txt", "annotations/{}.xml", "images/{}.json"])
def test_label_files_of_one_picture_each(label: str, put: Put, tmp_path: Path):
    put(made.photo(), *names("images/"))
    put("0 0.5 0.5 1 1", *[label.format(f"{n:03}") for n in range(3)])
    found = read_frames(tmp_path).settled(tmp_path)
    assert [frame.labels["annotations"][0].file for frame in found.frames] == [label.format(f"{n:03}") for n in range(3)]


def test_arrays_beside_pictures_are_passes_by_their_names_and_copied_else(put: Put, tmp_path: Path):
    put(made.photo(), *names("images/"))
    put(made.plane(), *names("depth/", suffix="npy"), *names("feature_", suffix="npy"))
    found = read_frames(tmp_path).settled(tmp_path)
    assert {name: form.kind for name, form in found.passes.items()} == {"depth": PassKind.DEPTH}
    assert found.copied == tuple(names("feature_", suffix="npy"))


@pytest.mark.parametrize("option", ["image", "copy"])
def test_a_pattern_that_matches_nothing_is_an_error(option: str, put: Put, tmp_path: Path):
    put(made.photo(), *names("a/"))
    with pytest.raises(GantoolError, match=rf"--{option} 'c/\*' matches no file of"):
        read_frames(tmp_path, **{option: ["c/*"]})


def test_said_pictures_keep_the_passes_that_a_layout_knows(tmp_path: Path):
    made.mixed(tmp_path)
    made.save(tmp_path, "thermal_0000.png", made.photo(9)[..., 0])
    assert [doubt.second for doubt in read_frames(tmp_path).doubts] == ["thermal_0000.png"]
    found = read_frames(tmp_path, image=["rgb_*"]).settled(tmp_path)
    assert set(found.passes) == {"depth", "normals", "classes", "instances"}
    assert "thermal_0000.png" in found.copied


def test_plain_by_name_takes_every_image(put: Put, tmp_path: Path):
    put(made.photo(), *names("a/"))
    put(made.ids(), *names("masks/"))
    assert len(read_frames(tmp_path, layout="plain").settled(tmp_path).frames) == 6
    with pytest.raises(GantoolError, match=r"--layout bop: .* is not laid out so"):
        read_frames(tmp_path, layout="bop")
    with pytest.raises(GantoolError, match=r"did you mean 'kubric'"):
        read_frames(tmp_path, layout="kubrik")


def test_a_folder_that_only_has_passes_says_so(put: Put, tmp_path: Path):
    put(made.depth16(), *names("depth/"))
    put(made.normals(), *names("normals/"))
    with pytest.raises(GantoolError, match=r"has no pictures: there are passes alone \(depth, normals\)"):
        read_frames(tmp_path).settled(tmp_path)


def test_few_files_are_decoded_of_a_large_set(put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    put(made.photo(), "rgb/000000.png")
    put(made.ids(), "masks/000000.png")
    for folder in ("rgb", "masks"):
        for n in range(1, 3000):
            (tmp_path / folder / f"{n:06}.png").hardlink_to(tmp_path / folder / "000000.png")
    opened: list[Any] = []
    real = Image.open
    monkeypatch.setattr(Image, "open", lambda file, *a, **k: (opened.append(file), real(file, *a, **k))[1])
    assert len(read_frames(tmp_path).settled(tmp_path).frames) == 3000
    assert len(opened) < 300


MINE = """
layout = "mine"
[picture]
files = "shot/{frame:d}.{png|jpg}"
[passes.depth]
files = "z/{frame:d}.png"
kind = "depth"
unit = "m"
scale = 0.001
background = [0]
[labels.boxes]
files = "boxes.json"
key = "{frame:d}/*"
kind = "boxes"
corners = "x0 y0 w h"
"""


def test_a_layout_in_a_dozen_lines(put: Put, tmp_path: Path):
    put(made.photo(), *names("set/shot/"))
    put(made.depth16(), *names("set/z/"))
    put({"1": [[1, 2, 3, 4]]}, "set/boxes.json")
    (tmp_path / "my.toml").write_text(MINE, encoding="utf-8")
    found = read_frames(tmp_path / "set", layout=str(tmp_path / "my.toml")).settled(tmp_path)
    assert (found.layout, found.passes["depth"].scale, found.frames[1].labels["boxes"][0].key) == ("mine", 0.001, "1/*")


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('kind = "depth"', 'kind = "deep"', r"\[passes.depth\] kind: Input should be"),
        ("unit", "units", r"\[passes.depth\] has an unknown entry 'units'; did you mean 'unit'"),
        ("[picture]", "[pictures]", "the file has an unknown entry 'pictures'; did you mean 'picture'"),
        ("z/{frame:d}.png", "z/a.png", "depth: z/a.png shares no field with the pictures"),
        ("shot/{frame:d}", "shot/{1}", r"\{1\} is no field"),
        ("shot/{frame:d}", "shot/{frame:d", "a { has no other half"),
        ("z/{frame:d}", "z/frame:d}", "a } has no other half"),
        ("layout = ", "layout ", "cannot read layout"),
        ('files = "shot/{frame:d}.{png|jpg}"', "", r"it needs \[picture\]"),
    ],
)
def test_faults_in_a_layout_file_are_named(before: str, after: str, message: str, put: Put, tmp_path: Path):
    put(made.photo(), *names("set/shot/"))
    (tmp_path / "my.toml").write_text(MINE.replace(before, after), encoding="utf-8")
    with pytest.raises(GantoolError, match=rf"my\.toml: .*{message}|{message} .*my\.toml"):
        read_frames(tmp_path / "set", layout=str(tmp_path / "my.toml"))


def test_files_that_a_layout_does_not_know_are_said_with_the_words_to_copy_them(put: Put, tmp_path: Path):
    put(made.photo(), *names("set/shot/"), "set/extra/a.png", "set/more/b_1.jpg", "set/more/b_2.jpg")
    put(made.depth16(), *names("set/z/"))
    put({"1": [[1, 2, 3, 4]]}, "set/boxes.json")
    (tmp_path / "my.toml").write_text(MINE, encoding="utf-8")
    (doubt,) = read_frames(tmp_path / "set", layout=str(tmp_path / "my.toml")).doubts
    assert str(doubt) == (
        "shot/000.png is a picture, but extra/a.png is nothing that this layout knows: "
        "say --copy 'extra/*' --copy 'more/*' or --layout FILE.toml"
    )
    found = read_frames(tmp_path / "set", layout=str(tmp_path / "my.toml"), copy=["extra/*", "more/*"]).settled(tmp_path)
    assert (len(found.frames), found.copied) == (3, ("extra/a.png", "more/b_1.jpg", "more/b_2.jpg"))


def said_in_a_file(root: Path, **said: list[str]) -> tuple[Any, Any]:
    """What a person says, and the same from the TOML that it is written as."""
    tree = Tree(root)
    text = written.write(describe_as_said(tree, Arrangement(**{name: tuple(value) for name, value in said.items()})))
    (root.parent / "said.toml").write_text(text, encoding="utf-8")
    return read_frames(root, **said), read_frames(root, layout=str(root.parent / "said.toml"))


@pytest.mark.parametrize("said", [{"copy": ["b/*"]}, {"image": ["a/*"]}, {"image": ["a/00[01].png"], "copy": ["b/000.png"]}])
def test_what_was_said_of_files_is_in_the_layout_that_is_printed(said: dict[str, list[str]], put: Put, tmp_path: Path):
    put(made.photo(), *names("set/a/"))
    put(made.ids(), *names("set/b/"))
    put(made.plane(), *names("set/depth/", suffix="npy"))
    first, again = said_in_a_file(tmp_path / "set", **said)
    assert (again.frames, again.passes, again.copied, again.doubts) == (first.frames, first.passes, first.copied, ())
    assert 0 < len(first.frames) < 6


def test_airsims_pairs_are_in_the_layout_that_is_printed(tmp_path: Path):
    made.airsim(tmp_path / "set")
    first, again = said_in_a_file(tmp_path / "set")
    assert (again.frames, again.passes) == (first.frames, first.passes)
    assert set(first.frames[0].passes) == {"depth", "classes"}
