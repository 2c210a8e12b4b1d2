"""Where torch computes."""

from __future__ import annotations

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState

from ..errors import GantoolError


def choose_device(name: str) -> torch.device:
    """`"auto"`: CUDA, then MPS, then the CPU. Raises `GantoolError` for a device that is not there."""
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind, there in available.items() if there))
    try:
        device = torch.device(name)
    except RuntimeError:
        raise GantoolError(f"--device {name!r} is no device; such as: auto, cpu, cuda, cuda:1, mps") from None
    count = torch.cuda.device_count() if device.type == "cuda" else 1
    if not available.get(device.type, False) or (device.index or 0) >= count:
        there = ", ".join(kind for kind, there in available.items() if there)
        raise GantoolError(f"--device {name} is not available here; there is: {there}")
    return device


def make_accelerator(name: str, precision: str) -> Accelerator:
    """Make the accelerator of a run on the device `name`. Raises `GantoolError` as `choose_device`."""
    device = choose_device(name)
    if device.type == "cuda" and device.index is not None:
        torch.cuda.set_device(device)
    if not torch.distributed.is_initialized():
        # accelerate settles device and precision once per process; the next run in a notebook may have others.
        AcceleratorState._reset_state(reset_partial_state=True)
    # Without cpu=True, accelerate under torchrun on a machine without a GPU trains unrelated single processes.
    return Accelerator(cpu=device.type == "cpu", mixed_precision="bf16" if precision == "bf16" else "no")
