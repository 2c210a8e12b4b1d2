"""A generator as a graph of fixed operations: torch.export, and from it ONNX. For networks of any plugin.

Batch, height and width stay free. What a network decides by the size of an image is fixed by the size that it was traced at:
SimGAN's refiner reflects images at the border, but repeats the outermost pixels of images too small for that. So a graph
has a smallest size, `Traced.minimum`; no result within it differs from the module's.
"""

from __future__ import annotations

import importlib.util
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.export import Dim, ExportedProgram

from ..components import Channels
from ..conditioning import Listed, inputs
from ..errors import GantoolError, MissingExtra

_EXAMPLE = (2, 61, 71)
"""Images, height and width of what a network is traced with: larger than what any border needs, all different, and multiples of
nothing: a network that continues images to multiples and crops its result must do so in the graph, which fits all sizes then."""
_AXES = {0: "batch", 2: "height", 3: "width"}


@dataclass(frozen=True)
class Traced:
    """A generator's graph."""

    program: ExportedProgram
    inputs: tuple[str, ...]
    """Names, "images" first."""
    minimum: int
    """Smallest height and width in pixels that it is for."""


def trace(module: torch.nn.Module, channels: Channels) -> Traced:
    """Trace a generator in eval mode on the CPU, as one of a list of inputs (see `conditioning.Listed`).

    Raises `GantoolError` where torch.export cannot.
    """
    count, height, width = _EXAMPLE
    example = tuple(torch.zeros(count, each, height, width) for each in inputs(channels).values())
    free = dict.fromkeys(_AXES, Dim.DYNAMIC)
    several = len(example) - 1
    with quiet(), torch.inference_mode(False), torch.no_grad():
        try:
            listed = Listed(module, channels).eval() if several else module
            shapes = (free, (free,) * several) if several else (free,)
            program = torch.export.export(listed, example, dynamic_shapes=shapes, strict=False)
        # Whatever the network's own code and torch's tracer raise.
        except Exception as error:
            raise GantoolError(f"{type(module).__name__} cannot be exported: {first_line(error)}") from error
    # Nothing needs them, and in a file they would be the only part that is a pickle.
    program.example_inputs = None
    # They name the files that the network's code lies in, on this machine.
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)
    return Traced(program, tuple(inputs(channels)), _minimum(program))


def to_onnx(traced: Traced, *, opset: int | None = None, metadata: Mapping[str, str] | None = None) -> bytes:
    """Return an ONNX file with the input "images" and the output "refined", (batch, C, height, width) float32 in [-1, 1].

    Conditions are further inputs of their names, and so is "noise", (batch, c, height, width).

    Args:
        traced: The graph.
        opset: Version of ONNX's operators; None for the one that torch prefers.
        metadata: What `metadata_props` shall hold.

    Raises:
        MissingExtra: onnx or onnxscript is not installed.
        GantoolError: An operation has no counterpart in ONNX, or torch cannot write this opset.
    """
    missing = [package for package in ("onnx", "onnxscript") if importlib.util.find_spec(package) is None]
    if missing:
        raise MissingExtra("ONNX", " and ".join(missing), "export")
    with quiet():
        try:
            names: Any = {"input_names": list(traced.inputs), "output_names": ["refined"]}
            program = torch.onnx.export(traced.program, dynamo=True, verbose=False, opset_version=opset, **names)
        except Exception as error:
            raise GantoolError(f"the network cannot be written as ONNX: {first_line(_root(error))}") from error
    assert program is not None  # it is None only for the exporter before torch.export
    model = program.model
    if opset is not None and model.opset_imports[""] != opset:
        raise GantoolError(f"--opset {opset}: torch writes {model.opset_imports['']} and cannot convert this network to it")
    _name_axes(model)
    model.metadata_props.update(metadata or {})
    data: bytes = program.model_proto.SerializeToString()
    return data


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the exporters from warning of each other's deprecations and of packages that nobody needs here."""
    loggers = {logging.getLogger(name): logging.getLogger(name).level for name in ("torch.onnx", "onnxscript")}
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in loggers.items():
            logger.setLevel(level)


def _root(error: BaseException) -> BaseException:
    """Return what an exception came from: the exporter's own says how to report a bug to torch."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def first_line(error: BaseException) -> str:
    """Return what an exception says, its first line."""
    return next(iter(str(error).strip().splitlines()), "") or type(error).__name__


def _minimum(program: ExportedProgram) -> int:
    images = next(node for node in program.graph.nodes if node.name == program.graph_signature.user_inputs[0])
    symbols = [size.node.expr for size in images.meta["val"].shape[2:]]
    bounds = [program.range_constraints[symbol].lower for symbol in symbols if symbol in program.range_constraints]
    if len(bounds) < 2:
        raise GantoolError("the network cannot be exported: its graph is for one size of images only")
    return max(1, *(int(bound) for bound in bounds))


def _name_axes(model: Any) -> None:
    """Call the free axes of the model by their names instead of torch's symbols, everywhere."""
    shape = model.graph.inputs[0].shape
    names = {str(shape[axis]): name for axis, name in _AXES.items()}
    values = [*model.graph.inputs, *(value for node in model.graph for value in node.outputs)]
    for value in values:
        for axis, size in enumerate(value.shape or ()):
            if str(size) in names:
                value.shape[axis] = names[str(size)]
