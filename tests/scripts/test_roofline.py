from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture(scope="module")
def roofline():
    """The module; it imports a sibling, as a script can."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SCRIPTS))
        import roofline

        yield roofline


def test_the_page_is_up_to_date(roofline):
    assert roofline.main(["--check"]) == 0


def test_a_convolution_takes_its_arithmetic_or_its_memory(roofline):
    images = torch.empty(1, 64, 35, 55, device="meta")
    work = roofline.forward(nn.Conv2d(64, 64, 3, padding=1).to("meta"), images)
    assert work.flop == 2 * 64 * 64 * 9 * 35 * 55
    assert work.seconds == pytest.approx(work.flop / 312e12)
    assert work.bound_by_memory == 0

    thin = roofline.forward(nn.Conv2d(1, 1, 1, bias=False).to("meta"), images[:, :1])
    assert thin.seconds == thin.bound_by_memory == pytest.approx(2 * (2 * 35 * 55 + 1) / 2.039e12)


def test_all_convolutions_of_a_round_are_counted(roofline):
    # 2 updates of R: forward and two backward passes of R, forward and one of D. 1 of D: R forward, D three times on two batches.
    refiner, discriminator = roofline.Work(1, 10, 1), roofline.Work(100, 1000, 100)
    assert roofline.step(refiner, discriminator) == roofline.Work(7 + 1000, 70 + 10_000, 7 + 1000)
