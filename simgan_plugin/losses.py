"""The two terms of the refiner's loss, and the discriminator's loss (Sections 2.1 and 2.2 of the paper)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gantool import NoOptions
from gantool.builtin.losses import check_logits, check_pair, fake_cross_entropy, real_cross_entropy, widen
from gantool.features import build_features

from .options import SelfRegularizationOptions


class LocalAdversarialLoss:
    """The local adversarial loss: the mean of the cross-entropies of all patches.

    The paper sums over patches; the mean keeps learning rates and λ independent of the size of image and batch. Its D(·) is
    the probability of "refined", σ(−logit) here, where a higher logit is more like real.
    """

    def __init__(self, *, config: NoOptions) -> None:
        self.config = config

    def discriminator(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """Eq. 2, L_D = −Σ log D(x̃) − Σ log(1 − D(y)), each sum as a mean.

        Logits (N, 1, h, w); the result is 0-d. Raises `ValueError` for other shapes.
        """
        check_logits(real_logits, fake_logits)
        return fake_cross_entropy(fake_logits) + real_cross_entropy(real_logits)

    def generator(self, fake_logits: Tensor) -> Tensor:
        """First term of Eq. 4, −Σ log(1 − D(R(x))), as a mean.

        Logits (N, 1, h, w); the result is 0-d. Raises `ValueError` for other shapes.
        """
        check_logits(fake_logits)
        return real_cross_entropy(fake_logits)


class SelfRegularization(nn.Module):
    """Second term of Eq. 4 without its λ: the L1 distance of ψ(R(x)) and ψ(x).

    The absolute difference is averaged over all elements of a map of ψ, then over maps where ψ has several, so that λ does
    not depend on the size of the image, of the batch or of ψ. (The paper's norm is a sum. For grey 35×55 pixels and 9×14
    patches, the λ of a program that sums both terms is to be multiplied by 1925 / 126 = 15.3.)

    It has no weights of its own, and the frozen network of `psi = "features"` is not part of its `state_dict`.
    """

    def __init__(self, *, config: SelfRegularizationOptions) -> None:
        super().__init__()
        self.config = config
        self.features = build_features(config.network, config.layers) if config.psi == "features" else None

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """(N, C, H, W) in [-1, 1] each -> 0-d, with gradients to whichever asks. `ValueError` for shapes that differ."""
        check_pair(a, b)
        pairs = zip(self.psi(widen(a)), self.psi(widen(b)), strict=True)
        return torch.stack([(widen(x) - widen(y)).abs().mean() for x, y in pairs]).mean()

    def psi(self, images: Tensor) -> tuple[Tensor, ...]:
        """(N, C, H, W) in [-1, 1] -> the maps that are compared, one or more."""
        match self.config.psi:
            case "identity":
                return (images,)
            case "channel-mean":
                return (images.mean(dim=1, keepdim=True),)
            case "gradient":
                return differences(images)
        assert self.features is not None
        maps: tuple[Tensor, ...] = self.features(images)
        return maps


def differences(images: Tensor) -> tuple[Tensor, Tensor]:
    """Each pixel's right and lower neighbour less the pixel, 0 where there is none: (N, C, H, W) twice."""
    right = torch.diff(images, dim=3, append=images[..., -1:])
    lower = torch.diff(images, dim=2, append=images[..., -1:, :])
    return right, lower
