"""What a backend is, and the plain one."""

from __future__ import annotations

from typing import Protocol

import torch

from .shares import Shares


class Backend(Protocol):
    """Computes a generator."""

    name: str

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) float32 in [-1, 1] on the network's device to (N, c, H, W); may raise anything."""


class Eager:
    """torch, operation by operation: the reference for all others."""

    name = "torch"

    def __init__(self, module: torch.nn.Module, device: torch.device) -> None:
        self._apply = Shares(module) if device.type == "cpu" else module

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self._apply(images)
        return result


class Compiled:
    """torch.compile with free sizes. Compiling takes 10 to 40 s on a CPU and needs a C++ compiler there."""

    name = "compile"

    def __init__(self, module: torch.nn.Module) -> None:
        self._module = torch.compile(module, dynamic=True)

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self._module(images)
        return result
