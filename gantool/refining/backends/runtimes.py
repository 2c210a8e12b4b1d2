"""What a backend is; torch's own, and libraries that run the network as an ONNX graph on the CPU in float32."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch

from ...errors import MissingExtra
from .shares import Shares

_SHAPES = 16
"""Shapes of batches that OpenVINO compiles a graph for; later ones share one with free sizes."""


class Backend(Protocol):
    """Computes a generator."""

    @property
    def name(self) -> str:
        """One of `choice.NAMES`, but not "auto"."""

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) float32 in [-1, 1] on the network's device to (N, c, H, W); may raise anything."""


@dataclass(frozen=True)
class Torch:
    """torch itself."""

    name: str
    apply: Callable[[torch.Tensor], torch.Tensor]

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        return self.apply(images)


def eager(module: torch.nn.Module, device: torch.device) -> Torch:
    """Return torch, operation by operation: the reference for all others."""
    return Torch("torch", Shares(module) if device.type == "cpu" else module)


def compiled(module: torch.nn.Module) -> Torch:
    """Return torch.compile with free sizes. Compiling takes 10 to 40 s on a CPU and needs a C++ compiler there."""
    return Torch("compile", torch.compile(module, dynamic=True))


class OnnxRuntime:
    """ONNX Runtime. Raises `MissingExtra` where it is not installed."""

    name = "onnxruntime"

    def __init__(self, graph: bytes) -> None:
        try:
            import onnxruntime
        except ImportError:
            raise MissingExtra("--backend onnxruntime", "onnxruntime", "export") from None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        # Threads that wait by spinning would take the processors from those that read and write images.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 4  # what goes wrong is raised, too
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(self._session.run(None, {"images": _array(images)})[0])


class OpenVino:
    """OpenVINO on the CPU. Raises `MissingExtra` where it is not installed."""

    name = "openvino"

    def __init__(self, graph: bytes) -> None:
        try:
            import openvino
        except ImportError:
            raise MissingExtra("--backend openvino", "openvino", "export") from None
        self._core = openvino.Core()
        self._graph = graph
        self._config = {
            # On processors with bf16 or AMX it would compute in bf16 otherwise.
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "PERFORMANCE_HINT": "LATENCY",
        }
        self._fixed: dict[tuple[int, ...], Callable[[Any], Any]] = {}
        self._free: Callable[[Any], Any] | None = None

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        # The request owns the memory of its answer, and overwrites it at the next call.
        return torch.from_numpy(self._request(tuple(images.shape))([_array(images)])[0].copy())

    def _request(self, shape: tuple[int, ...]) -> Callable[[Any], Any]:
        if shape in self._fixed:
            return self._fixed[shape]
        if len(self._fixed) < _SHAPES:
            return self._fixed.setdefault(shape, self._compile(shape))
        if self._free is None:
            self._free = self._compile(None)
        return self._free

    def _compile(self, shape: tuple[int, ...] | None) -> Callable[[Any], Any]:
        model = self._core.read_model(self._graph)
        if shape is not None:
            model.reshape(list(shape))
        infer: Callable[[Any], Any] = self._core.compile_model(model, "CPU", self._config).create_infer_request().infer
        return infer


def _array(images: torch.Tensor) -> np.ndarray:
    array: np.ndarray = images.contiguous().numpy()
    return array
