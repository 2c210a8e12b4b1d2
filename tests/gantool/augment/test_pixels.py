from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from gantool.augment.pixels import check_probability, check_range, check_strength, clip, refine_pixels, refine_rows
from gantool.errors import GantoolError


class Negative(nn.Module):
    """R(x) = −x, that is 1 − x for images in [0, 1]; remembers how many images it saw."""

    seen = 0

    def forward(self, images: Tensor) -> Tensor:
        self.seen += len(images)
        return -images


def test_each_image_is_blended_with_its_own_strength() -> None:
    images = torch.full((3, 1, 2, 2), 0.25)
    refined = refine_pixels(Negative(), images, torch.tensor([0.0, 0.5, 1.0]), images.shape[1])
    assert torch.equal(refined.mean((1, 2, 3)), torch.tensor([0.25, 0.5, 0.75]))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_strength_0_gives_back_the_very_pixels(dtype: torch.dtype) -> None:
    images = torch.rand(2, 3, 5, 7).to(dtype)
    assert torch.equal(refine_pixels(Negative(), images, torch.zeros(2), images.shape[1]), images)


def test_a_network_that_leaves_its_range_is_clipped() -> None:
    refined = refine_pixels(_Times(9), torch.rand(2, 1, 3, 3), torch.ones(2), 1)
    assert refined.min() >= 0
    assert refined.max() <= 1


class _Times(nn.Module):
    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, images: Tensor) -> Tensor:
        return images * self.factor


def test_rows_that_were_not_chosen_stay_and_are_never_computed() -> None:
    network, images = Negative(), torch.rand(10, 3, 4, 4)
    chosen = torch.zeros(10, dtype=torch.bool)
    chosen[[2, 7]] = True
    refined = refine_rows(network, images, torch.ones(10), chosen, images.shape[1])
    assert network.seen == 2
    assert torch.equal(refined[~chosen], images[~chosen])
    torch.testing.assert_close(refined[chosen], 1 - images[chosen])


def test_8_bit_pixels_are_rounded() -> None:
    images = torch.tensor([0, 1, 2, 3], dtype=torch.uint8).view(1, 1, 2, 2)
    refined = refine_rows(_Times(0), images, torch.full((1,), 0.5), torch.ones(1, dtype=torch.bool), images.shape[1])
    assert refined.flatten().tolist() == [64, 64, 65, 65]  # 63.75 + x / 2: truncation would give 63 and 64


def test_the_gradient_reaches_black_and_white_pixels() -> None:
    values = torch.tensor([-0.01, 0.0, 0.5, 1.0, 1.01], requires_grad=True)
    clip(values, 0, 1).sum().backward()
    assert values.grad is not None
    assert values.grad.tolist() == [0, 1, 1, 1, 0]


def test_memory_layout_of_the_input_is_kept() -> None:
    images = torch.rand(2, 3, 5, 6)
    assert refine_pixels(Negative(), images, torch.ones(2), images.shape[1]).is_contiguous()


def test_a_network_that_changes_the_size_is_named() -> None:
    with pytest.raises(GantoolError, match=r"turns \(1, 3, 5, 7\) into \(1, 3, 2, 3\)"):
        refine_pixels(nn.MaxPool2d(2), torch.rand(1, 3, 5, 7), torch.ones(1), 3)


@pytest.mark.parametrize("wrong", [[0, 255], [-1, 1], [0.5, float("nan")]])
def test_values_in_another_unit_are_refused(wrong: list[float]) -> None:
    with pytest.raises(GantoolError, match=r"takes images in \[0, 1\], got"):
        check_range(torch.tensor(wrong), "Refine")


def test_the_overshoot_of_a_resize_is_not() -> None:
    check_range(torch.tensor([-0.02, 1.02]), "Refine")


@pytest.mark.parametrize("wrong", [0.5, (0.5,), (0.6, 0.4), (-0.1, 1), (0, 1.5), ("a", "b"), "01", None, (0, float("nan"))])
def test_strength_that_is_no_range_is_refused(wrong: object) -> None:
    with pytest.raises(GantoolError, match="strength: two numbers"):
        check_strength(wrong, "Refine")


@pytest.mark.parametrize("wrong", [-0.1, 1.1, "0.5", None, float("nan")])
def test_p_that_is_no_probability_is_refused(wrong: object) -> None:
    with pytest.raises(GantoolError, match="p: a probability between 0 and 1"):
        check_probability(wrong, "Refine")
