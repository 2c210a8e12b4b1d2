from __future__ import annotations

import math

import pytest
import torch

from gantool.training.monitor import Monitor, means


def test_means_since_the_last_reading():
    monitor = Monitor()
    assert means(monitor.read()) == ({}, {})
    for step in (1, 2, 3):
        monitor.add(step, {"a": torch.tensor(float(step)), "b": torch.tensor(10 * step, dtype=torch.int64)})
    assert means(monitor.read()) == ({"a": 2.0, "b": 20.0}, {})
    assert means(monitor.read()) == ({}, {})
    monitor.add(4, {"a": torch.tensor(7.0, requires_grad=True)})
    assert means(monitor.read()) == ({"a": 7.0}, {})


def test_figures_that_come_at_some_steps_only_have_means_over_those():
    monitor = Monitor()
    monitor.add(1, {"a": torch.tensor(1.0), "penalty": torch.tensor(8.0)})
    for step in (2, 3, 4):
        monitor.add(step, {"a": torch.tensor(3.0)})
    monitor.add(5, {})
    assert means(monitor.read()) == ({"a": 2.5, "penalty": 8.0}, {})


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_the_first_bad_step_of_each_figure_is_named_even_where_later_ones_are_bad_too(value):
    monitor = Monitor()
    for step in range(1, 9):
        figures = {"a": value if step in (3, 6) else 1.0, "b": 1.0, "c": value if step >= 5 else 1.0}
        if step % 2:
            figures["sometimes"] = value if step == 7 else 1.0
        monitor.add(step, {name: torch.tensor(figure) for name, figure in figures.items()})
    values, broken = means(monitor.read())
    assert broken == {"a": 3, "c": 5, "sometimes": 7}
    assert not math.isfinite(values["a"])
    assert values["b"] == 1
    monitor.add(9, {"a": torch.tensor(1.0)})
    assert means(monitor.read()) == ({"a": 1.0}, {})


def test_adding_does_not_wait_for_the_device():
    """On the meta device there is nothing to read: whatever asks for a value raises."""
    monitor = Monitor()
    for step in (1, 2):
        monitor.add(step, {"a": torch.ones((), device="meta"), "b": torch.ones((), device="meta", dtype=torch.bfloat16)})
    with pytest.raises((RuntimeError, NotImplementedError)):
        means(monitor.read())


def test_figures_of_several_processes_are_means_and_the_first_broken_steps():
    processes = [[("a", 2.0, 2, 7), ("b", 4.0, 2, -1)], [("a", 6.0, 2, 5), ("b", 4.0, 2, 9)]]
    assert means(sums for process in processes for sums in process) == ({"a": 2.0, "b": 2.0}, {"a": 5, "b": 9})
    assert means(processes[0]) == ({"a": 1.0, "b": 2.0}, {"a": 7})
