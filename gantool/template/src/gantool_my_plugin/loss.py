"""The loss."""

from __future__ import annotations

from torch import Tensor

from gantool.builtin.losses import check_pair, widen

from .options import CharbonnierOptions


class Charbonnier:
    """Mean of √(d² + ε²) − ε over all differences d: like L1, but with a gradient that is continuous at 0."""

    def __init__(self, *, config: CharbonnierOptions) -> None:
        self.epsilon = config.epsilon

    def __call__(self, a: Tensor, b: Tensor) -> Tensor:
        """(N, C, H, W) in [-1, 1] each -> 0-d. Raises `ValueError` for shapes that differ."""
        check_pair(a, b)
        difference = widen(a) - widen(b)
        return (difference.square() + self.epsilon**2).sqrt().mean() - self.epsilon
