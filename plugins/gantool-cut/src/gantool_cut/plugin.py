"""What the plugin provides: descriptions only, no torch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gantool import Figure, Recipe, Slot, hookimpl

from .options import CUTOptions

FASTCUT: dict[str, Any] = {"recipe.lambda_nce": 10.0, "recipe.identity": False, "recipe.flip": True}

LAPTOP: dict[str, Any] = {
    "generator.width": 16,
    "generator.downsamplings": 1,
    "generator.blocks": 3,
    "generator.upsampling": "nearest",
    "discriminator.width": 16,
    "discriminator.depth": 1,
    "recipe.width": 64,
    "recipe.patches": 64,
    "recipe.generator_lr": 1e-3,
    "recipe.discriminator_lr": 1e-3,
    "batch_size": 8,
    "steps": 150,
    "checkpoint_every": 50,
    "sample_every": 50,
}

PRESETS: dict[str, dict[str, Any]] = {
    # Built-in eyes, 35×55 px: 37 seconds on one CPU core. Patches of 16 px: with 34 px (depth 2), D moves irises and lids.
    "laptop": LAPTOP,
    "laptop-fastcut": LAPTOP | FASTCUT,
    # Park et al. 2020, Section 4 and Appendix: one image at a time, 400 epochs of about 1,000 images, the last 200 decaying.
    "paper": {"batch_size": 1, "patch": "off", "steps": 400_000, "checkpoint_every": 5_000, "sample_every": 1_000},
    # The authors' program: 200 epochs, the last 50 decaying.
    "fastcut": {
        "batch_size": 1,
        "patch": "off",
        "steps": 200_000,
        "checkpoint_every": 5_000,
        "sample_every": 1_000,
        "recipe.decay": 0.25,
        **FASTCUT,
    },
}
"""Named sets of values, as `--preset NAME` takes them. A dotted name is an option of a part, a bare one a setting of the run."""


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
