from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

from gantool.data.domains import Preprocess
from gantool.errors import MissingExtra
from gantool.evaluation.peers import REFERENCED, Photometric, equalised


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


def test_pixel_distribution_takes_mean_and_spread():
    """What albumentations 2.0.8 fails to do."""
    dark, bright = images(4, low=-0.5, high=-0.3), images(5, low=-0.2, high=0.6, seed=1)
    moved = REFERENCED["pixel-distribution"](dark, bright, seed=0)
    own, wanted = dark.std((1, 2, 3)), bright.std((1, 2, 3)).mean()
    assert (moved.std((1, 2, 3)) > own + 0.2 * (wanted - own)).all()
    assert torch.corrcoef(torch.stack((moved[0].flatten(), dark[0].flatten())))[0, 1] > 0.99
    flat = REFERENCED["pixel-distribution"](torch.zeros(1, 1, 8, 8), bright, seed=0)
    assert torch.isfinite(flat).all()


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


def test_photometric_randomisation():
    grey = images(8, low=-0.5, high=0.5)
    changed = Photometric()(grey, seed=0)
    assert changed.shape == grey.shape
    assert changed.abs().max() <= 1
    assert torch.equal(changed, Photometric()(grey, seed=0))
    assert not torch.equal(changed, Photometric()(grey, seed=1))
    per_image = (changed - grey).abs().mean((1, 2, 3))
    assert per_image.min() > 0.01
    still = Photometric(gamma=(1, 1), contrast=(1, 1), brightness=(0, 0), blur=(0, 0), noise=(0, 0))(grey, seed=0)
    torch.testing.assert_close(still, grey)


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "albumentations", None)
    with pytest.raises(MissingExtra, match=r"FDA needs albumentations: pip install 'simgan-plugin\[albumentations\]'"):
        REFERENCED["fda"](images(2, low=-1, high=1), images(2, low=-1, high=1), seed=0)
