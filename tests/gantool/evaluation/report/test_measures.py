from __future__ import annotations

import pytest
import torch

from gantool.evaluation.report.measures import change, distances, edge_shift, reduced


def square(left: int, *, noise: float = 0.0) -> torch.Tensor:
    image = torch.full((1, 1, 32, 48), -0.5)
    image[..., 8:24, left : left + 16] = 0.5
    return image + noise * torch.randn(image.shape, generator=torch.Generator().manual_seed(0))


def test_edges_that_stay_have_not_moved() -> None:
    assert edge_shift(square(10), square(10)) == 0
    assert edge_shift(square(10), -square(10)) == 0  # a contrast that turns round moves nothing
    assert edge_shift(square(10), square(10, noise=0.02)) < 0.1


def test_edges_that_move_are_measured_in_pixels() -> None:
    # Half of the outline lies along the direction of the shift and hardly moves.
    near, far = float(edge_shift(square(10), square(12))[0]), float(edge_shift(square(10), square(16))[0])
    assert 0.5 < near <= 2
    assert 2 * near < far <= 6


def test_lost_edges_are_as_bad_as_it_gets() -> None:
    flat = torch.zeros(1, 1, 32, 48)
    assert edge_shift(square(10), flat) == pytest.approx((32**2 + 48**2) ** 0.5)
    assert edge_shift(flat, flat) == 0


def test_the_worst_image_is_found_among_others() -> None:
    before = torch.cat([square(10)] * 4)
    after = torch.cat([square(10, noise=0.02), square(11), square(20), square(10)])
    assert edge_shift(before, after).argmax() == 2


def test_change_is_on_the_scale_of_training() -> None:
    black, white = torch.full((1, 3, 4, 4), -1.0), torch.full((1, 3, 4, 4), 1.0)
    assert change(torch.cat([black, black]), torch.cat([white, black])).tolist() == [2, 0]


def test_distances_are_shares_of_the_range() -> None:
    black, white = torch.full((1, 1, 64, 100), -1.0), torch.full((1, 1, 64, 100), 1.0)
    rows = reduced(torch.cat([black, white]))
    assert rows.shape == (2, 20 * 32)
    assert torch.allclose(distances(rows, rows), torch.tensor([[0.0, 1.0], [1.0, 0.0]]), atol=1e-3)
