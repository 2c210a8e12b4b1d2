from __future__ import annotations

import pytest
import torch

import gantool
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


FAULTY = """
from gantool import Component, hookimpl

class Faulty:
    def __init__(self, *, config):
        self.count = 0
    def update(self, refined, target):
        raise RuntimeError("no such\\nlayer")
    def compute(self):
        return {}

@hookimpl
def gantool_metrics():
    yield Component(name="faulty", factory="MODULE:Faulty", summary="Raises")
"""


def test_a_metric_that_fails_costs_no_checkpoint(site, tmp_path, capfd):
    site.plant("toy", FAULTY)
    options = {"generator.width": 4, "generator.blocks": 1, "discriminator.width_factor": 0.05, "dataset.size": [12, 16]}
    options |= {"dataset.synthetic_count": 12, "dataset.real_count": 12}
    choices = {"steps": 2, "batch_size": 4, "device": "cpu", "checkpoint_every": 1, "metric": "toy:faulty", "quiet": False}
    run = gantool.train("simgan", output=tmp_path / "run", options=options, **choices)
    assert "is not judged: toy:faulty: RuntimeError: no such layer" in capfd.readouterr().err
    assert len(list((run / "checkpoints").iterdir())) == 2
    assert gantool.load(run)
    with pytest.raises(gantool.GantoolError, match="best"):
        gantool.load(run, "best")
