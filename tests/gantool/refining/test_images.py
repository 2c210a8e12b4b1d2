"""What refining does to an image, and what the network gets to see."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from gantool.data.domains import Preprocess
from gantool.refining.refine import refine


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("preprocess", [Preprocess(), Preprocess(size=(7, 11)), Preprocess(size=(9, 8), fit="crop")])
def test_an_identity_network_changes_no_pixel(
    trained, added, pixels, load, tmp_path: Path, channels: int, preprocess: Preprocess
):
    trained(added(0), channels, preprocess=preprocess, trained_size=preprocess.size)
    shapes = {"grey": (20, 30), "rgb": (20, 30, 3), "rgba": (20, 30, 4)}
    for name, shape in shapes.items():
        for suffix in (".png", ".tif", ".bmp"):
            for dtype in (np.uint8, np.uint16):
                if suffix == ".bmp" and dtype is np.uint16:
                    continue
                (tmp_path / "in").mkdir(exist_ok=True)
                data = cv2.imencode(suffix, pixels(shape, dtype))[1]
                (tmp_path / f"in/{name}-{np.dtype(dtype).name}{suffix}").write_bytes(data.tobytes())
    report = refine("run", input=tmp_path / "in", output=tmp_path / "out", layout="plain")
    assert (report.refined, report.failed) == (15, ())
    for path in sorted((tmp_path / "in").iterdir()):
        before, after = load(path), load(tmp_path / "out" / path.name)
        assert before.dtype == after.dtype
        assert before.shape == after.shape
        assert np.array_equal(before, after), path.name


def test_names_folders_and_labels_stay(trained, added, files, folder: Path, tmp_path: Path):
    trained(added(0.2))
    os.utime(folder / "a.json", (1_000_000_000, 1_000_000_000))
    before = files(folder)
    report = refine("run", input=folder, output=tmp_path / "out")
    after = files(tmp_path / "out")
    assert set(after) == set(before)
    assert (report.refined, report.copied, report.skipped) == (2, 2, 0)
    assert after["a.json"] == before["a.json"]
    assert after["sub dir/bü.txt"] == before["sub dir/bü.txt"]
    assert (tmp_path / "out/a.json").stat().st_mtime == 1_000_000_000
    assert after["a.png"] != before["a.png"]
    assert files(folder) == before, "the input is untouched"


def test_rounding_not_truncation(trained, added, save, load, tmp_path: Path):
    save(tmp_path / "in/a.png", np.full((4, 5), 100, np.uint8))
    trained(added(2 * 0.6 / 255), 1)
    refine("run", input=tmp_path / "in", output=tmp_path / "out")
    assert (load(tmp_path / "out/a.png") == 101).all()


def test_values_are_clipped_not_wrapped(trained, added, save, load, tmp_path: Path):
    save(tmp_path / "in/a.png", np.array([[0, 250]], np.uint8))
    trained(added(0.5), 1)
    refine("run", input=tmp_path / "in", output=tmp_path / "out")
    assert load(tmp_path / "out/a.png").tolist() == [[64, 255]]


def test_alpha_is_kept_byte_for_byte(trained, added, pixels, save, tmp_path: Path):
    image = pixels((20, 30, 4))
    save(tmp_path / "in/a.png", image)
    trained(added(0.3), 1, preprocess=Preprocess(size=(7, 9)), trained_size=(7, 9))
    refine("run", input=tmp_path / "in", output=tmp_path / "out")
    after = np.asarray(Image.open(tmp_path / "out/a.png"))
    assert np.array_equal(after[..., 3], image[..., 3])
    assert not np.array_equal(after[..., :3], image[..., :3])


def test_a_four_channel_run_refines_all_four(trained, added, save, tmp_path: Path):
    image = np.full((4, 5, 4), 100, np.uint8)
    save(tmp_path / "in/a.png", image)
    trained(added(2 * 10 / 255), 4)
    refine("run", input=tmp_path / "in", output=tmp_path / "out")
    assert (np.asarray(Image.open(tmp_path / "out/a.png")) == 110).all()


def test_a_grey_run_changes_all_channels_of_a_colour_image_alike(trained, added, save, tmp_path: Path):
    image = np.zeros((4, 5, 3), np.uint8)
    image[...] = (200, 100, 50)
    save(tmp_path / "in/a.png", image)
    trained(added(2 * 20 / 255), 1)
    refine("run", input=tmp_path / "in", output=tmp_path / "out")
    assert np.asarray(Image.open(tmp_path / "out/a.png"))[0, 0].tolist() == [220, 120, 70]


def test_a_colour_run_changes_a_grey_image_by_its_luminance(trained, save, load, tmp_path: Path):
    class Redden(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images + torch.tensor([2 * 100 / 255, 0, 0])[:, None, None]

    save(tmp_path / "in/a.png", np.full((4, 5), 50, np.uint8))
    trained(Redden(), 3)
    refine("run", input=tmp_path / "in", output=tmp_path / "out")
    after = load(tmp_path / "out/a.png")
    assert after.shape == (4, 5)
    assert (after == 80).all(), "0.299 of 100"


def test_the_upright_image_is_refined_and_the_orientation_stays(trained, added, pixels, save, tmp_path: Path):
    exif = Image.Exif()
    exif[274] = 6
    save(tmp_path / "in/a.png", pixels((20, 30, 3)), exif=exif)
    network = trained(added(0))
    refine("run", input=tmp_path / "in", output=tmp_path / "out")
    assert network.seen[0][2:] == (30, 20)
    after = Image.open(tmp_path / "out/a.png")
    assert after.getexif()[274] == 6
    assert np.array_equal(np.asarray(after), pixels((20, 30, 3)))


def test_what_the_network_sees_is_what_it_was_trained_on(trained, added, pixels, save, tmp_path: Path):
    class Keep(added):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            self.images = images
            return images

    image = pixels((20, 30, 3))
    save(tmp_path / "in/a.png", image)
    preprocess = Preprocess(size=(7, 9), channels=1, equalize=True)
    network = trained(Keep(), 1, preprocess=preprocess, trained_size=(7, 9))
    refine("run", input=tmp_path / "in", output=tmp_path / "out")
    assert np.allclose((network.images[0, 0] + 1) * 127.5, preprocess(image)[..., 0], atol=1e-3)


def test_the_output_of_an_equalising_run_is_equalised(trained, added, pixels, save, load, tmp_path: Path):
    image = pixels((20, 30)) // 4 + 90
    save(tmp_path / "in/a.png", image)
    trained(added(0), 1, preprocess=Preprocess(equalize=True))
    refine("run", input=tmp_path / "in", output=tmp_path / "out")
    assert np.array_equal(load(tmp_path / "out/a.png"), cv2.equalizeHist(image))


def test_the_change_is_in_the_unit_of_the_file_and_stays_within_the_value_range(trained, added, save, load, tmp_path: Path):
    depth = np.array([[400, 500, 1000, 1500, 9000]], np.uint16)
    save(tmp_path / "in/a.png", depth)
    trained(added(0.2), 1, preprocess=Preprocess(value_range=(500, 1500)))
    refine("run", input=tmp_path / "in", output=tmp_path / "out")
    assert load(tmp_path / "out/a.png").tolist() == [[400, 600, 1100, 1500, 9000]]


def test_the_change_is_computed_at_the_trained_size_and_scaled(trained, added, save, load, tmp_path: Path):
    class Middle(added):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            self.seen.append(images.shape)
            change = torch.zeros_like(images)
            change[..., 1:-1, 1:-1] = 0.4
            return images + change

    for number in range(3):
        save(tmp_path / f"in/{number}.png", np.full((40, 60), 100, np.uint8))
    save(tmp_path / "in/other.png", np.full((10, 15), 100, np.uint8))
    network = trained(Middle(), 1, preprocess=Preprocess(size=(10, 15)), trained_size=(10, 15))
    report = refine("run", input=tmp_path / "in", output=tmp_path / "out")
    assert report.notices == (
        "3 images are 40x60, the run was trained at 10x15: the change is computed at 10x15 and scaled to the image; "
        "--size run writes 10x15 images instead",
    )
    assert {tuple(shape[2:]) for shape in network.seen} == {(10, 15)}
    large = load(tmp_path / "out/0.png")
    assert large.shape == (40, 60)
    assert large[20, 30] == 100 + 51
    assert large[0, 0] == 100


@pytest.mark.parametrize(("size", "shape"), [("run", (10, 15)), ("12x14", (12, 14)), ((5, 6), (5, 6))])
def test_another_size_is_written_with_a_warning_for_labels(trained, added, load, folder: Path, tmp_path: Path, size, shape):
    trained(added(0), 1, preprocess=Preprocess(size=(10, 15)), trained_size=(10, 15))
    report = refine("run", input=folder, output=tmp_path / "out", size=size)
    assert load(tmp_path / "out/a.png").shape == (*shape, 3)
    (notice,) = report.notices
    assert "labels in pixels no longer fit" in notice


@pytest.mark.parametrize("fit", ["none", "crop"])
def test_without_resizing_in_training_each_image_is_refined_at_its_own_size(
    trained, added, folder: Path, tmp_path: Path, fit: str
):
    preprocess = Preprocess(size=(8, 8), fit="crop") if fit == "crop" else Preprocess()
    network = trained(added(0), preprocess=preprocess, trained_size=(8, 8))
    report = refine("run", input=folder, output=tmp_path / "out")
    assert network.seen == [(2, 3, 20, 30)]
    assert report.notices == ()


def test_images_of_a_size_go_through_together(trained, added, save, load, tmp_path: Path):
    for number in range(10):
        save(tmp_path / f"in/{number}.png", np.full((20 if number % 2 else 16, 30), 10 * number, np.uint8))
    network = trained(added(0), 1)
    refine("run", input=tmp_path / "in", output=tmp_path / "out", batch_size=4)
    assert sorted(tuple(shape) for shape in network.seen) == [(1, 1, 16, 30), (1, 1, 20, 30), (4, 1, 16, 30), (4, 1, 20, 30)]
    assert [load(tmp_path / f"out/{number}.png")[0, 0] for number in range(10)] == list(range(0, 100, 10))


def test_large_images_make_small_batches(trained, added, save, tmp_path: Path):
    for number in range(3):
        save(tmp_path / f"in/{number}.png", np.zeros((700, 1000), np.uint8))
    network = trained(added(0), 1)
    refine("run", input=tmp_path / "in", output=tmp_path / "out", batch_size=64)
    assert [shape[0] for shape in network.seen] == [1, 1, 1]
