"""What the plugin provides: descriptions only, no torch."""

from __future__ import annotations

from collections.abc import Iterable

from gantool import Figure, Recipe, Slot, hookimpl

from .options import CUTOptions
from .presets import PRESETS


@hookimpl
def gantool_recipes() -> Iterable[Recipe]:
    """CUT. Its networks are CycleGAN's, as in the paper, so that they are parts of the plugin `cyclegan`."""
    yield Recipe(
        name="cut",
        factory="gantool_cut.recipe:CUT",
        options=CUTOptions,
        summary="Contrastive learning for unpaired translation (Park et al., ECCV 2020)",
        dataset="simgan:eyes",
        slots=(
            Slot(
                name="generator",
                kind="generator",
                default="cyclegan:resnet",
                requires=frozenset({"features"}),
                summary="G, whose encoder also compares patches",
            ),
            Slot(name="discriminator", kind="discriminator", default="cyclegan:patch", summary="D"),
            Slot(
                name="loss",
                kind="loss",
                default="gantool:lsgan",
                requires=frozenset({"adversarial"}),
                accepts=frozenset({"penalty", "relativistic"}),
                summary="What G and D play for",
            ),
            Slot(name="buffer", kind="buffer", default="gantool:none", summary="Earlier G(x), for D (paper: none)"),
        ),
        presets=PRESETS,
        default_preset="laptop",
        figures=(
            Figure("generator_loss", "G"),
            Figure("discriminator_loss", "D"),
            Figure("contrast_loss", "NCE"),
            Figure("change", "|G(x)-x|"),
        ),
    )
