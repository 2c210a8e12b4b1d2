from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from gantool.errors import GantoolError
from gantool.evaluation.evidence.realism import feature_space, realism, two_sample

pytest.importorskip("torchmetrics")

SIDES = {"refined", "synthetic", "floor"}


def noise(seed: int, count: int = 64, channels: int = 1) -> torch.Tensor:
    images = torch.randn(count, channels, 18, 22, generator=torch.Generator().manual_seed(seed))
    return F.avg_pool2d(images, 3, 1).clamp(-1, 1)


def small_network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 5, 3), nn.ReLU())


def broken_network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 5, 3), nn.Threshold(1e9, torch.inf))


@pytest.mark.parametrize("features", ["patches", "pixels", f"{__name__}:small_network"])
def test_refined_lies_between_the_floor_and_the_start(features):
    real, other, synthetic = noise(0), noise(1, count=90), noise(2) * 0.4 + 0.5
    refined = noise(3) * 0.8 + 0.15
    found = realism(refined, synthetic, real, other, features=features, repeats=2)
    assert (found["images"], found["repeats"], found["features"]["name"]) == (64, 2, features)
    for name in ("fid", "kid", "sliced_wasserstein"):
        figures = found[name]
        assert set(figures) == SIDES
        assert figures["floor"]["mean"] < figures["refined"]["mean"] < figures["synthetic"]["mean"]
        assert all(each["low"] <= each["mean"] <= each["high"] for each in figures.values())
    for name in ("two_sample", "two_sample_patches"):
        assert found[name]["floor"]["accuracy"] < found[name]["refined"]["accuracy"] <= found[name]["synthetic"]["accuracy"]
    assert found["two_sample"]["floor"]["low"] < 0.5 < found["two_sample"]["floor"]["high"]
    assert found["two_sample"]["synthetic"]["low"] > 0.9


def test_it_is_a_function_of_images_and_seed_and_leaves_global_randomness_alone():
    sets = [noise(seed) for seed in range(4)]
    before = torch.get_rng_state()
    first = realism(*sets, repeats=1)
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(5)
    assert realism(*sets, repeats=1) == first
    assert realism(*sets, repeats=1, seed=1) != first


def test_more_patches_do_not_narrow_the_interval_of_images():
    """All patches of an image share its tone: the sample is the image, not the patch."""
    generator = torch.Generator().manual_seed(0)
    tone = lambda: torch.randn(48, 1, 1, 1, generator=generator) * 0.3  # noqa: E731
    first, second = noise(0, 48) * 0.2 + tone(), noise(1, 48) * 0.2 + tone() + 0.2
    found = two_sample(first, second, unit="patch", repeats=1, seed=0)
    naive = 1.96 * (0.25 / (2 * 48 * 32)) ** 0.5
    assert found["high"] - found["low"] > 4 * naive


def test_a_perfect_score_has_an_interval_too():
    found = two_sample(noise(0), noise(1) + 3, unit="image", repeats=3, seed=0)
    assert found["accuracy"] == found["high"] == 1
    assert 0.9 < found["low"] < 1


def test_sets_that_do_not_fit_are_refused():
    good = [noise(seed) for seed in range(4)]
    with pytest.raises(GantoolError, match="needs 32 images of each set, and refined images are 31"):
        realism(noise(0, count=31), *good[1:])
    with pytest.raises(GantoolError, match="and the second half of real images are 5"):
        realism(*good[:3], noise(0, count=5))
    with pytest.raises(GantoolError, match=r"synthetic images are \(3, 16, 20\) .* real ones \(1, 16, 20\)"):
        realism(good[0], noise(1, channels=3), *good[2:])


def test_feature_spaces_are_named_or_refused():
    assert feature_space("pixels").rows(noise(0, count=3), 0).shape == (3, 1, 64)
    assert feature_space("patches").rows(noise(0, count=3), 0).shape == (3, 16, 49)
    assert feature_space(f"{__name__}:small_network").rows(noise(0, count=3), 0).shape == (3, 1, 5)
    with pytest.raises(GantoolError, match="--features 'patch' is none of: patches, pixels"):
        feature_space("patch")
    with pytest.raises(GantoolError, match="gives features that are not finite"):
        feature_space(f"{__name__}:broken_network").rows(noise(0, count=3), 0)


def test_the_bundled_network_gives_one_row_an_image():
    pytest.importorskip("efficientnet_lite_pytorch")
    space = feature_space("efficientnet-lite0")
    assert space.rows(noise(0, count=3), 0).shape == (3, 1, 80)
    assert "blocks.0, blocks.2, blocks.4" in space.description
