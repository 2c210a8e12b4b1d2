"""Nested state (dicts and lists of tensors, arrays and plain values) to and from a safetensors file and a JSON file. No pickle.

Tensors go to `state.safetensors` under numbered names; `state.json` holds the tree, with `{"$tensor": name}` in their places.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, load_file, save, save_file

from ..errors import GantoolError
from ..files import fsync, replacing

TENSORS, TREE = "state.safetensors", "state.json"


def save_state(folder: Path, state: Mapping[str, Any]) -> None:
    """Write `state` into `folder` and flush it to the disk. Raises `TypeError` for a value that is no tensor, array or plain."""
    tensors: dict[str, torch.Tensor] = {}
    tree = _encode(state, tensors)
    write_tensors(folder / TENSORS, tensors)
    (folder / TREE).write_text(json.dumps(tree), encoding="utf-8")
    for name in (TENSORS, TREE):
        fsync(folder / name)


def load_state(folder: Path) -> dict[str, Any]:
    """Read what `save_state` wrote, tensors on the CPU. Raises `GantoolError` for a damaged folder."""
    try:
        tensors = read_tensors(folder / TENSORS)
        state: dict[str, Any] = dict(_decode(json.loads((folder / TREE).read_text(encoding="utf-8")), tensors))
    except (GantoolError, OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        cause = error if isinstance(error, GantoolError) else f"{folder / TREE} is damaged ({error!r})"
        raise GantoolError(f"{cause}: delete {folder} to go on from the checkpoint before it") from None
    return state


def pack(state: Mapping[str, Any]) -> bytes:
    """Return what `save_state` would write, to be sent to another process. Raises `TypeError` likewise."""
    tensors: dict[str, torch.Tensor] = {}
    tree = json.dumps(_encode(state, tensors)).encode()
    return len(tree).to_bytes(8, "little") + tree + save(tensors)


def unpack(data: bytes) -> dict[str, Any]:
    """Return what was given to `pack`, tensors on the CPU."""
    end = 8 + int.from_bytes(data[:8], "little")
    state: dict[str, Any] = dict(_decode(json.loads(data[8:end]), load(data[end:])))
    return state


def write_tensors(file: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    """Write a safetensors file of contiguous CPU tensors that share no memory. Raises `OSError`."""
    try:
        # It writes another file, with rights for the owner alone, and puts that in the place of the one that it is told.
        with replacing(file, end=".tmp") as temporary:
            save_file(dict(tensors), temporary)
    except SafetensorError as error:
        # It hides the number of an operating-system error, such as that of a full disk, in its text.
        number = re.search(r"\(os error (\d+)\)", str(error))
        if number is None:
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1])), str(file)) from None


def read_tensors(file: Path) -> dict[str, torch.Tensor]:
    """Read a safetensors file. Raises `GantoolError`, naming the file, where it is missing, truncated or something else."""
    try:
        # safetensors takes every file that it cannot open for one that is missing.
        with file.open("rb"):
            tensors: dict[str, torch.Tensor] = load_file(file)
    except FileNotFoundError:
        raise GantoolError(f"{file} is missing") from None
    except PermissionError as error:
        raise GantoolError(f"{file} cannot be read: {error.strerror}") from None
    except (SafetensorError, OSError) as error:
        raise GantoolError(f"{file} is no intact safetensors file ({error})") from None
    return tensors


def plain(tensor: torch.Tensor) -> torch.Tensor:
    """Return a contiguous copy on the CPU, as safetensors wants it: it refuses tensors that share memory."""
    return tensor.detach().to("cpu", copy=True).contiguous()


def first_not_finite(value: Any, name: str = "") -> str | None:
    """Return the dotted name of the first tensor in a state that holds an infinity or NaN; None where all are finite."""
    if isinstance(value, torch.Tensor):
        return None if bool(torch.isfinite(value).all()) else name
    items = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list | tuple) else ()
    found = (first_not_finite(item, f"{name}.{key}" if name else str(key)) for key, item in items)
    return next((each for each in found if each is not None), None)


def _encode(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    if isinstance(value, torch.Tensor):
        name = str(len(tensors))
        # safetensors stores contiguous data only; the layout is noted, because results depend on it to the last bit.
        last = value.dim() == 4 and not value.is_contiguous() and value.is_contiguous(memory_format=torch.channels_last)
        tensors[name] = plain(value)
        return {"$tensor": name, "channels_last": last}
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        return {"$array": _encode(torch.from_numpy(np.ascontiguousarray(value)), tensors)}
    if isinstance(value, Mapping):
        # As pairs, because the state of an optimizer has integer keys, which JSON would turn into text.
        return {"$pairs": [[_encode(key, tensors), _encode(item, tensors)] for key, item in value.items()]}
    if isinstance(value, tuple):
        return {"$tuple": [_encode(item, tensors) for item in value]}
    if isinstance(value, list):
        return [_encode(item, tensors) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"a checkpoint holds tensors and plain values, not {type(value).__name__}: {value!r}")


def _decode(value: Any, tensors: Mapping[str, torch.Tensor]) -> Any:
    if isinstance(value, list):
        return [_decode(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    if "$tensor" in value:
        tensor = tensors[value["$tensor"]]
        return tensor.contiguous(memory_format=torch.channels_last) if value["channels_last"] else tensor
    if "$array" in value:
        return _decode(value["$array"], tensors).numpy()
    if "$tuple" in value:
        return tuple(_decode(item, tensors) for item in value["$tuple"])
    return {_decode(key, tensors): _decode(item, tensors) for key, item in value["$pairs"]}
