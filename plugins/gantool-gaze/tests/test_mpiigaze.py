"""MPIIGaze: sides and mirroring, lists, persons, and files that are not as they should be."""

import gaze_layouts
import numpy as np
import pytest
from gantool_gaze.datasets import unityeyes_mpiigaze
from gantool_gaze.mpiigaze import Choice, find_mpiigaze, read_day
from gantool_gaze.options import MPIIGazeOptions
from scipy.io import loadmat, savemat

from gantool import GantoolError

SIZE = (36, 60)
LIST = "Evaluation Subset/sample list for eye image/p00.txt"


def open_all(root, choice=None, subjects=("p00",), size=SIZE):
    return find_mpiigaze(root).open(subjects, choice or Choice(), size=size)


def stored(root, subject="p00", day=1):
    return loadmat(root / f"Data/Normalized/{subject}/day{day:02}.mat", struct_as_record=False, squeeze_me=True)["data"]


def test_all_images_of_both_eyes_day_by_day(tmp_path):
    gaze_layouts.write_mpiigaze(tmp_path, frames=3, days=2)
    domain = open_all(tmp_path)
    assert len(domain) == 12
    assert domain.labels["eye"].tolist() == (["left"] * 3 + ["right"] * 3) * 2
    assert np.array_equal(domain[1][..., 0], stored(tmp_path).left.image[1])
    assert np.array_equal(domain[6][..., 0], stored(tmp_path, day=2).left.image[0])
    assert domain.names[4].endswith("day01.mat:0002.jpg right")


def test_left_eyes_are_as_stored_and_right_ones_mirrored_with_their_labels(tmp_path):
    gaze_layouts.write_mpiigaze(tmp_path, days=1)
    domain, plain = open_all(tmp_path), open_all(tmp_path, Choice(mirror=False))
    data = stored(tmp_path)
    assert np.array_equal(domain[0], plain[0])
    assert np.array_equal(domain[3], plain[3][:, ::-1])
    x, y, z = data.left.gaze[0]
    assert domain.labels["gaze_pitch_yaw_rad"][0] == pytest.approx([np.arcsin(-y), np.arctan2(-x, -z)], abs=1e-6)
    x, y, z = data.right.gaze[0]
    assert domain.labels["gaze_pitch_yaw_rad"][3] == pytest.approx([np.arcsin(-y), -np.arctan2(-x, -z)], abs=1e-6)
    assert domain.labels["gaze_xyz"][3] == pytest.approx([-x, y, z], abs=1e-6)
    assert domain.labels["head_pitch_yaw_rad"][3] == pytest.approx(plain.labels["head_pitch_yaw_rad"][3] * (1, -1), abs=1e-6)


def test_one_frame_a_day_has_no_fewer_axes(tmp_path):
    gaze_layouts.write_mpiigaze(tmp_path, days=1, frames=1)
    assert len(open_all(tmp_path)) == 2


def test_the_evaluation_list_says_which_images_and_sides(tmp_path):
    gaze_layouts.write_mpiigaze(tmp_path, frames=3, days=2)
    domain = open_all(tmp_path, Choice(evaluation=True))
    data = stored(tmp_path)
    assert domain.labels["eye"].tolist() == ["left", "right"] * 2
    assert np.array_equal(domain[0][..., 0], data.left.image[0])
    assert np.array_equal(domain[1][..., 0], data.right.image[2][:, ::-1])
    assert len(open_all(tmp_path, Choice(evaluation=True, sides=("left",)))) == 2


def test_the_folder_of_subjects_serves_too(tmp_path):
    gaze_layouts.write_mpiigaze(tmp_path)
    copy = find_mpiigaze(tmp_path / "Data" / "Normalized")
    assert copy.subjects() == ["p00", "p01"]
    assert len(copy.open(["p01"], Choice(evaluation=True), size=SIZE)) == 4


def test_images_are_brought_to_the_size_that_is_asked_for(tmp_path):
    gaze_layouts.write_mpiigaze(tmp_path)
    assert open_all(tmp_path, size=(35, 55))[0].shape == (35, 55, 1)


def pair(tmp_path, **options):
    if not (tmp_path / "unity").exists():
        gaze_layouts.write_unityeyes(tmp_path / "unity")
        gaze_layouts.write_mpiigaze(tmp_path / "mpii", subjects=("p00", "p01", "p02"))
    config = MPIIGazeOptions(synthetic=str(tmp_path / "unity"), real=str(tmp_path / "mpii"), **options)
    return unityeyes_mpiigaze(config=config)


def persons(domain):
    return sorted(set(domain.labels["subject"].tolist()))


def test_nobody_is_held_out_unless_asked_for(tmp_path):
    found = pair(tmp_path)
    assert found.test is None
    assert persons(found.target) == ["p00", "p01", "p02"]


def test_held_out_persons_are_not_trained_on(tmp_path):
    found = pair(tmp_path, test_subjects="p01")
    assert (persons(found.target), persons(found.test)) == (["p00", "p02"], ["p01"])
    assert (len(found.target), len(found.test)) == (24, 4), "tested on the list"
    seen = {found.target[index].tobytes() for index in range(len(found.target))}
    assert not seen & {found.test[index].tobytes() for index in range(len(found.test))}
    assert next(iter(found.test.labels)) == "gaze_pitch_yaw_rad", "what evaluate takes"
    found = pair(tmp_path, subjects="p00", test_subjects="p01, p02", images="evaluation", test_images="all", eyes="right")
    assert (persons(found.target), persons(found.test)) == (["p00"], ["p01", "p02"])
    assert (len(found.target), len(found.test)) == (2, 12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"subjects": "p03"}, "dataset.subjects: .* has no subject 'p03'; it has: p00, p01, p02"),
        ({"subjects": "p00,p01", "test_subjects": "p01"}, "subject p01 is in dataset.subjects and in"),
        ({"test_subjects": "p00,p01,p02"}, "names all 3 subjects"),
    ],
)
def test_persons_that_cannot_be(tmp_path, options, message):
    with pytest.raises(GantoolError, match=message):
        pair(tmp_path, **options)


def test_missing_paths_are_named():
    with pytest.raises(GantoolError, match="--synthetic is missing: give the folder that UnityEyes wrote"):
        unityeyes_mpiigaze(config=MPIIGazeOptions())


def damage(root, change):
    """Write day 1 of p00 anew with its fields changed."""
    sides = {side: gaze_layouts.eye(np.random.default_rng(0), 3) for side in ("left", "right")}
    names = ["0001.jpg", "0002.jpg", "0003.jpg"]
    change(sides, names)
    gaze_layouts.write_day(root / "Data/Normalized/p00/day01.mat", sides, names)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s, n: s["left"].update(image=s["left"]["image"][:2]), "data.left.image is 2x36x60 uint8, not 3xHxW"),
        (lambda s, n: s["left"].update(image=s["left"]["image"][0]), "data.left.image is 36x60"),
        (
            lambda s, n: s["left"].update(image=s["left"]["image"] / 255),
            "data.left.image is float64 with values other than whole",
        ),
        (lambda s, n: s["right"].update(gaze=s["right"]["gaze"][:, :2]), "data.right.gaze is 3x2"),
        (lambda s, n: s["right"]["gaze"].__setitem__((1, 1), np.nan), "data.right.gaze is 3x3 float64, not 3x3 finite"),
        (lambda s, n: s["right"]["gaze"].__setitem__(1, 0), "row of zeros"),
        (lambda s, n: s["right"].pop("pose"), "lacks .*pose"),
        (lambda s, n: s.pop("right"), "lacks .*right"),
        (lambda s, n: n.append("0004.jpg"), "not 4xHxW"),
    ],
)
def test_files_of_another_layout(tmp_path, change, message):
    gaze_layouts.write_mpiigaze(tmp_path)
    damage(tmp_path, change)
    with pytest.raises(GantoolError, match=message) as caught:
        open_all(tmp_path)
    assert "day01.mat" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_images_stored_as_numbers_are_the_same_images(tmp_path):
    gaze_layouts.write_mpiigaze(tmp_path, days=1)
    before = open_all(tmp_path)[0]
    data = {
        side: {name: getattr(getattr(stored(tmp_path), side), name) for name in ("image", "gaze", "pose")}
        for side in ("left", "right")
    }
    data["left"]["image"] = data["left"]["image"].astype(float)
    gaze_layouts.write_day(tmp_path / "Data/Normalized/p00/day01.mat", data, ["0001.jpg", "0002.jpg", "0003.jpg"])
    assert np.array_equal(open_all(tmp_path)[0], before)


@pytest.mark.parametrize("content", [b"", b"not a mat file", b"MATLAB 5.0 MAT-file" + bytes(200), "cut", "other", "v7.3"])
def test_files_that_are_no_mat_files_of_mpiigaze(tmp_path, content):
    gaze_layouts.write_mpiigaze(tmp_path)
    path = tmp_path / "Data/Normalized/p00/day01.mat"
    if content == "cut":
        content = path.read_bytes()[: path.stat().st_size // 2]
    elif content == "v7.3":
        content = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + bytes(512)
    if content == "other":
        savemat(path, {"something": np.zeros(3)})
    else:
        path.write_bytes(content)
    with pytest.raises(GantoolError, match=r"day01\.mat") as caught:
        read_day(path)
    assert "\n" not in str(caught.value)


def test_a_subject_without_files(tmp_path):
    gaze_layouts.write_mpiigaze(tmp_path)
    (tmp_path / "Data/Normalized/p02").mkdir()
    with pytest.raises(GantoolError, match=r"p02 has no \.mat files: leave p02 out"):
        open_all(tmp_path, subjects=("p00", "p02"))


def test_a_folder_without_subjects(tmp_path):
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(GantoolError, match="give MPIIGaze or its folder Data/Normalized"):
            find_mpiigaze(path).subjects()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("day01/0001.jpg\n", "p00.txt, line 1: 'day01/0001.jpg' is not of the form"),
        ("day01/0001.jpg left\n0001.jpg middle\n", "line 2"),
        ("day09/0001.jpg left\n", r"day09\.mat is missing"),
        ("day01/0099.jpg left\n", r"day01\.mat has no 0099\.jpg"),
        ("", "no left or right eyes of p00"),
        (None, r"cannot read .*p00\.txt: No such file or directory; images \(or test_images\) = all"),
    ],
)
def test_evaluation_lists_that_do_not_fit(tmp_path, text, message):
    gaze_layouts.write_mpiigaze(tmp_path)
    if text is None:
        (tmp_path / LIST).unlink()
    else:
        (tmp_path / LIST).write_text(text)
    with pytest.raises(GantoolError, match=message):
        open_all(tmp_path, Choice(evaluation=True))
