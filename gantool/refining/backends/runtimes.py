"""The network as an ONNX graph, in memory, run by another library on the CPU in float32."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from ...errors import MissingExtra

_SHAPES = 16
"""Shapes of batches that OpenVINO compiles a graph for; later ones share one with free sizes."""


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
