"""The reader, on files in the published layout."""

import numpy as np
import pytest
from gantool_hands.joints import EVALUATED, NAMES
from gantool_hands.nyu import crop_around, nyu
from gantool_hands.nyu_files import read_depth
from gantool_hands.options import NYUOptions
from PIL import Image
from published import BACKGROUND_MM, depths_of, joints_of, pack, write_joints, write_split
from published import NAMES as ALL_NAMES

import gantool

SIZE = (60, 80)
WHITE = 65535


def open_(root, **options):
    return nyu(config=NYUOptions(root=str(root), size=SIZE, **options))


def crop_of(number, view=1):
    return crop_around(joints_of(number, view).astype(np.float32), SIZE, 0.2)


def nearest(image):
    """The expected crop, pixel by pixel."""

    def at(crop, i, j):
        x = round((j - (SIZE[1] - 1) / 2) * crop.step + crop.centre[0])
        y = round((i - (SIZE[0] - 1) / 2) * crop.step + crop.centre[1])
        return image[y, x] if 0 <= y < 480 and 0 <= x < 640 else 0

    return at


def test_the_upper_bits_are_green_and_the_lower_ones_blue(tmp_path):
    depth = np.array([[0, 1, 255], [256, 2001, 65535]])
    pixels = pack(depth)
    pixels[..., 0] = 77  # red holds nothing
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert read_depth(tmp_path / "a.png").tolist() == depth.tolist()


def test_the_evaluated_joints_are_those_of_the_published_order():
    assert tuple(ALL_NAMES[number] for number in EVALUATED) == NAMES


@pytest.mark.parametrize("kind", ["source", "target"])
def test_images_are_cropped_masked_and_scaled(tmp_path, kind):
    write_split(tmp_path / "train", frames=2)
    image = getattr(open_(tmp_path, relief_mm=100), kind)[1]
    assert image.shape == (*SIZE, 1)
    assert image.dtype == np.uint16
    rendered, real = (depth.astype(np.uint16).astype(float) for depth in depths_of(2, 1))
    shown = rendered if kind == "source" else real
    crop, middle = crop_of(2), joints_of(2, 1)[:, 2].mean()
    kinds = set()
    for i in range(0, SIZE[0], 7):
        for j in range(0, SIZE[1], 3):
            mask, depth = nearest(rendered)(crop, i, j), nearest(shown)(crop, i, j)
            expected = WHITE if not mask or not depth else (depth - middle + 100) / 200 * WHITE
            assert image[i, j, 0] == pytest.approx(np.clip(expected, 0, WHITE), abs=2)
            kinds.add((mask > 0, depth > 0))
    assert (True, True) in kinds
    assert ((True, False) in kinds) == (kind == "target")  # a hole
    assert ((False, True) in kinds) == (kind == "target")  # the wall behind, which the synthetic image masks


def test_labels_are_in_the_pixels_of_the_crop(tmp_path):
    write_split(tmp_path / "train", frames=3)
    # Each evaluated joint of frame 3 gets a mark that is larger than a pixel of the crop, of a depth of its own.
    joints, depth = joints_of(3, 1), np.full((480, 640), 900)
    for k, number in enumerate(EVALUATED):
        x, y = joints[number, :2]
        rows, columns = np.mgrid[:480, :640]
        depth[np.hypot(columns - x, rows - y) < 2] = 1000 + 10 * k
    Image.fromarray(pack(depth)).save(tmp_path / "train" / "synthdepth_1_0000003.png")
    source = open_(tmp_path, depth_mm=(0, 6553.5)).source
    image, points = source[2] / 10, source.labels["joints_xy"][2]
    found = [abs(image[round(float(y)), round(float(x)), 0] - 1000 - 10 * k) < 1 for k, (x, y) in enumerate(points)]
    assert sum(found) >= 12  # marks of joints that lie beside each other may overlap
    assert source.labels["joints_depth_mm"][2] == pytest.approx(joints[list(EVALUATED), 2], abs=0.1)
    assert source.labels["joints_xy"].shape == (3, 14, 2)


def test_distances_from_the_camera_and_black_background(tmp_path):
    write_split(tmp_path / "train", frames=1)
    image = open_(tmp_path, depth_mm=(500, 1000), background="near").source[0]
    rendered = depths_of(1, 1)[0].astype(np.uint16)
    depth = nearest(rendered)(crop_of(1), 30, 40)
    assert image[30, 40, 0] == pytest.approx((depth - 500) / 500 * WHITE, abs=2)
    assert image[0, 0, 0] == 0
    assert BACKGROUND_MM > 1000


def test_test_frames_are_the_real_ones_of_the_other_split(tmp_path):
    write_split(tmp_path / "dataset" / "train", frames=3)
    assert open_(tmp_path).test is None
    write_split(tmp_path / "dataset" / "test", frames=2)
    domains = open_(tmp_path)
    assert [len(domain) for domain in (domains.source, domains.target, domains.test)] == [3, 3, 2]
    assert np.array_equal(domains.test[1], domains.target[1])  # the two splits were written from the same numbers
    assert "test" in domains.test.names[0]
    assert open_(tmp_path, split="test").test is None


def test_any_part_of_the_frames_and_several_cameras(tmp_path):
    write_split(tmp_path / "train", frames=2, views=(1, 3), first=5)
    source = open_(tmp_path, views=(1, 3)).source
    names = [f"synthdepth_{view}_{number:07d}.png" for view in (1, 3) for number in (5, 6)]
    assert [name.rpartition("/")[2] for name in source.names] == names
    expected = crop_of(6, view=3).points(joints_of(6, 3)[list(EVALUATED), :2].astype(np.float32))
    assert source.labels["joints_xy"][3] == pytest.approx(expected, abs=1e-3)


def remove(name):
    return lambda train: (train / name).unlink()


def save(name, pixels):
    return lambda train: Image.fromarray(pixels).save(train / name)


def joints(change):
    def rewrite(train):
        held = np.array([[joints_of(number, view) for number in (1, 2)] for view in (1, 2, 3)])
        write_joints(train, change(held))

    return rewrite


def with_nan(held):
    held[1, 1, 3, 0] = np.nan
    return held


FULL = np.zeros((480, 640, 3), np.uint8)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (remove("joint_data.mat"), r"cannot read .*joint_data.mat: No such file"),
        (lambda train: (train / "joint_data.mat").write_bytes(b"MATLAB 5.0 MAT-file" * 20), "joint_data.mat: not a MATLAB file"),
        (lambda train: (train / "joint_data.mat").write_bytes(b""), "cannot read .*joint_data.mat"),
        (joints(lambda held: held[:2]), "is 2x2x36x3, not 3 views x frames x 36 joints x 3"),
        (joints(lambda held: held[:, :1]), "has 1 frames: none for depth_1_0000002.png"),
        (joints(with_nan), "values that are not finite"),
        (lambda train: write_joints(train, np.zeros((3, 2, 36, 3)), names=ALL_NAMES[::-1]), "joint_names .* another order"),
        (remove("depth_1_0000001.png"), "depth_1_0000001.png is missing: each frame"),
        (remove("synthdepth_1_0000002.png"), "synthdepth_1_0000002.png is missing: each frame"),
        (lambda train: (train / "depth_1_0000001.png").write_bytes(b"\x89PNG no more"), "cannot read .*depth_1_0000001.png"),
        (save("depth_1_0000001.png", FULL[..., 0]), "mode L, not RGB"),
        (save("depth_1_0000001.png", FULL[:240]), "is 240x640, not 480x640"),
    ],
)
def test_faults_are_named_in_one_line(tmp_path, fault, message):
    train = write_split(tmp_path / "train", frames=2)
    fault(train)
    with pytest.raises(gantool.GantoolError, match=message) as caught:
        open_(tmp_path).target[0]
    assert "\n" not in str(caught.value)


def test_folders_that_are_not_there(tmp_path):
    with pytest.raises(gantool.GantoolError, match=r"dataset.root is missing"):
        nyu(config=NYUOptions())
    with pytest.raises(gantool.GantoolError, match=r"no folder train in .*: dataset.root is"):
        open_(tmp_path)
    write_split(tmp_path / "train", frames=1)
    with pytest.raises(gantool.GantoolError, match=r"no images depth_2_NNNNNNN.png: choose other dataset.views"):
        open_(tmp_path, views=(2,))


@pytest.mark.parametrize("wrong", [{"depth_mm": (900, 400)}, {"views": ()}, {"views": (1, 1)}])
def test_options_that_make_no_sense(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        NYUOptions(**wrong)
