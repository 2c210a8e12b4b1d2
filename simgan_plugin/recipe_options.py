"""Options of the training recipe. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Lt


@dataclass(frozen=True, kw_only=True)
class SimGANOptions:
    """How R and D are trained. The defaults are the paper's where it gives them, and measured where it does not."""

    refiner_warmup: Annotated[int, Ge(0)] = 1000
    """Updates of R alone, on the self-regularization alone, before anything else (paper: 1,000)."""
    discriminator_warmup: Annotated[int, Ge(0)] = 200
    """Updates of D alone after that (paper: 200)."""
    refiner_updates: Annotated[int, Ge(1)] = 2
    """K_g: updates of R in one round (paper: 2)."""
    discriminator_updates: Annotated[int, Ge(1)] = 1
    """K_d: updates of D in one round (paper: 1)."""
    lambda_reg: Annotated[float, Ge(0)] = 4.0
    """λ of Eq. 4: weight of the self-regularization, which is a mean over elements of [-1, 1] images, not a sum. Larger keeps
    R(x) closer to x. The paper gives no value; watch `change`."""
    optimizer: Literal["adam", "sgd"] = "adam"
    """The paper uses plain SGD."""
    refiner_lr: Annotated[float, Gt(0)] = 1e-3
    """Learning rate of R (paper: 0.001)."""
    discriminator_lr: Annotated[float, Gt(0)] = 1e-3
    """Learning rate of D (paper: 0.001)."""
    decay: Annotated[float, Ge(0), Le(1)] = 0.0
    """Last part of the run, 0 to 1, over which both learning rates fall linearly to 0. It settles the swings that R and D
    otherwise go through to the end. A finished run that is trained further starts anew from the rates of its new length."""
    beta1: Annotated[float, Ge(0), Lt(1)] = 0.5
    """β₁ of Adam."""
    momentum: Annotated[float, Ge(0), Lt(1)] = 0.0
    """Momentum of SGD."""
    average: Annotated[float, Ge(0), Lt(1)] = 0.0
    """Decay per update of the exponential moving average of R's weights that becomes the result; 0 takes R itself."""
