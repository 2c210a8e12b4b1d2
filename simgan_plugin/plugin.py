"""What the SimGAN plugin provides: descriptions only, no torch."""

from __future__ import annotations

from collections.abc import Iterable

from gantool import Component, Figure, Recipe, Slot, hookimpl

from .options import (
    DiscriminatorOptions,
    EyesOptions,
    GazeCNNOptions,
    HistoryOptions,
    RefinerOptions,
    SelfRegularizationOptions,
    SimGANOptions,
    WholeImageOptions,
)
from .presets import PRESETS

ADVERSARIAL, IMAGE_PAIR, CONDITIONED = (frozenset({word}) for word in ("adversarial", "image-pair", "conditioned"))


@hookimpl
def gantool_generators() -> Iterable[Component]:
    """The refiner."""
    yield Component(
        name="refiner",
        factory="simgan_plugin.refiner:Refiner",
        options=RefinerOptions,
        provides=CONDITIONED | {"stochastic"},
        summary="Fully convolutional ResNet that keeps the image's size (the paper's R)",
    )


@hookimpl
def gantool_discriminators() -> Iterable[Component]:
    """The local discriminator and its whole-image variant."""
    yield Component(
        name="local",
        factory="simgan_plugin.discriminator:LocalDiscriminator",
        options=DiscriminatorOptions,
        summary="Judges every patch by itself (the paper's D)",
    )
    yield Component(
        name="whole-image",
        factory="simgan_plugin.discriminator:WholeImageDiscriminator",
        options=WholeImageOptions,
        summary="One verdict on the whole image, for the paper's ablation",
    )


@hookimpl
def gantool_losses() -> Iterable[Component]:
    """The two terms of Eq. 4."""
    yield Component(
        name="local-adversarial",
        factory="simgan_plugin.losses:LocalAdversarialLoss",
        provides=ADVERSARIAL,
        summary="Mean of the per-patch cross-entropies (Eq. 2 and the first term of Eq. 4)",
    )
    yield Component(
        name="self-regularization",
        factory="simgan_plugin.losses:SelfRegularization",
        options=SelfRegularizationOptions,
        provides=IMAGE_PAIR,
        summary="L1 distance of ψ(R(x)) and ψ(x), ψ in pixels or features (second term of Eq. 4)",
    )


@hookimpl
def gantool_replay_buffers() -> Iterable[Component]:
    """The history of refined images."""
    yield Component(
        name="history",
        factory="simgan_plugin.history:History",
        options=HistoryOptions,
        summary="Half of each batch of D from earlier refiners (the paper's Section 2.3)",
    )


@hookimpl
def gantool_datasets() -> Iterable[Component]:
    """The built-in eyes."""
    yield Component(
        name="eyes",
        factory="simgan_plugin.eyes:eyes",
        options=EyesOptions,
        summary="Built-in simulated eyes: a stand-in that shows the mechanism offline, not real data",
    )


@hookimpl
def gantool_estimators() -> Iterable[Component]:
    """What the paper trains on refined eyes."""
    yield Component(
        name="gaze-cnn",
        factory="simgan_plugin.gaze_cnn:GazeCNN",
        options=GazeCNNOptions,
        summary="The paper's gaze estimator: five convolutions, two linear layers",
    )


@hookimpl
def gantool_recipes() -> Iterable[Recipe]:
    """Algorithm 1."""
    yield Recipe(
        name="simgan",
        factory="simgan_plugin.recipe:SimGAN",
        options=SimGANOptions,
        provides=frozenset({"accumulates"}),
        summary="Learning from simulated and unsupervised images (Shrivastava et al., CVPR 2017)",
        dataset="simgan:eyes",
        slots=(
            Slot(name="generator", kind="generator", default="simgan:refiner", summary="R, the refiner"),
            Slot(name="discriminator", kind="discriminator", default="simgan:local", summary="D"),
            Slot(
                name="loss",
                kind="loss",
                default="simgan:local-adversarial",
                requires=ADVERSARIAL,
                accepts=frozenset({"penalty"}),
                summary="What R and D play for",
            ),
            Slot(
                name="regularization",
                kind="loss",
                default="simgan:self-regularization",
                requires=IMAGE_PAIR,
                summary="What keeps R(x) near x, and so the label true",
            ),
            Slot(name="buffer", kind="buffer", default="simgan:history", summary="Earlier refined images, for D"),
        ),
        presets=PRESETS,
        default_preset="laptop",
        figures=(
            Figure("refiner_loss", "R"),
            Figure("discriminator_loss", "D"),
            Figure("accuracy_real", "D real", ".0%"),
            Figure("accuracy_refined", "D refined", ".0%"),
            Figure("change", "|R(x)-x|"),
        ),
    )
