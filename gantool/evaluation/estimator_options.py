"""Options of the built-in estimators. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt

Side = Annotated[int, Ge(1)]


@dataclass(frozen=True, kw_only=True)
class SmallCNNOptions:
    """A small CNN."""

    steps: Annotated[int, Ge(10)] = 500
    """Optimiser updates, the same in every arm (count)."""
    batch_size: Annotated[int, Ge(1)] = 64
    """Images in one update (count)."""
    learning_rate: Annotated[float, Gt(0)] = 2e-3
    """Highest learning rate of the one-cycle schedule."""


@dataclass(frozen=True, kw_only=True)
class NearestOptions:
    """k nearest neighbours."""

    neighbours: Annotated[int, Ge(1)] = 50
    """Images that are averaged (count)."""
    grid: tuple[Side, Side] = (15, 20)
    """Height and width that images are averaged down to before they are compared (px)."""


@dataclass(frozen=True, kw_only=True)
class SVROptions:
    """Support vector machine."""

    c: Annotated[float, Gt(0)] = 1.0
    """Weight of errors against smoothness."""
    kernel: Literal["rbf", "linear"] = "rbf"
    """Shape of the function."""
    grid: tuple[Side, Side] = (15, 20)
    """Height and width that images are averaged down to (px)."""


@dataclass(frozen=True, kw_only=True)
class ForestOptions:
    """Random forest."""

    trees: Annotated[int, Ge(1)] = 50
    """Trees (count)."""
    grid: tuple[Side, Side] = (15, 20)
    """Height and width that images are averaged down to (px)."""


@dataclass(frozen=True, kw_only=True)
class AdaptiveLinearOptions:
    """Adaptive linear regression."""

    sparsity: Annotated[float, Gt(0)] = 0.01
    """Weight of the L1 norm: larger takes fewer training images for each prediction."""
    grid: tuple[Side, Side] = (3, 5)
    """Height and width that images are averaged down to (px)."""
