"""UnityEyes: the crop, its labels, and files that are not as they should be."""

import json

import gaze_layouts
import numpy as np
import pytest
from gantool_gaze.unityeyes import open_unityeyes, parse_vector

from gantool import GantoolError

SIZE = (36, 60)


def dark_middle(image):
    dark = 255.0 - image[..., 0]
    dark[dark < 100] = 0
    rows, columns = np.mgrid[: dark.shape[0], : dark.shape[1]]
    return np.array([(columns * dark).sum(), (rows * dark).sum()]) / dark.sum()


@pytest.mark.parametrize("size", [(36, 60), (35, 55), (64, 64)])
def test_labels_in_pixels_are_where_the_iris_is_in_the_crop(tmp_path, size):
    gaze_layouts.write_unityeyes(tmp_path, count=5)
    domain = open_unityeyes(tmp_path, size=size)
    assert len(domain) == 5
    for index in range(5):
        image = domain[index]
        assert (image.shape, image.dtype) == ((*size, 1), np.uint8)
        assert domain.labels["pupil_xy"][index] == pytest.approx(dark_middle(image), abs=0.15)


def test_the_crop_is_as_wide_as_zoom_says_around_the_middle_of_the_lids(tmp_path):
    gaze_layouts.write_unityeyes(tmp_path, count=1)
    for zoom in (1.0, 1.5, 3.0):
        corners = open_unityeyes(tmp_path, size=SIZE, zoom=zoom).labels["corners_xy"][0]
        assert corners[1, 0] - corners[0, 0] == pytest.approx(60 / zoom, abs=1e-3)
        assert corners.mean(0) == pytest.approx([29.5, 17.5], abs=1e-3)


def test_a_crop_may_reach_beyond_the_picture(tmp_path):
    gaze_layouts.write_unityeyes(tmp_path, count=1, size=(200, 220))
    domain = open_unityeyes(tmp_path, size=SIZE, zoom=6)
    assert domain.labels["pupil_xy"][0] == pytest.approx(dark_middle(domain[0]), abs=0.15)
    assert domain[0][0, 0, 0] == pytest.approx(190, abs=3), "the picture's border goes on"


def test_labels_of_directions(tmp_path):
    gaze_layouts.write_unityeyes(tmp_path, count=2, looks=[(0.2209, 0.4703), (0.0, -0.5)])
    labels = open_unityeyes(tmp_path, size=SIZE).labels
    assert labels["gaze_pitch_yaw_rad"][0] == pytest.approx([0.48968, -0.25300], abs=2e-4)
    assert labels["gaze_pitch_yaw_rad"][1] == pytest.approx([-np.pi / 6, 0], abs=2e-4)
    assert labels["gaze_xyz"][1] == pytest.approx([0, 0.5, -np.sqrt(0.75)], abs=2e-4), "y down"
    assert np.degrees(labels["head_pitch_yaw_rad"][0]) == pytest.approx([9.846, -10.152], abs=0.01)
    shapes = {name: values.shape for name, values in labels.items()}
    assert shapes["lids_xy"] == (2, 16, 2)
    assert shapes["iris_xy"] == (2, 32, 2)


def test_files_are_in_the_order_of_their_numbers(tmp_path):
    gaze_layouts.write_unityeyes(tmp_path / "imgs", count=11)
    names = open_unityeyes(tmp_path, size=SIZE).names  # the folder that holds `imgs` serves, too
    assert [name.rsplit("/", 1)[1] for name in names] == [f"{number}.jpg" for number in range(1, 12)]


@pytest.mark.parametrize(
    "text",
    [
        "(0.1, 0.2, -0.97, 0.0)",
        "(0.1,0.2,-0.97,0.0)",
        " (0.1, 0.2, -0.97) ",
        "0.1, 0.2, -0.97",
        "(0,1, 0,2, -0,97, 0,0)",
        "(1e-1, .2, -97e-2)",
    ],
)
def test_vectors_as_unity_writes_them_in_all_countries(text):
    assert parse_vector(text, 3, "f") == pytest.approx([0.1, 0.2, -0.97])


@pytest.mark.parametrize("text", ["", "()", "(0.1, 0.2)", "(a, b, c)", "(nan, 0.0, 1.0)", "__import__('os')", None, 3])
def test_other_vectors_are_refused(text):
    with pytest.raises(GantoolError, match=r"^x\.json: look_vec is .* not 3 or more numbers"):
        parse_vector(text, 3, "x.json: look_vec")


def damaged(tmp_path, change):
    gaze_layouts.write_unityeyes(tmp_path, count=3)
    file = tmp_path / "2.json"
    details = json.loads(file.read_text())
    change(details)
    file.write_text(json.dumps(details))
    return open_unityeyes(tmp_path, size=SIZE)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d["eye_details"].update(look_vec="0.1 0.2 0.3"), "look_vec is '0.1 0.2 0.3', not 3"),
        (lambda d: d["eye_details"].update(look_vec="(0, 0, 0, 0)"), "no direction"),
        (lambda d: d.pop("eye_details"), "no eye_details.look_vec"),
        (lambda d: d.pop("head_pose"), "head_pose is None"),
        (lambda d: d.update(iris_2d=d["iris_2d"][:9]), "differ in how many points"),
    ],
)
def test_labels_that_are_damaged_name_their_file_and_leave_images_alone(tmp_path, change, message):
    domain = damaged(tmp_path, change)
    assert domain[1].shape == (*SIZE, 1)
    with pytest.raises(GantoolError, match=message) as caught:
        domain.labels["gaze_pitch_yaw_rad"]
    assert "\n" not in str(caught.value)
    assert "2.json" in str(caught.value) or "differ" in message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(caruncle_2d=[]), "2.json: caruncle_2d is not a list of 1"),
        (lambda d: d.update(interior_margin_2d=d["interior_margin_2d"][:8]), "interior_margin_2d is not a list of 9"),
        (lambda d: d["iris_2d"].__setitem__(3, "(1)"), "a point of iris_2d is '\\(1\\)', not 2"),
        (lambda d: d.update(caruncle_2d=[d["interior_margin_2d"][8]]), "cannot be cropped"),
    ],
)
def test_points_without_which_there_is_no_crop(tmp_path, change, message):
    domain = damaged(tmp_path, change)
    assert domain[0].shape == (*SIZE, 1)
    with pytest.raises(GantoolError, match=message):
        domain[1]


def test_a_broken_json_file_and_a_broken_image_are_named(tmp_path):
    gaze_layouts.write_unityeyes(tmp_path, count=2)
    (tmp_path / "1.json").write_text('{"iris_2d": ')
    (tmp_path / "2.jpg").write_bytes((tmp_path / "2.jpg").read_bytes()[:500])
    domain = open_unityeyes(tmp_path, size=SIZE)
    for index, message in ((0, r"cannot read .*1\.json"), (1, r"cannot read image .*2\.jpg")):
        with pytest.raises(GantoolError, match=message):
            domain[index]


def test_an_image_without_its_json_file_is_found_at_once(tmp_path):
    gaze_layouts.write_unityeyes(tmp_path, count=3)
    (tmp_path / "2.json").unlink()
    with pytest.raises(GantoolError, match=r"2\.json is missing, and 0 more"):
        open_unityeyes(tmp_path, size=SIZE)


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_a_folder_without_images(tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(GantoolError, match="UnityEyes wrote"):
        open_unityeyes(tmp_path / name, size=SIZE)


def test_a_byte_order_mark_is_no_damage(tmp_path):
    gaze_layouts.write_unityeyes(tmp_path, count=1)
    file = tmp_path / "1.json"
    file.write_text(file.read_text(), encoding="utf-8-sig")
    assert open_unityeyes(tmp_path, size=SIZE).labels["gaze_xyz"].shape == (1, 3)
