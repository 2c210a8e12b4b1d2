"""Opening a backend by name, falling back to torch where it fails, and measuring which is the fastest."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cached_property

import torch

from ...components import Channels
from ...errors import GantoolError, MissingExtra
from ...model.tensors import TOLERANCE
from ...model.tracing import first_line, quiet, to_onnx, trace
from .runtimes import Backend, OnnxRuntime, OpenVino, compiled, eager

NAMES = ("auto", "torch", "compile", "onnxruntime", "openvino")
ON_CPU = ("onnxruntime", "openvino")
"""Those that compute on the CPU only."""

_PAYS_SECONDS = 30.0
"""Seconds of work left from which exporting and measuring, which take 5 to 8, are worth it."""
_PAYS_BATCHES = 12
"""And batches of work left: measuring costs up to 5 of them."""


class SelectedBackend:
    """Computes a network with the backend asked for, or with torch where that fails.

    `name`: one of `NAMES`; `notice` is told what a person should know. "auto" starts with torch; where the time of a batch
    says that much work is left, it exports the network and goes on with what is the fastest on that batch. On other devices
    than the CPU it stays with torch. Raises `GantoolError` for an unknown name, and `MissingExtra` where the backend asked for
    is not installed.
    """

    def __init__(
        self, name: str, module: torch.nn.Module, channels: int, device: torch.device, notice: Callable[[str], None]
    ) -> None:
        if name not in NAMES:
            raise GantoolError(f"--backend {name!r} is none of: {', '.join(NAMES)}")
        if name in ON_CPU and device.type != "cpu":
            raise GantoolError(f"--backend {name} computes on the CPU, not on {device}: pass --device cpu, or --backend torch")
        self._module, self._channels, self._device, self._notice = module, channels, device, notice
        self._eager: Backend = eager(module, device)
        self._current: Backend = self._eager
        self._minimum = 1
        self._undecided = name == "auto"
        self._left = 0
        if name not in ("auto", "torch"):
            try:
                self._current = self._open(name)
            except MissingExtra:
                raise
            # A network that cannot be exported, and whatever the backend raises.
            except Exception as error:
                self._fall_back(name, error)

    @property
    def name(self) -> str:
        """The backend that computes now."""
        return self._current.name

    def expect(self, pixels: int) -> None:
        """Say how many pixels are to come, so that "auto" knows whether measuring pays."""
        self._left = pixels

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) float32 in [-1, 1] on the device to (N, c, H, W)."""
        if self._undecided:
            return self._try_out(images)
        # A graph is for no image smaller than what it was traced for; see `tracing`.
        if self._current is self._eager or min(images.shape[2:]) < self._minimum or not len(images):
            return self._eager(images)
        try:
            with quiet():
                return self._current(images)
        except torch.OutOfMemoryError:
            raise
        except Exception as error:
            self._fall_back(self.name, error)
            return self._eager(images)

    @cached_property
    def _graph(self) -> bytes:
        traced = trace(self._module, Channels(self._channels))
        self._minimum = traced.minimum
        return to_onnx(traced)

    def _open(self, name: str) -> Backend:
        if name == "compile":
            return compiled(self._module)
        return (OnnxRuntime if name == "onnxruntime" else OpenVino)(self._graph)

    def _fall_back(self, name: str, error: Exception) -> None:
        self._notice(f"backend {name} failed ({first_line(error)}); going on with torch")
        self._current = self._eager

    def _try_out(self, images: torch.Tensor) -> torch.Tensor:
        """Compute with torch, and choose a backend where much is left to do."""
        began = time.perf_counter()
        result = self._eager(images)
        seconds = time.perf_counter() - began
        pixels = images.shape[0] * images.shape[2] * images.shape[3]
        self._left -= pixels
        batches = self._left / max(pixels, 1)
        if batches > _PAYS_BATCHES and batches * seconds > _PAYS_SECONDS:
            self._undecided = False
            self._choose(images, result)
        return result

    def _choose(self, images: torch.Tensor, expected: torch.Tensor) -> None:
        """Go on with the backend that is the fastest on this batch, and say so."""
        if self._device.type != "cpu":
            return
        candidates: list[Backend] = [self._eager]
        missing = ""
        for name in ON_CPU:
            try:
                backend = self._open(name)
                difference = float((backend(images) - expected).detach().abs().max())
            except MissingExtra as error:
                missing = f" ({error})"
            # It is a candidate only; torch can do it, too.
            except Exception as error:
                self._notice(f"backend {name} is left out: {first_line(error)}")
            else:
                if difference <= TOLERANCE:
                    candidates.append(backend)
                else:
                    self._notice(f"backend {name} is left out: it differs from torch by {difference:.1g}")
        if len(candidates) == 1:
            self._notice(f"backend: torch{missing}")
            return
        seconds = _fastest_times(candidates, images)
        self._current = min(candidates, key=lambda backend: seconds[backend.name])
        compared = f", {seconds['torch'] / seconds[self.name]:.1f}x torch on this batch" if self.name != "torch" else ""
        self._notice(f"backend: {self.name}{compared}")


def _fastest_times(backends: list[Backend], images: torch.Tensor) -> dict[str, float]:
    """Seconds per call, the better of two, taken in turns: other programs slow down all alike."""
    seconds = {backend.name: float("inf") for backend in backends}
    for _ in range(2):
        for backend in backends:
            began = time.perf_counter()
            backend(images)
            seconds[backend.name] = min(seconds[backend.name], time.perf_counter() - began)
    return seconds
