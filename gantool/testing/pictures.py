"""Images for checks: random, but with something to learn in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..model.tensors import eight_bits


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


def write_domains(folder: Path, *, count: int, channels: int, size: tuple[int, int]) -> tuple[Path, Path]:
    """Write `synthetic.npz` and `real.npz`, 8-bit, as the data set `gantool:files` reads them; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / "synthetic.npz", folder / "real.npz"
    for path, upright in zip(paths, (True, False), strict=True):
        images = stripes(count, channels, size, upright=upright, seed=int(upright))
        np.savez(path, images=eight_bits(images))
    return paths
