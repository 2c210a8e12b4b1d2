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
    reuse_refined: bool = False
    """Show D what R made in its own updates of the same round, the newest first, and not what R makes now of further images. Not
    the paper's algorithm: R has moved on by an update, and a round draws fewer images. With K_g = 2 and K_d = 1 it spares one of
    seven passes through R, a backward pass counted twice. What it brings is in docs/performance.md."""
    joint_batch: bool = False
    """Let real and refined images go through D as one batch in D's updates. The same sums for a D whose images do not meet; one
    with batch statistics sees both domains at once, and spectral norms are estimated once an update, not twice. For GPUs
    that small batches leave idle; on a CPU it is no faster."""
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
