"""Adversarial losses that look at more than the logits of one batch: gradients of the discriminator, or the other side."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import gantool
from gantool.builtin.losses import check_logits, check_pair, fake_cross_entropy, real_cross_entropy, widen
from gantool.components import AdversarialLoss, Penalty

from .options import R1Options, RelativisticOptions, WassersteinOptions

Discriminator = Callable[[Tensor], Tensor]


class WassersteinGP:
    """Wasserstein loss with a gradient penalty (Gulrajani et al., 2017, Eq. 3).

    D's score of an image is the mean of its logits. The penalty needs a discriminator without batch norm, which every
    discriminator of gantool is that keeps its contract.
    """

    def __init__(self, *, config: WassersteinOptions) -> None:
        self.config = config

    def discriminator(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """Mean fake − mean real, which may be negative; logits (N, 1, h, w), result 0-d. `ValueError` for other shapes."""
        check_logits(real_logits, fake_logits)
        return widen(fake_logits).mean() - widen(real_logits).mean()

    def generator(self, fake_logits: Tensor) -> Tensor:
        """−mean fake; logits (N, 1, h, w), result 0-d. `ValueError` for other shapes."""
        check_logits(fake_logits)
        return -widen(fake_logits).mean()

    def penalty(self, discriminator: Discriminator, real: Tensor, fake: Tensor) -> Tensor:
        """λ E[(‖∇D(x̂)‖₂ − 1)²], x̂ on the line between a real and a fake image at a uniformly drawn place.

        Images (N, C, H, W), result 0-d with gradients to D's weights. Raises `ValueError` for images of different shapes.
        """
        check_pair(real, fake)
        place = torch.rand(len(real), 1, 1, 1, device=real.device, dtype=real.dtype)
        slopes = gradients(discriminator, torch.lerp(fake, real, place))
        lengths: Tensor = slopes.flatten(1).norm(dim=1)
        return self.config.weight * (lengths - 1).square().mean()


class R1(nn.Module):
    """Another adversarial loss with the R1 penalty (Mescheder et al., 2018, Eq. 9).

    D's score of an image is the mean of its logits. Raises `GantoolError` for a loss that does not exist or is of another
    family.
    """

    def __init__(self, *, config: R1Options) -> None:
        super().__init__()
        self.config = config
        self.loss = gantool.build("loss", config.loss, **config.options)
        if not isinstance(self.loss, AdversarialLoss) or isinstance(self.loss, Penalty):
            raise gantool.GantoolError(
                f"r1 adds its penalty to a plain adversarial loss, such as gantool:bce; {config.loss} is none"
            )

    def discriminator(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """D's term of the chosen loss; logits (N, 1, h, w), result 0-d."""
        term: Tensor = self.loss.discriminator(real_logits, fake_logits)
        return term

    def generator(self, fake_logits: Tensor) -> Tensor:
        """The generator's term of the chosen loss; logits (N, 1, h, w), result 0-d."""
        term: Tensor = self.loss.generator(fake_logits)
        return term

    def penalty(self, discriminator: Discriminator, real: Tensor, fake: Tensor) -> Tensor:
        """γ/2 E[‖∇D(y)‖₂²] at real images y, (N, C, H, W); 0-d with gradients to D's weights. `fake` plays no part."""
        del fake
        slopes = gradients(discriminator, real)
        return self.config.gamma / 2 * slopes.flatten(1).square().sum(dim=1).mean()


def gradients(discriminator: Discriminator, images: Tensor) -> Tensor:
    """∇D at each image, with a graph of its own: (N, C, H, W) -> the same shape, at least float32."""
    images = images.detach().requires_grad_()
    # The score of one image does not depend on the others, so the gradient of their sum holds all gradients.
    score = widen(discriminator(images)).mean(dim=(1, 2, 3)).sum()
    (slopes,) = torch.autograd.grad(score, images, create_graph=True)
    return widen(slopes)


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
