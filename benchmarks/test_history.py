"""What an exchange with the history costs: with its size it must not grow.

pytest benchmarks/test_history.py --benchmark-enable
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from simgan_plugin.history import History
from simgan_plugin.options import HistoryOptions

SIZES = (1024, 51_200)
CALLS = 50
"""One takes less than a clock can tell well."""


def exchanges(size: int, fresh: Tensor) -> Callable[[], None]:
    """`CALLS` exchanges with a full history of `size` images."""
    history = History(config=HistoryOptions(size=size), generator=torch.Generator().manual_seed(0))
    while history.held < size:
        history.exchange(fresh)

    def call() -> None:
        for _ in range(CALLS):
            history.exchange(fresh)

    return call


@pytest.mark.parametrize("batch", [32, 64, 512])
def test_exchange(record: Any, device: str, batch: int) -> None:
    """Half a batch of 35×55 images in and out; the floor copies as many bytes, batch and stored half, in one piece."""
    fresh = torch.rand(batch, 1, 35, 55, device=device)
    small, large = (record.count(size) for size in SIZES)

    def copies() -> None:
        for _ in range(CALLS):
            fresh.clone()
            fresh[: batch // 2].clone()

    functions = {f"B = {large:,}": exchanges(large, fresh), f"B = {small:,}": exchanges(small, fresh), "bare copies": copies}
    rates = record.compare(functions, CALLS * batch, floor="bare copies")
    ours, of_small, _ = rates.values()
    record.info["notes"]["ms for one exchange"] = f"{batch / ours * 1000:.3f}"
    record.target(f"time with B = {large:,} / B = {small:,}", of_small / ours, 2.0, sense="<=")
