"""Plain losses of both families, and the checks and cross-entropies that plugins share with them.

Every loss widens what it is given to float32 (float64 stays), so that a mean over many bf16 logits keeps its digits.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..components import NoOptions


def widen(values: Tensor) -> Tensor:
    """Return `values` as float32, or as they are if they are wider."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


def check_logits(*logits: Tensor) -> None:
    """Raise `ValueError` unless each is (N, 1, h, w), all with the same h and w; they may differ in N."""
    for each in logits:
        if each.ndim != 4 or each.shape[1] != 1:
            raise ValueError(f"logits must be (N, 1, h, w), got {tuple(each.shape)}")
        if each.shape[2:] != logits[0].shape[2:]:
            raise ValueError(f"logit maps differ in size: {tuple(logits[0].shape)} and {tuple(each.shape)}")


def check_pair(a: Tensor, b: Tensor) -> None:
    """Raise `ValueError` unless both are (N, C, H, W) of one shape; without this, broadcasting would hide the mistake."""
    if a.ndim != 4 or a.shape != b.shape:
        raise ValueError(f"images must be two (N, C, H, W) of one shape, got {tuple(a.shape)} and {tuple(b.shape)}")


def real_cross_entropy(logits: Tensor) -> Tensor:
    """Mean of −log σ(logit): the cost of not taking patches for real. 0-d."""
    return -F.logsigmoid(widen(logits)).mean()


def fake_cross_entropy(logits: Tensor) -> Tensor:
    """Mean of −log(1 − σ(logit)): the cost of taking patches for real. 0-d."""
    return -F.logsigmoid(-widen(logits)).mean()


class _Plain:
    """A loss without options."""

    def __init__(self, *, config: NoOptions) -> None:
        self.config = config


class BCE(_Plain):
    """Binary cross-entropy with the non-saturating generator loss (Goodfellow et al., 2014, Section 3)."""

    def discriminator(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """Mean −log σ(real) + mean −log(1 − σ(fake)); logits (N, 1, h, w), result 0-d. `ValueError` for other shapes."""
        check_logits(real_logits, fake_logits)
        return real_cross_entropy(real_logits) + fake_cross_entropy(fake_logits)

    def generator(self, fake_logits: Tensor) -> Tensor:
        """Mean −log σ(fake); logits (N, 1, h, w), result 0-d. `ValueError` for other shapes."""
        check_logits(fake_logits)
        return real_cross_entropy(fake_logits)


class LSGAN(_Plain):
    """Least squares with targets 0 for fake and 1 for real (Mao et al., 2017, Eq. 9)."""

    def discriminator(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """½ mean (real − 1)² + ½ mean fake²; logits (N, 1, h, w), result 0-d. `ValueError` for other shapes."""
        check_logits(real_logits, fake_logits)
        return ((widen(real_logits) - 1).square().mean() + widen(fake_logits).square().mean()) / 2

    def generator(self, fake_logits: Tensor) -> Tensor:
        """½ mean (fake − 1)²; logits (N, 1, h, w), result 0-d. `ValueError` for other shapes."""
        check_logits(fake_logits)
        return (widen(fake_logits) - 1).square().mean() / 2


class Hinge(_Plain):
    """Hinge loss (Lim and Ye, 2017; Miyato et al., 2018, Eqs. 16 and 17)."""

    def discriminator(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """Mean max(0, 1 − real) + mean max(0, 1 + fake); logits (N, 1, h, w), result 0-d. `ValueError` for other shapes."""
        check_logits(real_logits, fake_logits)
        return F.relu(1 - widen(real_logits)).mean() + F.relu(1 + widen(fake_logits)).mean()

    def generator(self, fake_logits: Tensor) -> Tensor:
        """−mean fake, which may be negative; logits (N, 1, h, w), result 0-d. `ValueError` for other shapes."""
        check_logits(fake_logits)
        return -widen(fake_logits).mean()


class L1(_Plain):
    """Mean absolute difference of pixels."""

    def __call__(self, a: Tensor, b: Tensor) -> Tensor:
        """(N, C, H, W) each -> 0-d. Raises `ValueError` for shapes that differ."""
        check_pair(a, b)
        return (widen(a) - widen(b)).abs().mean()


class L2(_Plain):
    """Mean squared difference of pixels."""

    def __call__(self, a: Tensor, b: Tensor) -> Tensor:
        """(N, C, H, W) each -> 0-d. Raises `ValueError` for shapes that differ."""
        check_pair(a, b)
        return (widen(a) - widen(b)).square().mean()
