from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from gantool.builtin.metrics import TwoSample
from gantool.builtin.part_options import TwoSampleOptions
from gantool.evaluation.evidence.patches import correct, cross_fitted_scores, draw_patches


def noise(seed: int, count: int = 96, channels: int = 1, side: int = 16) -> torch.Tensor:
    images = torch.randn(count, channels, side + 2, side + 2, generator=torch.Generator().manual_seed(seed))
    return F.avg_pool2d(images, 3, 1).clamp(-1, 1)


def accuracy(refined, target, *, batches: int = 1, **options) -> float:
    metric = TwoSample(config=TwoSampleOptions(**{"patches": 24, **options}))
    for one, other in zip(refined.chunk(batches), target.chunk(batches), strict=True):
        metric.update(one, other)
    ((name, value),) = metric.compute().items()
    assert name == "two_sample_accuracy"
    return value


def image_accuracy(first, second) -> float:
    return sum(float(side.mean()) for side in correct(*cross_fitted_scores(first, second, unit="image"))) / 2


def test_two_halves_of_one_set_cannot_be_told_apart():
    for seed in range(3):
        assert accuracy(noise(2 * seed), noise(2 * seed + 1)) == pytest.approx(0.5, abs=0.03)
        assert image_accuracy(noise(2 * seed), noise(2 * seed + 1)) == pytest.approx(0.5, abs=0.13)


@pytest.mark.parametrize(
    "alter",
    [lambda x: x * 1.2, lambda x: x + 0.4, lambda x: F.avg_pool2d(x, 3, 1, 1), lambda x: x + 0.1 * torch.randn(x.shape)],
    ids=["contrast", "brightness", "blur", "noise"],
)
def test_what_sets_apart_is_found_by_images_and_by_patches(alter):
    torch.manual_seed(0)
    altered = alter(noise(1))
    assert image_accuracy(noise(0), altered) > 0.9
    assert accuracy(noise(0), altered) > 0.52


def test_images_count_alike_on_both_sides_whatever_their_number():
    few, many = noise(0, count=24), noise(1, count=160)
    assert accuracy(few, many) == pytest.approx(0.5, abs=0.06)
    assert accuracy(few, many + 0.5) > 0.75


def test_flat_images_and_images_smaller_than_a_patch_are_no_trouble():
    flat = torch.zeros(16, 1, 4, 4)
    assert 0 <= accuracy(flat, flat) <= 1
    assert accuracy(flat, flat + 0.5) == 1.0


def test_it_is_a_function_of_images_and_seed_and_draws_from_no_global_state():
    before = torch.get_rng_state()
    first = accuracy(noise(0), noise(1), batches=3)
    torch.manual_seed(7)
    assert accuracy(noise(0), noise(1)) == first
    assert accuracy(noise(0), noise(1), seed=1) != first
    torch.set_rng_state(before)
    accuracy(noise(0), noise(1))
    assert torch.equal(before, torch.get_rng_state())


def test_patches_are_parts_of_their_own_image():
    images = torch.arange(3.0)[:, None, None, None].expand(3, 2, 9, 11)
    patches = draw_patches(images, 4, 5, torch.Generator().manual_seed(0))
    assert patches.shape == (3, 5, 32)
    assert torch.equal(patches, torch.arange(3.0)[:, None, None].expand(3, 5, 32))


def test_what_cannot_be_compared_is_said():
    metric = TwoSample(config=TwoSampleOptions())
    with pytest.raises(ValueError, match="no images were given"):
        metric.compute()
    with pytest.raises(ValueError, match="refined images have 1 channels, target images 3"):
        metric.update(noise(0), noise(1, channels=3))
    metric.update(noise(0, count=7), noise(1))
    with pytest.raises(ValueError, match="in 4 folds needs 8 images of each side, got 7"):
        metric.compute()
