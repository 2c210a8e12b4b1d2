"""Relativistic average losses (Jolicoeur-Martineau, 2018): is a real image more real than the average fake one?"""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

from gantool.builtin.losses import check_logits, fake_cross_entropy, real_cross_entropy, widen

from .options import RelativisticOptions

Term = Callable[[Tensor], Tensor]

_FORMS: dict[str, tuple[Term, Term]] = {
    "bce": (real_cross_entropy, fake_cross_entropy),
    "least-squares": (lambda margin: (margin - 1).square().mean(), lambda margin: (margin + 1).square().mean()),
    "hinge": (lambda margin: F.relu(1 - margin).mean(), lambda margin: F.relu(1 + margin).mean()),
}
"""The cost of a margin where it should be positive, and where it should be negative."""


class Relativistic:
    """Compares each logit with the mean logit of the other side, ``c_r = D(y) − mean D(x̃)``, ``c_f = D(x̃) − mean D(y)``.

    D is to make c_r positive and c_f negative; the generator's loss is the same with the two exchanged, so it needs logits of
    real images, and the slot has to accept "relativistic". Means are over all patches of the batch.
    """

    def __init__(self, *, config: RelativisticOptions) -> None:
        self.positive, self.negative = _FORMS[config.form]

    def discriminator(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """Cost of c_r that is not positive and c_f that is not negative; logits (N, 1, h, w), result 0-d.

        Raises `ValueError` for other shapes.
        """
        real_margin, fake_margin = margins(real_logits, fake_logits)
        return self.positive(real_margin) + self.negative(fake_margin)

    def relative_generator(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """Cost of c_f that is not positive and c_r that is not negative; logits (N, 1, h, w), result 0-d.

        Raises `ValueError` for other shapes.
        """
        real_margin, fake_margin = margins(real_logits, fake_logits)
        return self.positive(fake_margin) + self.negative(real_margin)


def margins(real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, Tensor]:
    """c_r and c_f, of the shapes of the logits, (N, 1, h, w). Raises `ValueError` for other shapes."""
    check_logits(real_logits, fake_logits)
    real, fake = widen(real_logits), widen(fake_logits)
    return real - fake.mean(), fake - real.mean()
