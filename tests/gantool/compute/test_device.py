"""Which device a process takes, and whether as many train together as were started."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from gantool import GantoolError
from gantool.compute import device as module
from gantool.compute import processes
from gantool.compute.device import choose_device, make_accelerator
from gantool.compute.launch import Launch
from gantool.compute.processes import open_team
from gantool.plan.settings import RunSettings
from gantool.training.session import meet

PAIR = Launch(rank=0, count=2, local_rank=0, local_count=2)


def test_a_device_that_is_not_there_is_named():
    with pytest.raises(GantoolError, match="--device 'tpux' is no device"):
        choose_device("tpux")
    assert choose_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cuda", "2 processes on this machine need a GPU each, there are 1: start fewer, or pass --device cpu"),
        ("cuda:1", "--device cuda:1 is one device for 2 processes: pass --device cuda or cpu"),
        ("mps", "--device mps is one device for 2 processes"),
    ],
)
def test_every_process_needs_a_device_of_its_own(monkeypatch, name, message):
    monkeypatch.setattr(module, "choose_device", torch.device)
    monkeypatch.setattr(module.torch.cuda, "device_count", lambda: 1)
    with pytest.raises(GantoolError, match=message):
        make_accelerator(name, "fp32", PAIR)


def test_processes_that_were_started_together_but_train_alone_are_found_out(monkeypatch):
    """As with accelerate's own choice of a device on a machine without a GPU."""
    monkeypatch.setattr(processes, "make_accelerator", lambda *_, **__: SimpleNamespace(num_processes=1, process_index=0))
    with pytest.raises(GantoolError, match="2 processes were started, but 1 train together"):
        open_team(PAIR, device="cpu", precision="fp32", timeout=60)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (RunSettings(batch_size=5), "--batch-size 5 cannot be shared by 2 processes: pass a multiple of 2"),
        (RunSettings(batch_size=8, accumulate=3), "--accumulate 3 does not divide the 4 images of each process"),
    ],
)
def test_shares_are_equal(settings, message):
    with pytest.raises(GantoolError, match=message):
        meet(settings, PAIR)
