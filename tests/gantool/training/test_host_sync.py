from __future__ import annotations

import pytest
import torch

from gantool.training.monitor import Monitor, means
from gantool.training.session import open_session

NO_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@pytest.mark.cuda
@NO_CUDA
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("cache_gib", [2.0, 1e-9], ids=["resident", "streamed"])
@pytest.mark.parametrize("options", [{}, {"recipe.optimizer": "sgd", "recipe.average": 0.9, "recipe.joint_batch": True}])
def test_nothing_waits_for_the_gpu_between_log_points(tiny, registry, precision, cache_gib, options):
    session = open_session(tiny(options, device="cuda", precision=precision, cache_gib=cache_gib, workers=0))
    monitor = Monitor()

    def step(number):
        monitor.add(number + 1, session.recipe.step(number, session.draws))

    # Every phase once, and the history filled: what is allocated once may wait.
    for number in (0, 4, 7, 8, 9):
        step(number)
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        for number in (0, 4, 10, 11):
            step(number)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    values, broken = means(monitor.read())
    assert "discriminator_loss" in values
    assert not broken


@pytest.mark.cuda
@NO_CUDA
def test_the_guard_sees_a_wait():
    value = torch.ones((), device="cuda")
    torch.cuda.set_sync_debug_mode("error")
    try:
        with pytest.raises(RuntimeError, match="synchroniz"):
            value.item()
    finally:
        torch.cuda.set_sync_debug_mode("default")
