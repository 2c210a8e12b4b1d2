"""The locator on eyes whose pupil is known, and what is built on it."""

from pathlib import Path

import numpy as np
import pytest
import torch
from gantool_gaze.options import PupilOptions
from gantool_gaze.pupil import PupilMovement, pupil_centres, pupil_estimator

from simgan_plugin.eyes import render

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "eyes" / "synthetic_val.npz"


def eyes(count=60, size=(36, 60), domain="synthetic", seed=3):
    images, labels = render(range(count), domain=domain, size=size, seed=seed)
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1, torch.from_numpy(labels["pupil_xy"])


def errors(images, places):
    return torch.linalg.vector_norm(pupil_centres(images) - places, dim=1)


def disk(x, y, size=(36, 60), radius=8):
    rows, columns = torch.meshgrid(torch.arange(size[0]), torch.arange(size[1]), indexing="ij")
    soft = torch.sigmoid(2 * (torch.hypot(columns - x, rows - y) - radius))
    return (1.4 * soft - 0.8)[None, None]


@pytest.mark.parametrize("place", [(30.0, 18.0), (20.5, 15.25), (41.3, 20.7)])
def test_finds_the_middle_of_a_dark_disk_between_pixels(place):
    assert pupil_centres(disk(*place))[0].tolist() == pytest.approx(place, abs=0.25)


def test_a_bright_disk_is_no_pupil():
    found = pupil_centres(-disk(30.0, 18.0))[0]
    assert torch.linalg.vector_norm(found - torch.tensor([30.0, 18.0])) > 5


@pytest.mark.parametrize("size", [(36, 60), (72, 120)])
def test_finds_pupils_of_the_built_in_eyes_at_any_size(size):
    images, places = eyes(size=size)
    found = errors(images, places)
    spread = torch.linalg.vector_norm(places - places.mean(0), dim=1).mean()
    assert found.median() < 0.02 * size[1]
    assert found.median() < 0.3 * spread


@pytest.mark.skipif(not SHARED.exists(), reason="the development data is not here")
def test_accuracy_on_renders_that_are_not_our_own():
    data = np.load(SHARED)
    images = torch.from_numpy(data["image"][:200]).float()[:, None] / 127.5 - 1
    found = errors(images, torch.from_numpy(data["pupil_xy"][:200]))
    assert found.mean() < 1.0  # measured 0.77 ± 0.44 px of 60 on 1,000 others
    assert (found < 3).float().mean() > 0.97


def test_images_do_not_depend_on_each_other_and_stay_as_they_are():
    images, _ = eyes(count=300)  # more than one batch
    kept = images.clone()
    together = pupil_centres(images)
    assert torch.equal(images, kept)
    assert torch.allclose(pupil_centres(images[270:280]), together[270:280], atol=1e-3)


def test_colour_is_read_as_grey():
    images, _ = eyes(count=10)
    assert torch.allclose(pupil_centres(images.expand(-1, 3, -1, -1)), pupil_centres(images), atol=1e-3)


def test_too_small_an_image_is_refused():
    with pytest.raises(ValueError, match="at least 8x8"):
        pupil_centres(torch.zeros(1, 1, 7, 60))


def estimator():
    return pupil_estimator(config=PupilOptions(), outputs=2, seed=0)


def test_the_estimator_learns_positions_and_gaze():
    images, labels = render(range(150), domain="synthetic", size=(36, 60), seed=5)
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1
    for name, share in (("pupil_xy", 0.3), ("gaze_pitch_yaw_rad", 0.5)):
        targets = torch.from_numpy(labels[name])
        model = estimator()
        model.fit(pixels[:100], targets[:100])
        error = torch.linalg.vector_norm(model.predict(pixels[100:]) - targets[100:], dim=1)
        constant = torch.linalg.vector_norm(targets[:100].mean(0) - targets[100:], dim=1)
        assert error.median() < share * constant.median(), name


def test_the_estimator_refuses_what_it_cannot_learn():
    images, _ = eyes(count=4)
    with pytest.raises(ValueError, match="not classes"):
        estimator().fit(images, torch.zeros(4, dtype=torch.int64))
    with pytest.raises(ValueError, match="needs 3 images"):
        estimator().fit(images[:2], torch.zeros(2, 2))


def moved(refined, source):
    metric = PupilMovement(config=PupilOptions())
    metric.update(refined, torch.zeros(1, 1, 36, 60), source=source)
    return metric.compute()


def test_movement_is_what_the_pupil_moved_by():
    images, _ = eyes()
    assert moved(images, images)["pupil_moved_px"] == 0
    brighter = moved(images * 0.8 + 0.1, images)
    assert brighter["pupil_moved_median_px"] < 0.1, "tone is no movement"
    for pixels in (2, 4):
        found = moved(images.roll(pixels, 3), images)
        assert found["pupil_moved_median_px"] == pytest.approx(pixels, abs=0.1)


def test_movement_needs_pairs():
    images, _ = eyes(count=2)
    with pytest.raises(ValueError, match="no pairs"):
        moved(images[:1], images)
