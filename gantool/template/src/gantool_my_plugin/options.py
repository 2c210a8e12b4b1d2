"""Options: each has a default, bounds, and a docstring that gives its unit. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt, Le


@dataclass(frozen=True)
class MoverOptions:
    """The generator."""

    width: Annotated[int, Ge(1), Le(1024)] = 16
    """Feature maps of the hidden layers."""


@dataclass(frozen=True)
class CharbonnierOptions:
    """The loss."""

    epsilon: Annotated[float, Gt(0)] = 0.01
    """Difference below which the loss is round instead of sharp, on the [-1, 1] scale of images."""


@dataclass(frozen=True)
class RecipeOptions:
    """How the networks are trained."""

    learning_rate: Annotated[float, Gt(0)] = 5e-4
    """Learning rate of Adam, for both networks."""
    closeness_weight: Annotated[float, Ge(0)] = 5.0
    """Weight of the closeness loss beside the adversarial one. Larger keeps results nearer to their inputs."""
