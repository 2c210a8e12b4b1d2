"""The pair of .h5 files, Columbia's names, and the way into an .npz file."""

import gaze_layouts
import h5py
import numpy as np
import pytest
from click.testing import CliRunner
from gantool_gaze.__main__ import main
from gantool_gaze.columbia import find_columbia, open_columbia
from gantool_gaze.datasets import unityeyes_columbia
from gantool_gaze.h5 import open_h5
from gantool_gaze.options import ColumbiaOptions
from gantool_gaze.sources import layout_of, open_source

from gantool import GantoolError
from gantool.data.opening import open_images

SIZE = (36, 60)


def test_rows_of_look_vec_belong_to_the_images_that_path_names(tmp_path):
    look = gaze_layouts.write_h5_pair(tmp_path, count=12)  # the group lists them as 0, 1, 10, 11, 2, …
    domain = open_h5(tmp_path / "gaze.h5")
    for index in range(12):
        assert domain[index].shape == (35, 55, 1)
        x, y, z = look[int(domain[index][0, 0, 0]), :3] / np.linalg.norm(look[int(domain[index][0, 0, 0]), :3])
        assert domain.labels["gaze_pitch_yaw_rad"][index] == pytest.approx([np.arcsin(y), np.arctan2(-x, -z)], abs=1e-6)
    camera = open_h5(tmp_path / "gaze.h5", look_vec="camera").labels
    assert camera["gaze_pitch_yaw_rad"] == pytest.approx(domain.labels["gaze_pitch_yaw_rad"] * (-1, 1), abs=1e-6)


def test_the_real_file_has_no_labels(tmp_path):
    gaze_layouts.write_h5_pair(tmp_path, real=5)
    domain = open_h5(tmp_path / "real_gaze.h5")
    assert (len(domain), dict(domain.labels)) == (5, {})


def replace(file, name, data):
    del file[name]
    if data is not None:
        file.create_dataset(name, data=data)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: replace(f, "image", None), "no group 'image'"),
        (lambda f: replace(f, "path", None), "no 'path'"),
        (lambda f: replace(f, "path", [b"0.jpg"]), "no 'path'"),
        (lambda f: replace(f, "path", [b"77.jpg"] * 12), "no image for the path '77.jpg'"),
        (lambda f: replace(f, "path", [b"3.jpg"] * 12), "11 rows of 'path' name an image"),
        (lambda f: replace(f, "look_vec", np.zeros((12, 2))), "look_vec is 12x2"),
        (lambda f: replace(f, "look_vec", np.zeros((12, 3))), "look_vec, row 0 is no direction"),
        (lambda f: replace(f, "image/3", np.zeros((36, 60), np.uint8)), "several sizes: 35x55, 36x60"),
        (lambda f: replace(f, "image/3", np.full((35, 55), 0.5)), "image/3 is float64 with values other than whole"),
        (lambda f: replace(f, "image/3", np.zeros((35, 55, 3), np.uint8)), "image/3 is no grey image"),
    ],
)
def test_h5_files_of_another_layout(tmp_path, change, message):
    gaze_layouts.write_h5_pair(tmp_path)
    with h5py.File(tmp_path / "gaze.h5", "a") as file:
        change(file)
    with pytest.raises(GantoolError, match=message) as caught:
        open_h5(tmp_path / "gaze.h5")
    assert "gaze.h5" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_h5_files_that_are_none(tmp_path):
    (tmp_path / "gaze.h5").write_bytes(b"nothing")
    for name, message in (("gaze.h5", r"cannot read .*gaze\.h5"), ("nowhere.h5", "is no file"), ("", "is no file")):
        with pytest.raises(GantoolError, match=message):
            open_h5(tmp_path / name)


def columbia(folder, **options):
    images = [path for paths in find_columbia(folder).values() for path in paths]
    domain = open_columbia(images, name="columbia", size=SIZE, **options)
    return domain, [path.stem for path in images]


def test_columbia_names_are_angles_and_right_eyes_are_mirrored(tmp_path):
    gaze_layouts.write_columbia(tmp_path)
    domain, names = columbia(tmp_path)
    plain, _ = columbia(tmp_path, mirror=False)
    left, right = (names.index(f"0001_2m_-15P_10V_-10H_{side}") for side in "LR")
    degrees = np.degrees(domain.labels["gaze_pitch_yaw_rad"])
    assert degrees[left] == pytest.approx([9.848, 10], abs=0.01), "-10H is to the image's left"
    assert degrees[right] == pytest.approx([9.848, -10], abs=0.01)
    assert np.degrees(domain.labels["head_pitch_yaw_rad"])[left] == pytest.approx([0, 15], abs=1e-4)
    assert np.array_equal(domain[right], plain[right][:, ::-1])
    assert np.array_equal(domain[left], plain[left])
    assert domain.labels["subject"][left] == "0001"


def test_columbia_holds_persons_out(tmp_path):
    gaze_layouts.write_unityeyes(tmp_path / "unity", count=1)
    gaze_layouts.write_columbia(tmp_path / "real", subjects=("0001", "0002", "0003"), sides=("",))
    config = ColumbiaOptions(synthetic=str(tmp_path / "unity"), real=str(tmp_path / "real"), test_subjects="0002")
    found = unityeyes_columbia(config=config)
    assert set(found.target.labels["subject"]) == {"0001", "0003"}
    assert set(found.test.labels["subject"]) == {"0002"}


def test_columbia_names_of_another_form(tmp_path):
    gaze_layouts.write_columbia(tmp_path)
    (tmp_path / "0001" / "IMG_1.jpg").write_bytes(b"")
    with pytest.raises(GantoolError, match=r"IMG_1\.jpg: the name is not of the form"):
        find_columbia(tmp_path)
    (tmp_path / "empty").mkdir()
    for name in ("empty", "nowhere"):
        with pytest.raises(GantoolError, match="0001_2m_0P_0V_0H"):
            find_columbia(tmp_path / name)


def write(kind, folder):
    if kind == "unityeyes":
        gaze_layouts.write_unityeyes(folder, count=3)
    elif kind == "mpiigaze":
        gaze_layouts.write_mpiigaze(folder)
    elif kind == "columbia":
        gaze_layouts.write_columbia(folder)
    else:
        folder.mkdir()
        gaze_layouts.write_h5_pair(folder)
        return folder / "gaze.h5"
    return folder


@pytest.mark.parametrize("kind", ["unityeyes", "mpiigaze", "columbia", "h5"])
def test_convert_writes_what_the_host_reads(tmp_path, kind):
    source, out = write(kind, tmp_path / "source"), tmp_path / "out.npz"
    assert layout_of(source) == kind
    result = CliRunner().invoke(main, ["convert", str(source), str(out)])
    assert result.exit_code == 0, result.output
    domain, images = open_source(source, size=SIZE), open_images(out)
    assert f"{len(domain)} images" in result.output
    assert len(images) == len(domain)
    assert all(np.array_equal(images[index], domain[index]) for index in range(len(domain)))
    assert set(images.labels) == set(domain.labels)
    assert all(np.array_equal(images.labels[name], values) for name, values in domain.labels.items())
    assert not list(tmp_path.glob(".out*")), "nothing is left over"


def test_convert_takes_some_subjects_and_lists(tmp_path):
    source = write("mpiigaze", tmp_path / "source")
    result = CliRunner().invoke(
        main, ["convert", str(source), str(tmp_path / "o.npz"), "--subjects", "p01", "--evaluation", "--size", "20", "30"]
    )
    assert result.exit_code == 0, result.output
    images = open_images(tmp_path / "o.npz")
    assert (len(images), images[0].shape) == (4, (20, 30, 1))


@pytest.mark.parametrize(
    ("kind", "more", "message"),
    [
        ("unityeyes", ["--subjects", "p00"], "has no subjects"),
        ("columbia", ["--evaluation"], "has no evaluation lists"),
        ("mpiigaze", ["--subjects", "p77"], "no subject 'p77'"),
    ],
)
def test_convert_fails_in_one_line(tmp_path, kind, more, message):
    source = write(kind, tmp_path / "source")
    result = CliRunner().invoke(main, ["convert", str(source), str(tmp_path / "out.npz"), *more])
    assert result.exit_code == 2
    assert result.output.count("\n") == 1
    assert message in result.output
    assert not (tmp_path / "out.npz").exists()


@pytest.mark.parametrize(
    ("source", "out", "message"),
    [("empty", "out.npz", "no known layout"), ("no", "out.npz", "does not exist"), ("u", "o.h5", "called .npz")],
)
def test_convert_of_other_things(tmp_path, source, out, message):
    (tmp_path / "empty").mkdir()
    gaze_layouts.write_unityeyes(tmp_path / "u", count=1)
    result = CliRunner().invoke(main, ["convert", str(tmp_path / source), str(tmp_path / out)])
    assert (result.exit_code, message in result.output) == (2, True), result.output
