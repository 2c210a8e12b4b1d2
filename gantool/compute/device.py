"""Where torch computes."""

from __future__ import annotations

import os
from datetime import timedelta

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import DistributedDataParallelKwargs, GradientAccumulationPlugin, InitProcessGroupKwargs

from ..errors import GantoolError
from .launch import Launch

_ALONE = Launch()


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


def make_accelerator(name: str, precision: str, launch: Launch = _ALONE, *, timeout: float = 600.0) -> Accelerator:
    """Make the accelerator of a run on the device `name`, of one of several processes if `launch` says so.

    Raises `GantoolError` as `choose_device`, and where there are not enough GPUs for the processes of this machine.
    """
    device = choose_device(name)
    if launch.count > 1:
        _check_enough(device, launch)
        # The names that accelerate knows for any device; MPI has others.
        os.environ |= {"RANK": str(launch.rank), "WORLD_SIZE": str(launch.count), "LOCAL_RANK": str(launch.local_rank)}
    elif device.type == "cuda" and device.index is not None:
        torch.cuda.set_device(device)
    if not torch.distributed.is_initialized():
        # accelerate settles device and precision once per process; the next run in a notebook may have others.
        AcceleratorState._reset_state(reset_partial_state=True)
    # Without cpu=True, accelerate under torchrun on a machine without a GPU trains unrelated single processes.
    return Accelerator(
        cpu=device.type == "cpu",
        mixed_precision="bf16" if precision == "bf16" else "no",
        # Said here, because a recipe scales its own losses, and accelerate's launcher may set another number.
        gradient_accumulation_plugin=GradientAccumulationPlugin(num_steps=1),
        kwargs_handlers=[
            InitProcessGroupKwargs(timeout=timedelta(seconds=timeout)),
            # Buffers, such as the vectors of a spectral norm, follow from the weights. Sending them before every forward pass
            # would change them between two passes of one loss, which autograd refuses.
            DistributedDataParallelKwargs(broadcast_buffers=False),
        ],
    )


def _check_enough(device: torch.device, launch: Launch) -> None:
    if device.type == "mps" or ":" in str(device):
        raise GantoolError(f"--device {device} is one device for {launch.count} processes: pass --device cuda or cpu")
    if device.type == "cuda" and torch.cuda.device_count() < launch.local_count:
        raise GantoolError(
            f"{launch.local_count} processes on this machine need a GPU each, there are {torch.cuda.device_count()}: "
            "start fewer, or pass --device cpu"
        )
