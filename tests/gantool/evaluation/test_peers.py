from __future__ import annotations

import sys

import cv2
import numpy as np
import pytest
import torch

from gantool.data.domains import Preprocess
from gantool.errors import MissingExtra
from gantool.evaluation.peers import REFERENCED, Augmentation, equalised, reinhard


def images(count, *, low, high, channels=1, seed=0):
    """(N, C, 36, 48) in [low, high]: FDA leaves smaller ones nearly as they are."""
    values = torch.rand(count, channels, 36, 48, generator=torch.Generator().manual_seed(seed))
    return low + (high - low) * values


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", REFERENCED)
def test_statistics_move_towards_the_references(name, channels):
    pytest.importorskip("albumentations")
    dark, bright = images(20, low=-1, high=-0.5, channels=channels), images(30, low=0.2, high=0.9, channels=channels, seed=1)
    moved = REFERENCED[name](dark, bright, seed=0)
    assert moved.shape == dark.shape
    assert moved.dtype == torch.float32
    assert moved.min() >= -1
    assert moved.max() <= 1
    gap = [(each.mean() - bright.mean()).abs() for each in (moved, dark)]
    assert gap[0] < 0.7 * gap[1]


def test_reinhard_takes_mean_and_spread_in_lab_and_keeps_the_structure():
    dark, bright = images(4, low=-0.5, high=-0.3, channels=3), images(1, low=-0.2, high=0.3, channels=3, seed=1)
    moved = reinhard(dark, bright, seed=0)

    def lab(image):
        return cv2.cvtColor(image.add(1).div(2).permute(1, 2, 0).contiguous().numpy(), cv2.COLOR_RGB2LAB)

    for image in moved:
        np.testing.assert_allclose(lab(image).mean((0, 1)), lab(bright[0]).mean((0, 1)), atol=0.5)
        np.testing.assert_allclose(lab(image).std((0, 1)), lab(bright[0]).std((0, 1)), rtol=0.05)
    assert torch.corrcoef(torch.stack((moved[0].mean(0).flatten(), dark[0].mean(0).flatten())))[0, 1] > 0.98


def test_reinhard_of_a_flat_image_and_of_a_grey_one():
    bright = images(5, low=-0.2, high=0.6, seed=1)
    flat = reinhard(torch.zeros(1, 1, 8, 8), bright, seed=0)
    assert torch.isfinite(flat).all()
    grey = reinhard(images(1, low=-0.5, high=-0.3), bright[:1], seed=0)
    assert float(grey.mean()) == pytest.approx(float(bright[0].mean()), abs=1e-4)
    assert float(grey.std()) == pytest.approx(float(bright[0].std()), rel=1e-3)


@pytest.mark.parametrize("name", REFERENCED)
def test_what_is_drawn_follows_from_the_seed(name):
    pytest.importorskip("albumentations")
    dark, mixed = images(6, low=-1, high=-0.5), images(30, low=-1, high=1, seed=1) * torch.linspace(0, 1, 30)[:, None, None, None]
    first, second, other = (REFERENCED[name](dark, mixed, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_equalising_is_what_training_does():
    pixels = np.random.default_rng(0).integers(0, 90, (3, 36, 48, 1), np.uint8)
    tensor = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1
    expected = np.stack([Preprocess(equalize=True)(image) for image in pixels])
    np.testing.assert_allclose(equalised(tensor).permute(0, 2, 3, 1), expected / 127.5 - 1, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
def test_augmentation_draws_anew_and_the_same_for_one_seed(channels):
    pytest.importorskip("albumentations")
    still = images(8, low=-0.5, high=0.5, channels=channels)
    augment = Augmentation(0)
    first, second = augment(still), augment(still)
    assert first.shape == still.shape
    assert first.abs().max() <= 1
    assert not torch.equal(first, second)
    again = Augmentation(0)
    assert torch.equal(first, again(still))
    assert torch.equal(second, again(still))
    assert not torch.equal(first, Augmentation(1)(still))
    assert (first - still).abs().mean((1, 2, 3)).median() > 0.02


def test_augmentation_moves_nothing():
    """An edge stays where it is, so that labels stay true."""
    pytest.importorskip("albumentations")
    edge = torch.full((64, 3, 32, 32), -0.6)
    edge[..., 13:] = 0.6
    steepest = Augmentation(3)(edge).mean(1).diff(dim=2).mean(1).abs().argmax(1)
    assert set(steepest.tolist()) == {12}


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "albumentations", None)
    with pytest.raises(MissingExtra, match=r"FDA needs albumentations: pip install 'simgan-plugin\[albumentations\]'"):
        REFERENCED["fda"](images(2, low=-1, high=1), images(2, low=-1, high=1), seed=0)
