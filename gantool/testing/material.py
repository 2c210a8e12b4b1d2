"""What checks are made with: images that are random but have something to learn in them, and states to save and compare."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..model.tensors import eight_bits
from ..runs.state import load_state, save_state


def noise(count: int, channels: int, size: tuple[int, int], *, seed: int = 0) -> Tensor:
    """(count, channels, H, W) uniform in [-1, 1]."""
    return torch.rand(count, channels, *size, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def smooth(count: int, channels: int, size: tuple[int, int], *, seed: int = 0) -> Tensor:
    """(count, channels, H, W) in [-1, 1]: noise in cells of about 8 px, blurred into each other."""
    cells = noise(count, channels, (-(-size[0] // 8), -(-size[1] // 8)), seed=seed)
    return F.interpolate(cells, size=size, mode="bilinear", align_corners=False)


def stripes(count: int, channels: int, size: tuple[int, int], *, upright: bool, seed: int = 0) -> Tensor:
    """(count, channels, H, W) in [-1, 1]: noisy stripes of 2 px, upright or level. Brightness and contrast tell nothing."""
    height, width = size
    places = torch.arange(width)[None, :] if upright else torch.arange(height)[:, None]
    pattern = ((places // 2) % 2 * 2.0 - 1).expand(height, width)
    return 0.6 * pattern + 0.3 * noise(count, channels, size, seed=seed)


def label_columns(labels: Mapping[str, Sequence[Any]], count: int) -> dict[str, Any]:
    """Values by name, arrays (count, ...) each: those given, in turn."""
    return {name: np.array([values[row % len(values)] for row in range(count)]) for name, values in labels.items()}


def write_domains(
    folder: Path, *, count: int, channels: int, size: tuple[int, int], labels: Mapping[str, Sequence[Any]] | None = None
) -> tuple[Path, Path]:
    """Write `synthetic.npz` and `real.npz`, 8-bit, as the data set `gantool:files` reads them; return their paths."""
    columns = label_columns(labels or {}, count)
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / "synthetic.npz", folder / "real.npz"
    for path, upright in zip(paths, (True, False), strict=True):
        np.savez(path, images=eight_bits(stripes(count, channels, size, upright=upright, seed=int(upright))), **columns)
    return paths


def finite(values: Tensor) -> bool:
    """Whether all values are."""
    return bool(torch.isfinite(values).all())


def through_disk(folder: Path, state: Mapping[str, Any]) -> dict[str, Any]:
    """Return `state` as a checkpoint gives it back. Raises `TypeError` for what a checkpoint cannot hold."""
    folder.mkdir(parents=True, exist_ok=True)
    save_state(folder, state)
    return load_state(folder)


def leaves(state: Any) -> Iterator[Any]:
    """Everything in a nested state that holds nothing else."""
    if isinstance(state, Mapping | list | tuple):
        for item in state.values() if isinstance(state, Mapping) else state:
            yield from leaves(item)
    else:
        yield state


def first_difference(a: Any, b: Any, name: str = "") -> str | None:
    """Return the dotted name of the first place where two nested states differ by so much as a bit; None where nowhere."""
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return None if a.dtype == b.dtype and a.shape == b.shape and torch.equal(a.cpu(), b.cpu()) else name
    keys: Iterable[Any]
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        same, keys, form = list(a) == list(b), a, "{}.{}" if name else "{}{}"
    elif isinstance(a, list | tuple) and isinstance(b, list | tuple):
        same, keys, form = len(a) == len(b), range(len(a)), "{}[{}]"
    else:
        return None if type(a) is type(b) and a == b else name
    found = (first_difference(a[key], b[key], form.format(name, key)) for key in keys) if same else (name,)
    return next((each for each in found if each is not None), None)
