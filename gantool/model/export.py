"""A trained generator in one file for other programs: ONNX, torch.export or safetensors, compared with torch on the spot."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from .._version import __version__
from ..ambient import guest
from ..conditioning import Listed, inputs
from ..errors import GantoolError, MissingExtra
from ..options import to_dict
from ..plan.settings import ExportSettings, read_settings, takes
from ..runs.files import write_file
from ..runs.folder import writing
from ..runs.state import plain
from .bundle import Bundle, open_bundle
from .tensors import TOLERANCE
from .tracing import quiet, to_onnx, trace

FORMATS = {".onnx": "onnx", ".pt2": "torch-export", ".safetensors": "safetensors"}
"""File endings and the formats that they stand for."""
_METADATA = "gantool"
"""Under which name the metadata is in a file."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One comparison with torch."""

    shape: tuple[int, int, int, int]
    """(N, C, H, W) of the images."""
    difference: float
    """Largest absolute difference, on the [-1, 1] scale."""


@dataclass(frozen=True, kw_only=True)
class ExportReport:
    """What was written."""

    output: Path
    format: str
    opset: int | None
    """Of ONNX."""
    minimum: int
    """Smallest height and width in pixels that the file is for; 1 for safetensors, which holds no graph."""
    checks: tuple[Check, ...]


@guest()
@takes(ExportSettings)
def export(run: str | Path, output: str | Path, **settings: Any) -> ExportReport:
    """Write the generator of a run as one file: (batch, C, height, width) float32 in [-1, 1] to the same shape and range.

    What it was trained to see beside images are further inputs by the names of `--condition`: zeros where nothing is known.
    So is "noise", of mean 0 and deviation 1, for a generator that takes some.

    The file carries component, options, value range, channels, preprocessing, size of the training images and the digest of the
    weights, as JSON under the name "gantool". It is compared with torch before it is written, at several batch and image sizes.

    Args:
        run: A run folder, or one that `gantool.save` wrote.
        output: The file to write.
        **settings: Fields of `gantool.plan.settings.ExportSettings`: `format`, `opset`, `checkpoint`, `overwrite`.

    Returns:
        What was written, and how far it is from torch.

    Raises:
        GantoolError: The result differs by more than 1e-5, the network cannot be exported, or `output` exists and is not to be
            overwritten.
    """
    asked, target = read_settings(ExportSettings, settings, of="export"), Path(output)
    meant = FORMATS.get(target.suffix.lower(), "")
    kind = asked.format or meant
    if kind not in FORMATS.values():
        what = f"--format {asked.format!r}" if asked.format else f"--output {target}: what its ending stands for"
        raise GantoolError(f"{what} is none of: {', '.join(FORMATS.values())}")
    if meant not in ("", kind):
        raise GantoolError(f"--output {target} ends as a file of {meant} does, --format says {kind}: change one of them")
    if asked.opset is not None and kind != "onnx":
        raise GantoolError(f"--opset is for --format onnx, not {kind}")
    if target.is_dir() or (target.exists() and not asked.overwrite):
        raise GantoolError(f"--output {target} exists: choose another" + ("" if target.is_dir() else ", or pass --overwrite"))
    bundle = open_bundle(run, asked.checkpoint)
    data, written = _FORMATS[kind](bundle, asked.opset)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise GantoolError(f"--output {target}: its folder cannot be made ({error.strerror}): choose another") from None
    with writing(target.parent):
        write_file(target, lambda file: file.write_bytes(data))
    return ExportReport(output=target, format=kind, opset=written.opset, minimum=written.minimum, checks=written.checks)


@dataclass(frozen=True)
class _Written:
    minimum: int
    checks: tuple[Check, ...]
    opset: int | None = None


def _onnx(bundle: Bundle, opset: int | None) -> tuple[bytes, _Written]:
    try:
        import onnx
        import onnxruntime
    except ImportError as error:
        raise MissingExtra("exporting to ONNX", str(error.name), "export") from None
    traced = trace(bundle.module, bundle.channels)
    data = to_onnx(traced, opset=opset, metadata={_METADATA: json.dumps(metadata(bundle, traced.minimum))})
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    checks = _compare(
        bundle,
        traced.minimum,
        lambda *given: torch.from_numpy(session.run(None, {n: v.numpy() for n, v in zip(traced.inputs, given, strict=True)})[0]),
        "ONNX Runtime",
    )
    versions = {each.domain: each.version for each in onnx.load_from_string(data).opset_import}
    return data, _Written(traced.minimum, checks, versions[""])


def _torch_export(bundle: Bundle, _: int | None) -> tuple[bytes, _Written]:
    traced = trace(bundle.module, bundle.channels)
    checks = _compare(bundle, traced.minimum, traced.program.module(), "the graph of torch.export")
    file, described = io.BytesIO(), json.dumps(metadata(bundle, traced.minimum))
    with quiet():
        torch.export.save(traced.program, file, extra_files={f"{_METADATA}.json": described})
    return file.getvalue(), _Written(traced.minimum, checks)


def _safetensors(bundle: Bundle, _: int | None) -> tuple[bytes, _Written]:
    tensors = {name: plain(value) for name, value in bundle.module.state_dict().items()}
    data = save_tensors(tensors, metadata={_METADATA: json.dumps(metadata(bundle, 1))})
    read = load_tensors(data)
    if set(read) != set(tensors) or not all(torch.equal(read[name], value) for name, value in tensors.items()):
        raise GantoolError("the weights cannot be read again as they were written: nothing was written")
    return data, _Written(1, ())


_FORMATS: dict[str, Callable[[Bundle, int | None], tuple[bytes, _Written]]] = {
    "onnx": _onnx,
    "torch-export": _torch_export,
    "safetensors": _safetensors,
}


def metadata(bundle: Bundle, minimum: int) -> dict[str, object]:
    """Return what a file says of itself: plain JSON data, without the path of the run."""
    return {
        "gantool": __version__,
        **to_dict(bundle.recorded),
        "images": "(batch, channels, height, width) float32",
        "inputs": inputs(bundle.channels),
        "value_range": [-1, 1],
        "minimum_size": minimum,
        "digest": bundle.digest,
    }


def _shapes(bundle: Bundle, minimum: int) -> list[tuple[int, int, int, int]]:
    """Batches of one and more, images from the smallest up, odd and even, and the size of the training images."""
    trained = (1, *(bundle.trained_size or (35, 55)))
    sizes = [(1, minimum, minimum), (3, minimum, 2 * minimum + 5), (1, 33, 47), (5, 64, 48), (2, 129, 71), trained]
    return [(count, bundle.channels.images, max(rows, minimum), max(columns, minimum)) for count, rows, columns in sizes]


@torch.inference_mode()
def _compare(bundle: Bundle, minimum: int, apply: Callable[..., torch.Tensor], what: str) -> tuple[Check, ...]:
    generator = torch.Generator().manual_seed(0)
    checks = []
    for shape in _shapes(bundle, minimum):
        sizes = inputs(bundle.channels).values()
        images, *others = (torch.rand(shape[0], count, *shape[2:], generator=generator) * 2 - 1 for count in sizes)
        try:
            answer = apply(images, *others)
        except Exception as error:
            raise GantoolError(f"{what} cannot compute images of {shape[2]}x{shape[3]}: {error}") from error
        wanted = Listed(bundle.module, bundle.channels)(images, *others)
        if answer.shape != wanted.shape:
            raise GantoolError(f"{what} turns {tuple(shape)} into {tuple(answer.shape)}, torch into {tuple(wanted.shape)}")
        difference = float((answer - wanted).abs().max())
        if not difference <= TOLERANCE:
            raise GantoolError(f"{what} differs from torch by {difference:.1g} on {shape[2]}x{shape[3]}: nothing was written")
        checks.append(Check(shape=shape, difference=difference))
    return tuple(checks)
