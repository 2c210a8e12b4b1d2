from __future__ import annotations

import numpy as np
import pytest
import torch

from gantool.builtin.metrics import LabelDrift, RealismDrift
from gantool.builtin.part_options import LabelDriftOptions, RealismDriftOptions
from gantool.evaluation.evidence.edges import edges, overlap


def discs(count: int = 32, height: int = 24, width: int = 32, seed: int = 0) -> torch.Tensor:
    """Dark discs on a bright ground, each in another place."""
    generator = torch.Generator().manual_seed(seed)
    x, y = (torch.rand(count, 1, 1, generator=generator) * (side - 16) + 8 for side in (width, height))
    distance = ((torch.arange(width) - x) ** 2 + (torch.arange(height)[:, None] - y) ** 2).sqrt()
    return (((distance - 5).clamp(-1, 1)) * 0.6)[:, None]


def lost(source, refined) -> float:
    metric = LabelDrift(config=LabelDriftOptions())
    for one, other in zip(refined.chunk(2), source.chunk(2), strict=True):
        metric.update(one, one, source=other)
    return metric.compute()["edges_lost"]


def test_the_identity_and_another_tone_lose_nothing():
    assert lost(discs(), discs()) == 0
    assert lost(discs(), discs() * 0.5 + 0.2) < 0.02


def test_a_shift_within_the_tolerance_is_forgiven_and_beyond_it_grows():
    shifted = [lost(discs(), discs().roll(pixels, 3)) for pixels in range(5)]
    assert shifted[1] < 0.02 < 0.2 < shifted[3] < shifted[4]


def test_new_edges_are_no_loss_and_missing_ones_are():
    more = discs()
    more[..., :3, :] = -0.6
    assert lost(discs(), more) < 0.1
    assert lost(discs(), torch.zeros_like(more)) == 1


def test_overlap_counts_kept_and_new_edges():
    first, second = np.zeros((2, 2, 8, 8), bool)
    first[0, 2, :] = True
    second[0, 3, :4] = True
    second[0, 7, :4] = True
    found = overlap(first, second)
    # The row below reaches one column further, diagonally.
    assert found["kept"].tolist() == [5 / 8, 1.0]
    assert found["new"].tolist() == [0.5, 0.0]
    assert found["f1"][0] == pytest.approx(2 * 0.625 * 0.5 / 1.125)


def test_edges_of_a_disc_are_a_ring():
    found = edges(discs(count=1))[0]
    assert found.shape == (24, 32)
    assert 20 < found.sum() < 60


def test_the_penalty_starts_where_the_allowance_ends():
    source, target = discs(), discs(seed=1)

    def figures(refined, **options):
        metric = RealismDrift(config=RealismDriftOptions(**options))
        metric.update(refined, target, source=source)
        return metric.compute()

    kept, moved = figures(source, weight=2.0, allowed=0.2), figures(source.roll(4, 3), weight=2.0, allowed=0.2)
    assert next(iter(kept)) == "realism_drift"
    assert kept["realism_drift"] == kept["two_sample_accuracy"]
    assert moved["edges_lost"] > 0.3
    assert moved["realism_drift"] == pytest.approx(moved["two_sample_accuracy"] + 2 * (moved["edges_lost"] - 0.2))
    assert moved["realism_drift"] > kept["realism_drift"]


def test_what_cannot_be_compared_is_said():
    metric = LabelDrift(config=LabelDriftOptions())
    with pytest.raises(ValueError, match="no images were given"):
        metric.compute()
    with pytest.raises(ValueError, match="are no pairs"):
        metric.update(discs(4), discs(4), source=discs(3))
