"""Stored images as tensors in [-1, 1], and back."""

from __future__ import annotations

import numpy as np
import torch

TOLERANCE = 1e-5
"""How far results of one network, computed in two ways, may differ, on the [-1, 1] scale."""


def to_tensor(images: np.ndarray) -> torch.Tensor:
    """(N, H, W, C) uint8, uint16 or float32 array to a tensor. 16-bit data keeps its bits in int16: torch has few kernels for
    uint16."""
    return torch.from_numpy(np.ascontiguousarray(images.view(np.int16) if images.dtype == np.uint16 else images))


def to_device(host: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Copy to `device` without waiting for it: a GPU reads pinned memory by itself, and any other only after a stop."""
    return host.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else host.to(device)


def normalise(stored: torch.Tensor) -> torch.Tensor:
    """(N, H, W, C) as of `to_tensor` to (N, C, H, W) float32 in [-1, 1]; the memory stays channels-last."""
    if stored.dtype == torch.uint8:
        images = stored.to(torch.float32).mul_(2 / 255).sub_(1)
    elif stored.dtype == torch.int16:
        images = stored.to(torch.int32).bitwise_and_(0xFFFF).to(torch.float32).mul_(2 / 65535).sub_(1)
    else:
        images = stored.to(torch.float32).mul(2).sub_(1)
    return images.permute(0, 3, 1, 2)


def eight_bits(images: torch.Tensor) -> np.ndarray:
    """(N, C, H, W) in [-1, 1] to (N, H, W, C) uint8, rounded; values beyond are clipped."""
    stored: np.ndarray = images.float().add(1).mul(127.5).round().clamp(0, 255).to("cpu", torch.uint8).permute(0, 2, 3, 1).numpy()
    return stored
