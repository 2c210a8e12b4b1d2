"""What `inspect` finds, on planted cases."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from gantool.data.domains import Reading
from gantool.data.inspection.measure import equalisation_residual, measure
from gantool.data.inspection.review import Finding, compare, review
from gantool.data.inspection.sheet import write_sheet
from gantool.data.inspection.survey import EQUALISED, survey
from gantool.data.opening import open_images
from gantool.errors import GantoolError


def scene(seed: int, size: tuple[int, int] = (36, 60)) -> np.ndarray:
    """A smooth picture of middling contrast, (H, W) float in about [0.2, 0.6]."""
    noise = np.random.default_rng(seed).random(size).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 4)
    smooth = (smooth - smooth.mean()) / smooth.std()
    return (0.4 + 0.08 * smooth).clip(0, 1)


def grey(seed: int, **options: object) -> np.ndarray:
    return np.rint(scene(seed, **options) * 255).astype(np.uint8)


@pytest.fixture
def stored(tmp_path: Path) -> Callable[..., Path]:
    def store(name: str, images: list[np.ndarray], **labels: np.ndarray) -> Path:
        np.savez(tmp_path / f"{name}.npz", images=np.stack(images), **labels)
        return tmp_path / f"{name}.npz"

    return store


def topics(findings: list[Finding]) -> Mapping[str, Finding]:
    return {finding.topic: finding for finding in findings}


@pytest.mark.parametrize(
    "after",
    [
        lambda x: x,
        lambda x: cv2.imdecode(cv2.imencode(".jpg", x, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], cv2.IMREAD_GRAYSCALE),
        lambda x: cv2.resize(x, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA),
    ],
    ids=["plain", "jpeg", "resized"],
)
def test_equalised_images_are_recognised_whatever_happened_since(after: Callable[[np.ndarray], np.ndarray]):
    for seed in range(20):
        assert equalisation_residual(after(cv2.equalizeHist(grey(seed)))) < EQUALISED


@pytest.mark.parametrize(
    "after",
    [
        lambda x: x,
        lambda x: cv2.normalize(x, None, 0, 255, cv2.NORM_MINMAX),
        lambda x: cv2.createCLAHE(1.0, (2, 2)).apply(x),
    ],
    ids=["plain", "stretched", "clahe"],
)
def test_other_images_are_not(after: Callable[[np.ndarray], np.ndarray]):
    residuals = [equalisation_residual(after(grey(seed))) for seed in range(20)]
    assert np.mean([residual < EQUALISED for residual in residuals]) <= 0.2


def test_a_large_background_does_not_hide_equalisation():
    image = grey(0)
    image[:, :25] = 0
    assert equalisation_residual(cv2.equalizeHist(image)) < 0.01
    assert equalisation_residual(image) > EQUALISED


@pytest.mark.parametrize("dtype", ["uint16", "float32", "depth"])
def test_equalisation_is_seen_in_every_type(dtype: str):
    unit = cv2.equalizeHist(grey(1)) / 255
    stored = {"uint16": np.rint(unit * 65535).astype(np.uint16), "float32": unit.astype(np.float32)}
    plane = stored.get(dtype, (400 + 800 * unit).astype(np.float32))
    assert equalisation_residual(plane) < 0.01


def test_black_and_white_cannot_be_told():
    plane = np.where(scene(0) > 0.4, 255, 0).astype(np.uint8)
    assert equalisation_residual(plane) is None
    assert equalisation_residual(np.full((8, 8), 0.5, np.float32)) is None


def test_figures_of_one_image():
    image = np.dstack([np.full((4, 5), value, np.uint8) for value in (10, 200, 30, 128)])
    image[0, 0, :3] = 0
    found = measure(image)
    assert (found.height, found.width, found.channels, found.dtype) == (4, 5, 4, "uint8")
    assert (found.low, found.high, found.grey) == (0, 200, False)
    assert found.black == pytest.approx(1 / 20)
    assert found.mean == pytest.approx((0.299 * 10 + 0.587 * 200 + 0.114 * 30) * 19 / 20, abs=0.5)
    assert measure(image[..., :3]).digest != measure(image[..., 1:]).digest


def test_equalised_real_images_are_named_once_with_the_flag(stored: Callable[..., Path]):
    renders = stored("renders", [grey(n) for n in range(20)])
    photos = stored("photos", [cv2.equalizeHist(grey(100 + n)) for n in range(20)])
    found = topics(compare(survey(open_images(renders)), survey(open_images(photos))))
    assert list(found) == ["equalisation"], "brightness and contrast follow from it"
    assert "real images are histogram-equalised, synthetic ones are not" in found["equalisation"].text
    assert "--equalize" in found["equalisation"].advice
    other = topics(compare(survey(open_images(photos)), survey(open_images(renders))))
    assert "synthetic images are histogram-equalised" in other["equalisation"].text


def test_alike_domains_give_no_findings(stored: Callable[..., Path]):
    angles = np.random.default_rng(0).normal(size=(40, 2))
    a = survey(open_images(stored("a", [grey(n) for n in range(20)], gaze=angles[:20])))
    b = survey(open_images(stored("b", [grey(50 + n) for n in range(20)], gaze=angles[20:])))
    assert compare(a, b) == review(a) == review(b) == []


def test_every_difference_is_named(stored: Callable[..., Path]):
    angles = np.linspace(-1, 1, 20)
    a = stored("a", [np.dstack([grey(n), grey(n + 1), grey(n)]) // 2 for n in range(20)], gaze=angles)
    b = stored("b", [grey(50 + n, size=(50, 50)) for n in range(20)], gaze=angles / 4)
    found = topics(compare(survey(open_images(a)), survey(open_images(b))))
    assert set(found) == {"size", "channels", "brightness", "contrast", "labels"}
    assert found["size"].advice == "pass --size 50x50; the shapes differ too, so crop or pad the renders to that shape first"
    assert "darker" in found["brightness"].text
    assert "less contrast" in found["contrast"].text
    assert found["labels"].text == "gaze: spread 0.607 synthetic, 0.152 real"


def test_images_in_both_domains_are_named(stored: Callable[..., Path]):
    a = survey(open_images(stored("a", [grey(n) for n in range(5)])))
    b = survey(open_images(stored("b", [grey(n) for n in range(4, 9)])))
    shared = topics(compare(a, b))["shared images"]
    assert shared.text.startswith("1 image is in both domains")
    assert "a.npz[4]" in shared.text
    assert "b.npz[0]" in shared.text


def test_one_set_on_its_own(stored: Callable[..., Path], tmp_path: Path):
    images = [grey(0), grey(0), np.full((36, 60), 7, np.uint8)]
    found = topics(review(survey(open_images(stored("a", images, gaze=np.array([1, np.nan, 2]))))))
    assert set(found) == {"duplicates", "flat", "labels"}
    assert "NaN in 1 of 3" in found["labels"].text
    depth = stored("depth", [(400 + 800 * scene(n)).astype(np.float32) for n in range(4)])
    assert "--value-range" in topics(review(survey(open_images(depth))))["range"].advice
    narrow = stored("narrow", [np.rint(4095 * scene(n)).astype(np.uint16) for n in range(4)])
    assert "16-bit images that use only" in topics(review(survey(open_images(narrow))))["range"].text
    copied = stored("copied", [np.dstack([grey(n)] * 3) for n in range(4)])
    assert "--channels 1" in topics(review(survey(open_images(copied))))["channels"].advice


def test_damaged_images_are_counted_and_named(tmp_path: Path):
    for number in range(3):
        Image.fromarray(grey(number)).save(tmp_path / f"{number}.png")
    (tmp_path / "empty.png").write_bytes(b"")
    whole = (tmp_path / "0.png").read_bytes()
    (tmp_path / "cut ü.png").write_bytes(whole[: len(whole) // 2])
    found = survey(open_images(tmp_path, Reading(layout="plain")))
    assert (found.images, found.unreadable) == (5, 2)
    assert "cannot be read" in topics(review(found))["unreadable"].text
    with pytest.raises(GantoolError, match="none of 1 images"):
        only = tmp_path / "only"
        only.mkdir()
        (only / "a.png").write_bytes(b"")
        survey(open_images(only))


def test_large_sets_are_sampled_the_same_way_every_time(stored: Callable[..., Path]):
    images = open_images(stored("a", [grey(n) for n in range(50)], kind=np.arange(50) % 2))
    a, b = survey(images, limit=10), survey(images, limit=10)
    assert a == b
    assert (a.images, a.examined, a.is_sample) == (50, 10, True)
    assert sum(a.labels[0].classes.values()) == 10
    assert not survey(images, limit=50).is_sample


def test_a_sheet_shows_every_kind_of_image(tmp_path: Path):
    Image.fromarray(grey(0)).save(tmp_path / "grey.png")
    Image.fromarray(np.dstack([np.full((60, 20), v, np.uint8) for v in (250, 0, 0, 255)])).save(tmp_path / "tall.png")
    cv2.imwrite(str(tmp_path / "deep.png"), np.full((5, 5), 65535, np.uint16))
    (tmp_path / "empty.png").write_bytes(b"")
    images = open_images(tmp_path, Reading(layout="plain"))
    write_sheet(tmp_path / "sheet.jpg", [("synthetic ü", images, survey(images)), ("real", images, survey(images))])
    sheet = np.asarray(Image.open(tmp_path / "sheet.jpg"))
    assert sheet.shape == (124, 2 * 804 + 16, 3)
    assert (sheet[60, 150] == (192, 0, 0)).all() or (sheet[60, 150] == (255, 255, 255)).all()
    colours = {tuple(pixel) for pixel in sheet.reshape(-1, 3)[::7].tolist()}
    assert (192, 0, 0) in colours, "the damaged one is marked"
    assert list(tmp_path.glob(".*")) == []


def test_annotations_are_counted_and_checked(tmp_path: Path):
    for name in ("a", "b"):
        Image.fromarray(grey(len(name))).save(tmp_path / f"{name}.png")
    box = {"id": 1, "image_id": 1, "category_id": 7, "bbox": [0, 0, 99, 9]}
    coco = {"images": [{"id": 1, "file_name": "a.png"}], "categories": [{"id": 7, "name": "eye"}], "annotations": [box]}
    (tmp_path / "all.json").write_text(json.dumps(coco))
    found = survey(open_images(tmp_path, Reading(layout="plain")))
    (summary,) = found.annotated.summaries
    assert (summary.format, summary.files, summary.images, summary.objects, summary.classes) == ("COCO", 1, 1, 1, {"eye": 1})
    assert found.annotated.problem_count == 2
    assert "all.json: annotation 1: its box [0, 0, 99, 9] reaches out" in topics(review(found))["annotations"].text
    assert json.loads(json.dumps(found.to_dict()))["annotated"]["problem_count"] == 2


def test_a_set_of_several_types_is_measured_in_the_widest(tmp_path: Path):
    image = np.random.default_rng(0).integers(0, 256, (24, 32), dtype=np.uint8)
    for number in range(4):
        rolled = np.roll(image, number, axis=0)
        Image.fromarray(rolled if number else rolled.astype(np.uint16) * 257).save(tmp_path / f"{number}.png")
    Image.fromarray((image[::-1] / 255).astype(np.float32)).save(tmp_path / "4.tiff")
    found = survey(open_images(tmp_path, Reading(layout="plain")))
    assert found.dtypes == {"uint8": 3, "uint16": 1, "float32": 1}
    assert (found.low, found.high) == (0, 1)
    assert found.brightness.deviation == pytest.approx(0, abs=1e-6)
