"""What the plugin provides: descriptions only, no torch."""

from __future__ import annotations

from collections.abc import Iterable

from gantool import Component, hookimpl

from .options import PerceptualOptions, R1Options, RelativisticOptions, SpectralNormOptions, WassersteinOptions

ADVERSARIAL = frozenset({"adversarial"})
PENALTY = frozenset({"penalty"})


@hookimpl
def gantool_losses() -> Iterable[Component]:
    """Adversarial losses that look at more than the logits of one batch, and a distance in features."""
    yield Component(
        name="wgan-gp",
        factory="gantool_losses.adversarial:WassersteinGP",
        options=WassersteinOptions,
        provides=ADVERSARIAL,
        needs=PENALTY,
        summary="Wasserstein distance with a gradient penalty (Gulrajani 2017)",
    )
    yield Component(
        name="r1",
        factory="gantool_losses.adversarial:R1",
        options=R1Options,
        provides=ADVERSARIAL,
        needs=PENALTY,
        summary="Another adversarial loss with a penalty on D's gradients at real images (Mescheder 2018)",
    )
    yield Component(
        name="relativistic",
        factory="gantool_losses.adversarial:Relativistic",
        options=RelativisticOptions,
        provides=ADVERSARIAL,
        needs=frozenset({"relativistic"}),
        summary="Relativistic average: cross-entropy, least squares or hinge (Jolicoeur-Martineau 2018)",
    )
    yield Component(
        name="perceptual",
        factory="gantool_losses.perceptual:Perceptual",
        options=PerceptualOptions,
        provides=frozenset({"image-pair"}),
        summary="Distance of normalised features of a frozen network (LPIPS without learned weights, Zhang 2018)",
    )


@hookimpl
def gantool_discriminators() -> Iterable[Component]:
    """A wrapper of other discriminators."""
    yield Component(
        name="spectral-norm",
        factory="gantool_losses.spectral:SpectralNorm",
        options=SpectralNormOptions,
        summary="Any discriminator, its weights divided by their largest singular value (Miyato 2018)",
    )
