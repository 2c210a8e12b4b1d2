from __future__ import annotations

import torch

from gantool.components import Component
from gantool.training.selection import update_metric


class Seen:
    def __init__(self) -> None:
        self.calls: list[tuple] = []

    def update(self, refined, target, **extra) -> None:
        self.calls.append((refined, target, extra))


def record(*provides: str) -> Component:
    return Component(name="seen", factory="none:none", provides=frozenset(provides))


def test_only_a_metric_that_asks_for_the_source_gets_it():
    refined, target, source = (torch.full((2, 1, 3, 3), value) for value in (0.1, 0.2, 0.3))
    plain, asking = Seen(), Seen()
    update_metric(plain, record("lower-is-better"), refined, target, source)
    update_metric(asking, record("lower-is-better", "sees-source"), refined, target, source)
    assert plain.calls == [(refined, target, {})]
    ((_, _, extra),) = asking.calls
    assert extra["source"] is source
