"""Batches that a metric keeps until it is asked for its figures."""

from __future__ import annotations

from torch import Tensor


class Collected:
    """Refined and target images so far, as float32 on the CPU."""

    def __init__(self) -> None:
        self.refined: list[Tensor] = []
        self.target: list[Tensor] = []

    def add(self, refined: Tensor, target: Tensor) -> None:
        """Keep (N, C, H, W) images of each side. Raises `ValueError` where channels differ."""
        if refined.shape[1] != target.shape[1]:
            raise ValueError(f"refined images have {refined.shape[1]} channels, target images {target.shape[1]}")
        self.refined.append(refined.detach().float().cpu())
        self.target.append(target.detach().float().cpu())

    def require_some(self) -> None:
        """Raise `ValueError` before the first batch."""
        if not self.refined:
            raise ValueError("no images were given")
