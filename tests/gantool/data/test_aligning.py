"""Aligning planted crops: what was moved by a known map is found and moved back, labels with it."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from PIL import Image

from gantool import GantoolError
from gantool.cli.main import run
from gantool.data.aligning import Alignment, estimate
from gantool.data.geometry import Fit, resized, window

SIZE = 40, 60
MOVED = Alignment((1.15, 1.1), (-0.05, 0.04))


def faces(count: int, *, seed: int, dark: float = 30, grain: float = 4) -> tuple[np.ndarray, np.ndarray]:
    """Crops of a thing with parts: an ellipse with a dot in it that goes about, and where the dot is, (x, y)."""
    draw = np.random.default_rng(seed)
    images, dots = [], []
    for _ in range(count):
        image = np.full(SIZE, 180.0, np.float32)
        cv2.ellipse(image, (30, 20), (17, 9), 5, 0, 360, 230, -1, cv2.LINE_AA)
        cv2.line(image, (12, 8), (44, 6), 100, 2, cv2.LINE_AA)
        x, y = draw.uniform(24, 36), draw.uniform(18, 22)
        cv2.circle(image, (round((x - 0.5) * 16), round((y - 0.5) * 16)), 4 * 16, dark, -1, cv2.LINE_AA, shift=4)
        images.append((image + draw.normal(0, grain, SIZE)).clip(0, 255))
        dots.append((x, y))
    return np.stack(images).astype(np.uint8)[..., None], np.array(dots, np.float32)


def moved(images: np.ndarray, alignment: Alignment) -> np.ndarray:
    fit = alignment.fit(SIZE)
    scaled = [cv2.resize(image, fit.scaled[::-1])[..., None] for image in images]
    return np.stack([window(image, fit) for image in scaled])


def darkest(image: np.ndarray) -> np.ndarray:
    """Where the dot is."""
    rows, columns = np.nonzero(image[..., 0] < 60)
    return np.array([columns.mean() + 0.5, rows.mean() + 0.5])


def test_a_known_map_is_found_whatever_the_looks():
    synthetic, _ = faces(150, seed=0)
    real = moved(faces(120, seed=1, dark=90, grain=12)[0], MOVED) // 2 + 40
    found = estimate(list(synthetic), list(real))
    # A pixel is 2.5 % of the height.
    assert found.alignment.difference(MOVED) < 0.03
    assert found.after > found.before + 0.2
    assert estimate(list(synthetic), list(faces(120, seed=2)[0])).alignment.difference(Alignment()) < 0.02


def test_sets_without_a_common_place_are_not_aligned():
    draw = np.random.default_rng(0)
    scattered = [[np.roll(image, tuple(draw.integers(0, SIZE)), (0, 1)) for image in faces(60, seed=n)[0]] for n in (0, 1)]
    with pytest.raises(GantoolError, match=r"there is nothing to align .* by: halves of the sets"):
        estimate(*scattered)


def test_a_fit_moves_pixels_and_points_alike():
    images, dots = faces(20, seed=3, grain=0)
    fit = MOVED.fit(SIZE)
    for image, (x, y) in zip(moved(images, MOVED), dots, strict=True):
        assert darkest(image) == pytest.approx(fit.point(x, y), abs=0.35)
    assert fit.size == fit.before == SIZE
    assert fit.cuts
    # One that only shifts cuts, too.
    assert Alignment((1.0, 1.0), (0.1, 0.0)).fit(SIZE).box(0, 38, 10, 40) is None


def test_a_window_goes_on_with_the_border_and_lies_between_pixels():
    scaled = np.arange(12, dtype=np.float64).reshape(3, 4, 1)
    beyond = Fit((3, 4), (3, 4), corner=(-1, 2))
    assert window(scaled, beyond)[..., 0].tolist() == [[2, 3, 3, 3], [2, 3, 3, 3], [6, 7, 7, 7]]
    assert beyond.ids(scaled)[..., 0].tolist() == window(scaled, beyond)[..., 0].tolist()
    assert window(scaled, Fit((3, 4), (2, 2), corner=(0, 0.5)))[..., 0].tolist() == [[0.5, 1.5], [4.5, 5.5]]
    assert not resized((3, 4), (6, 8)).cuts


@pytest.fixture
def sets(tmp_path):
    images, dots = faces(60, seed=0)
    real = moved(faces(60, seed=1, dark=60, grain=9)[0], MOVED)
    masks = (images[..., 0] < 60).astype(np.uint8)
    np.savez(tmp_path / "a.npz", image=images, dot_xy=dots, angle=dots * 0.1, mask=masks)
    np.savez(tmp_path / "b.npz", image=real)
    folder = tmp_path / "renders"
    (folder / "images").mkdir(parents=True)
    annotations = []
    for number, (image, (x, y)) in enumerate(zip(images, dots.tolist(), strict=True)):
        Image.fromarray(image[..., 0]).save(folder / f"images/{number:03}.png")
        annotations.append({"id": number, "image_id": number, "category_id": 1, "bbox": [x - 4, y - 4, 8, 8], "area": 64})
    coco = {
        "images": [{"id": n, "file_name": f"{n:03}.png", "height": SIZE[0], "width": SIZE[1]} for n in range(len(images))],
        "annotations": annotations,
        "categories": [{"id": 1, "name": "dot"}],
    }
    (folder / "annotations.json").write_text(json.dumps(coco))
    return tmp_path


def test_arrays_are_written_with_their_points_and_masks(sets, capsys):
    assert run(["data", "align", f"{sets}/a.npz", f"{sets}/b.npz", f"{sets}/out.npz", "--sheet", f"{sets}/s.png"]) == 0
    told = capsys.readouterr()
    assert "times as high" in told.out
    assert "left as they are: angle" in told.err
    before, after = np.load(sets / "a.npz"), np.load(sets / "out.npz")
    assert after["image"].shape == before["image"].shape
    for image, point, mask in zip(after["image"], after["dot_xy"], after["mask"], strict=True):
        assert darkest(image) == pytest.approx(point, abs=0.6)
        assert np.mean(mask[image[..., 0] < 50]) > 0.9
    assert np.array_equal(before["angle"], after["angle"])
    # Mean places are now those of the real ones.
    real = np.mean([darkest(image) for image in np.load(sets / "b.npz")["image"]], axis=0)
    assert after["dot_xy"].mean(axis=0) == pytest.approx(real, abs=1)
    assert Image.open(sets / "s.png").height > 8 * 96


def test_a_folder_keeps_its_layout_and_boxes_follow(sets, capsys):
    words = ["data", "align", f"{sets}/renders", f"{sets}/b.npz"]
    assert run(words) == 0
    assert "Nothing was written" in capsys.readouterr().err
    assert run([*words, f"{sets}/out"]) == 0
    out = sets / "out"
    assert sorted(path.name for path in out.iterdir()) == ["annotations.json", "images"]
    for annotation in json.loads((out / "annotations.json").read_text())["annotations"]:
        image = np.asarray(Image.open(out / f"images/{annotation['image_id']:03}.png"))
        x, y, w, h = annotation["bbox"]
        assert darkest(image[..., None]) == pytest.approx([x + w / 2, y + h / 2], abs=0.6)
    assert run([*words, f"{sets}/out"]) == 2
    assert "exists: choose another name" in capsys.readouterr().err
    assert run([*words, f"{sets}/renders/out"]) == 2
    assert "choose another place" in capsys.readouterr().err


def test_what_fails_leaves_nothing_behind(sets, capsys):
    broken = sets / "renders/images/007.png"
    broken.write_bytes(broken.read_bytes()[:100])
    assert run(["data", "align", f"{sets}/renders", f"{sets}/b.npz", f"{sets}/out"]) == 2
    assert "007.png" in capsys.readouterr().err
    assert not (sets / "out").exists()
    assert not list(sets.glob(".*"))
