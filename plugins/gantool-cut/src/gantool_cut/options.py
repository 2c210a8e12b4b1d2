"""Options of the recipe. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt, Le, Lt


@dataclass(frozen=True, kw_only=True)
class CUTOptions:
    """How generator, discriminator and projections are trained. The defaults are the paper's for CUT."""

    lambda_nce: Annotated[float, Ge(0)] = 1.0
    """λ_X of Eq. 4: weight of the contrast of x and G(x) (paper: 1 for CUT, 10 for FastCUT)."""
    identity: bool = True
    """Whether y and G(y) are contrasted, too; the weight is then shared half and half, as in the authors' program (paper:
    λ_Y = 1 for CUT, 0 for FastCUT)."""
    flip: bool = False
    """Whether half of the steps give G mirrored images, and mirror its features back (paper: FastCUT)."""
    lambda_adversarial: Annotated[float, Ge(0)] = 2.0
    """Weight of the adversarial loss. 2 with `gantool:lsgan`, which is half the authors' for the generator, is their
    objective."""
    patches: Annotated[int, Ge(2), Le(4096)] = 256
    """Positions of each feature map that are compared with each other (paper: 256); all of a smaller map. Time and memory
    grow with its square."""
    width: Annotated[int, Ge(1), Le(4096)] = 256
    """Dimensions of the space in which patches are compared (paper: 256)."""
    temperature: Annotated[float, Gt(0)] = 0.07
    """τ of Eq. 2 (paper: 0.07)."""
    generator_lr: Annotated[float, Gt(0)] = 2e-4
    """Learning rate of the generator and the projections (paper: 0.0002)."""
    discriminator_lr: Annotated[float, Gt(0)] = 2e-4
    """Learning rate of the discriminator (paper: 0.0002)."""
    decay: Annotated[float, Ge(0), Le(1)] = 0.5
    """Last part of the run, 0 to 1, over which both rates fall linearly to 0 (paper: 0.5 for CUT)."""
    beta1: Annotated[float, Ge(0), Lt(1)] = 0.5
    """β₁ of Adam (the authors' program: 0.5)."""
