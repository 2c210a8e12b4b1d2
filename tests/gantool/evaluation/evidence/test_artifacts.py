from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from gantool.errors import GantoolError
from gantool.evaluation.evidence.artifacts import artifacts

HEIGHT, WIDTH = 35, 55


def pictures(seed: int, count: int = 64, channels: int = 1) -> torch.Tensor:
    """Smooth blobs with grain and a light slope: spectra and borders of photographs, not of white noise."""
    generator = torch.Generator().manual_seed(seed)
    coarse, middle = (torch.randn(count, channels, h, w, generator=generator) for h, w in ((5, 7), (12, 18)))
    smooth = [F.interpolate(each, (HEIGHT, WIDTH), mode="bicubic") for each in (coarse, middle)]
    grain = 0.03 * torch.randn(count, channels, HEIGHT, WIDTH, generator=generator)
    return (0.25 * smooth[0] + 0.08 * smooth[1] + grain + torch.linspace(-0.2, 0.2, HEIGHT)[:, None]).clamp(-1, 1)


def refine(synthetic: torch.Tensor) -> torch.Tensor:
    """An honest refiner: another tone, soft, with a darker upper part."""
    return F.avg_pool2d(F.pad(synthetic, (1, 1, 1, 1), mode="replicate"), 3, 1) * 0.8 - torch.linspace(0.2, 0, HEIGHT)[:, None]


def border(images: torch.Tensor, lines: int, by: float, *, side: str = "all") -> torch.Tensor:
    images = images.clone()
    images[..., :lines, :] += by
    if side == "all":
        images[..., -lines:, :] += by
        images[..., lines:-lines, :lines] += by
        images[..., lines:-lines, -lines:] += by
    return images


def grid(period: int, height: int = HEIGHT, width: int = WIDTH) -> torch.Tensor:
    rows, columns = torch.arange(height)[:, None], torch.arange(width)
    return ((rows + columns) % period < period / 2).float() * 2 - 1


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("channels", [1, 3])
def test_honest_refining_has_no_findings(seed, channels):
    synthetic = pictures(seed, channels=channels)
    found = artifacts(refine(synthetic), synthetic, pictures(100 + seed, channels=channels))
    assert found["findings"] == []
    assert found["mean_change"] > 0.05


def test_the_identity_is_said_to_do_nothing():
    synthetic = pictures(0)
    found = artifacts(synthetic + 0.004, synthetic, pictures(1))
    assert found["mean_change"] == pytest.approx(0.004, abs=1e-4)
    assert len(found["findings"]) == 1
    assert "changes almost nothing: 0.0040" in found["findings"][0]


@pytest.mark.parametrize("lines", [1, 2, 3])
@pytest.mark.parametrize("by", [0.12, -0.12])
def test_a_frame_is_found(lines, by):
    synthetic = pictures(0)
    found = artifacts(border(refine(synthetic), lines, by), synthetic, pictures(1))
    assert found["frame"]["found"]
    assert found["frame"]["step"] == pytest.approx(0.12, abs=0.06)
    assert len(found["findings"]) == 1
    assert "a frame at the" in found["findings"][0]


def test_a_bar_on_one_side_is_named_by_its_side():
    synthetic = pictures(0)
    found = artifacts(border(refine(synthetic), 2, 0.15, side="upper"), synthetic, pictures(1))
    assert found["frame"]["side"] == "upper"
    assert found["frame"]["found"]


def test_a_frame_that_real_images_have_is_no_finding():
    synthetic = pictures(0)
    found = artifacts(border(refine(synthetic), 2, 0.15), synthetic, border(pictures(1), 2, 0.15))
    assert found["findings"] == []


@pytest.mark.parametrize("period", [2, 4])
def test_a_checkerboard_is_found_with_its_period(period):
    synthetic = pictures(0)
    found = artifacts(refine(synthetic) + 0.03 * grid(period), synthetic, pictures(1))
    assert found["checkerboard"]["found"]
    assert found["checkerboard"]["period_px"] == period
    assert [f"a grid of {period} px" in finding for finding in found["findings"]] == [True]


def test_a_grid_that_real_images_have_is_no_finding():
    synthetic = pictures(0)
    found = artifacts(refine(synthetic) + 0.03 * grid(2), synthetic, pictures(1) + 0.03 * grid(2))
    assert found["findings"] == []


def test_grain_is_no_checkerboard():
    synthetic = pictures(0)
    noisy = refine(synthetic) + 0.05 * torch.randn(synthetic.shape, generator=torch.Generator().manual_seed(3))
    assert artifacts(noisy, synthetic, pictures(1))["findings"] == []


def test_one_picture_for_all_and_a_few_for_all_are_collapse():
    synthetic = pictures(0)
    one = refine(synthetic)[:1] + 0.1 * refine(synthetic)
    few = refine(synthetic)[torch.arange(64) % 4] + 0.02 * synthetic
    for refined, key in ((one, "spread_share"), (few, "nearest_share")):
        found = artifacts(refined, synthetic, pictures(1))
        assert found["collapse"]["found"]
        assert found["collapse"][key] < 0.4
        assert any("are alike" in finding for finding in found["findings"])


def test_small_images_are_judged_by_what_they_allow():
    small = torch.randn(16, 1, 6, 7, generator=torch.Generator().manual_seed(0)).clamp(-1, 1)
    found = artifacts(small * 0.5, small, small)
    assert not found["frame"]["found"]
    assert not found["checkerboard"]["found"]


def test_sets_that_do_not_fit_are_refused():
    with pytest.raises(GantoolError, match="do not fit together"):
        artifacts(pictures(0), pictures(0, count=63), pictures(1))
    with pytest.raises(GantoolError, match="8 images or more, got 7 refined"):
        artifacts(pictures(0, count=7), pictures(0, count=7), pictures(1))
