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


def test_a_metric_gets_source_and_labels_only_where_it_asks():
    refined, target, source = (torch.full((2, 1, 3, 3), value) for value in (0.1, 0.2, 0.3))
    labels = [{"angle": 1.0}, {"angle": 2.0}]
    plain, asking, both = Seen(), Seen(), Seen()
    update_metric(plain, record("lower-is-better"), refined, target, source=source, labels=labels)
    update_metric(asking, record("sees-source"), refined, target, source=source, labels=labels)
    update_metric(both, record("sees-source", "sees-labels"), refined, target, source=source, labels=labels)
    assert plain.calls == [(refined, target, {})]
    assert [list(extra) for seen in (asking, both) for _, _, extra in seen.calls] == [["source"], ["source", "labels"]]
    assert both.calls[0][2]["source"] is source
    assert both.calls[0][2]["labels"] is labels
