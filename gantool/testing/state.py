"""Saving and comparing state in checks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ..runs.state import load_state, save_state


def through_disk(folder: Path, state: Mapping[str, Any]) -> dict[str, Any]:
    """Return `state` as a checkpoint gives it back. Raises `TypeError` for what a checkpoint cannot hold."""
    folder.mkdir(parents=True, exist_ok=True)
    save_state(folder, state)
    return load_state(folder)


def first_difference(a: Any, b: Any, name: str = "") -> str | None:
    """Return the dotted name of the first place where two nested states differ by so much as a bit; None where nowhere."""
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        same = a.dtype == b.dtype and a.shape == b.shape and torch.equal(a.cpu(), b.cpu())
        return None if same else name
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        if list(a) != list(b):
            return name
        found = (first_difference(a[key], b[key], f"{name}.{key}" if name else str(key)) for key in a)
        return next((each for each in found if each is not None), None)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        if len(a) != len(b):
            return name
        found = (first_difference(x, y, f"{name}[{index}]") for index, (x, y) in enumerate(zip(a, b, strict=True)))
        return next((each for each in found if each is not None), None)
    return None if type(a) is type(b) and a == b else name
