"""Options of the losses and of the wrapper. No torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from annotated_types import Ge


@dataclass(frozen=True, kw_only=True)
class WassersteinOptions:
    """Wasserstein distance with a gradient penalty."""

    weight: Annotated[float, Ge(0)] = 10.0
    """λ of the gradient penalty (paper: 10)."""


@dataclass(frozen=True, kw_only=True)
class R1Options:
    """A penalty on D's gradients at real images, on top of another adversarial loss."""

    gamma: Annotated[float, Ge(0)] = 10.0
    """γ of the penalty (paper: 10). D's score is the mean logit of an image here, so patch discriminators may want more."""
    loss: str = "gantool:bce"
    """The adversarial loss whose two terms are used, by its full name (paper: `gantool:bce`)."""
    options: dict[str, Any] = field(default_factory=dict)
    """Options of that loss, as a table: `{name = value}`."""


@dataclass(frozen=True, kw_only=True)
class RelativisticOptions:
    """How a relativistic average loss compares."""

    form: Literal["bce", "least-squares", "hinge"] = "bce"
    """RaSGAN, RaLSGAN or RaHingeGAN."""


@dataclass(frozen=True, kw_only=True)
class PerceptualOptions:
    """A distance in the features of a frozen network."""

    network: str = "efficientnet-lite0"
    """`efficientnet-lite0` (ImageNet weights from the extra `features`, nothing is fetched), or `package.module:callable`,
    called without arguments, which returns a torch module for (N, C, H, W) in [-1, 1]."""
    layers: tuple[str, ...] = ()
    """Names of submodules of `network` whose outputs are compared. Empty: the network's own output; for `efficientnet-lite0`
    its blocks of stride 2, 4 and 8 px."""


@dataclass(frozen=True, kw_only=True)
class SpectralNormOptions:
    """Which discriminator is wrapped."""

    discriminator: str = "simgan:local"
    """The discriminator, by its full name."""
    options: dict[str, Any] = field(default_factory=dict)
    """Options of that discriminator, as a table: `-o 'discriminator.options={depth = 2}'`."""
    iterations: Annotated[int, Ge(1)] = 1
    """Power iterations for the largest singular value in each pass of training (paper: 1)."""
