from __future__ import annotations

import numpy as np
import pytest
import torch

from gantool.data.preprocess import equalize
from gantool.training.session import looks_apart


def images(channels: int, *, equal: bool) -> torch.Tensor:
    """(12, channels, 20, 24) in [-1, 1]: dark slopes with grain, or the same equalised."""
    random = np.random.default_rng(0)
    slope = np.linspace(40, 90, 24)[None, :, None] + random.normal(0, 5, (12, 20, 24, channels))
    levels = slope.clip(0, 255).astype(np.uint8)
    if equal:
        levels = np.stack([equalize(image, "an image") for image in levels])
    return torch.from_numpy(levels).permute(0, 3, 1, 2).float() / 127.5 - 1


def test_images_treated_alike_are_not_worth_a_word():
    for equal in (False, True):
        assert looks_apart(images(1, equal=equal), images(1, equal=equal)) == []


@pytest.mark.parametrize("channels", [1, 3])
def test_equalised_real_images_are_named_with_the_flag_that_mends_it(channels):
    plain, equal = images(channels, equal=False), images(channels, equal=True)
    (text,) = looks_apart(plain, equal)
    assert text.startswith("real images are histogram-equalised, synthetic ones are not (0% of the synthetic and 100% of")
    assert "--equalize" in text
    (other,) = looks_apart(equal, plain)
    assert other.startswith("synthetic images are histogram-equalised, real ones are not")


def test_other_numbers_of_channels_are_judged_by_their_mean():
    (text,) = looks_apart(images(5, equal=False), images(1, equal=True).expand(-1, 5, -1, -1))
    assert text.startswith("real images are")
