from __future__ import annotations

import pytest
import torch

from gantool.builtin.metrics import PatchDistance
from gantool.builtin.part_options import PatchDistanceOptions


def measure(refined, target, *, batches: int = 1, **options) -> float:
    metric = PatchDistance(config=PatchDistanceOptions(**{"samples": 2048, "directions": 32, **options}))
    for one, other in zip(refined.chunk(batches), target.chunk(batches), strict=True):
        metric.update(one, other)
    ((name, value),) = metric.compute().items()
    assert name == "patch_distance"
    return value


def noise(seed: int, *shape: int, scale: float = 0.3) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).mul(scale).clamp(-1, 1)


def test_equal_distributions_are_near_and_different_ones_far():
    a, b = noise(0, 32, 1, 12, 16), noise(1, 32, 1, 12, 16)
    near = measure(a, b)
    assert near < 0.02
    for other in (a + 0.2, a * 1.5, torch.nn.functional.avg_pool2d(a, 3, 1, 1)):
        assert measure(other, b) > 3 * near


def test_a_shift_of_pixels_is_measured_in_units_of_the_image_scale():
    """Patches of one pixel have two directions, up and down: along each the distance is the shift itself."""
    a = noise(0, 64, 1, 16, 16)
    assert measure(a + 0.25, a, patch=1, samples=16384) == pytest.approx(0.25, abs=0.02)


def test_texture_counts_where_every_single_pixel_is_alike():
    smooth, alike = (torch.nn.functional.avg_pool2d(noise(seed, 128, 1, 18, 18), 3, 1) for seed in (0, 1))
    shuffled = smooth.flatten(2)[..., torch.randperm(256, generator=torch.Generator().manual_seed(3))].view_as(smooth)
    many = {"samples": 16384, "directions": 64}
    assert measure(smooth, shuffled, patch=1, **many) < 0.005
    assert measure(smooth, shuffled, patch=5, **many) > 2 * measure(smooth, alike, patch=5, **many)


def test_it_is_a_function_of_images_and_seed():
    a, b = noise(0, 8, 3, 12, 16), noise(1, 8, 3, 12, 16) + 0.1
    torch.manual_seed(1)
    first = measure(a, b)
    torch.manual_seed(2)
    assert measure(a, b) == first
    assert measure(a, b, seed=1) != first
    assert measure(a, b, seed=1) == pytest.approx(first, rel=0.3)


def test_it_draws_from_no_global_random_state():
    before = torch.get_rng_state()
    measure(noise(0, 4, 1, 8, 8), noise(1, 4, 1, 8, 8))
    assert torch.equal(before, torch.get_rng_state())


def test_batches_and_sides_may_differ_in_number_and_size():
    a, b = noise(0, 24, 1, 12, 16), noise(1, 24, 1, 12, 16) + 0.2
    assert measure(a, b, batches=3) == pytest.approx(measure(a, b), rel=0.2)
    metric = PatchDistance(config=PatchDistanceOptions(samples=512, directions=8))
    metric.update(noise(0, 5, 1, 9, 30), noise(1, 2, 1, 40, 8))
    metric.update(noise(2, 1, 1, 9, 9), noise(3, 7, 1, 8, 9))
    assert 0 <= metric.compute()["patch_distance"] < 1


def test_images_smaller_than_a_patch_are_taken_whole():
    a = noise(0, 16, 1, 3, 2)
    assert measure(a, a, patch=7) < measure(a + 0.5, a, patch=7)


def test_asking_twice_and_going_on_gives_figures_over_all_batches():
    metric = PatchDistance(config=PatchDistanceOptions(samples=1024, directions=16))
    a = noise(0, 16, 1, 9, 9)
    metric.update(a, a)
    near = metric.compute()["patch_distance"]
    metric.update(a + 0.8, a)
    assert metric.compute()["patch_distance"] > near + 0.1


def test_half_precision_and_gradients_are_no_matter():
    a = noise(0, 4, 1, 9, 9).bfloat16().requires_grad_()
    assert measure(a, a.detach()) >= 0


def test_what_cannot_be_compared_is_said():
    metric = PatchDistance(config=PatchDistanceOptions())
    with pytest.raises(ValueError, match="no images were given"):
        metric.compute()
    with pytest.raises(ValueError, match="refined images have 1 channels, target images 3"):
        metric.update(torch.zeros(1, 1, 4, 4), torch.zeros(1, 3, 4, 4))
