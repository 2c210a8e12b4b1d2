"""A plugin without a fault passes every check, and each planted fault is caught by the check that is there for it."""

from __future__ import annotations

import pytest

from gantool.kinds import KINDS
from gantool.testing import Fault, collect

from . import faults_of_data, faults_of_networks, faults_of_runs

FAULTS = faults_of_networks.FAULTS | faults_of_data.FAULTS | faults_of_runs.FAULTS


def test_faultless_plugin_passes_every_check(plant, tmp_path):
    plant()
    cases = collect("good")
    for number, case in enumerate(cases):
        folder = tmp_path / str(number)
        folder.mkdir()
        case.run(folder)
    kinds = {case.name.partition("-")[0] for case in cases}
    assert {kind.name for kind in KINDS.values() if kind.checks} <= kinds
    assert len({case.name for case in cases}) == len(cases)


def test_every_check_has_a_planted_fault(plant):
    plant()
    # Each network check is shared by both kinds of networks, so one of the two is enough.
    names = {case.name for case in collect("good")}
    planted = {case for case, *_ in FAULTS.values()}
    assert planted <= names
    without = {name.split("-", 2)[2] for name in names} - {name.split("-", 2)[2] for name in planted}
    assert not without


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_fault_is_caught_and_named(plant, tmp_path, fault):
    name, *changes, message = FAULTS[fault]
    plant(*changes)
    case = next(case for case in collect("good") if case.name == name)
    with pytest.raises(Fault) as error:
        case.run(tmp_path)
    assert message in str(error.value)
    assert "\n" not in str(error.value).splitlines()[0]
    assert str(error.value).startswith("plugin 'good'")
