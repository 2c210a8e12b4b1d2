"""What the plugin provides: descriptions only, no torch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gantool import Component, Figure, Recipe, Slot, hookimpl

from .options import CycleGANOptions, PatchOptions, PoolOptions, ResNetOptions

IMAGE_PAIR = frozenset({"image-pair"})

PRESETS: dict[str, dict[str, Any]] = {
    # Built-in eyes, 35×55 px: 3.4 minutes on one CPU core; after 150 steps refining does not help yet. Patches of 16 px:
    # with 34 px (depth 2), D moves irises and lids.
    "laptop": {
        **{
            f"{slot}.{name}": value
            for slot in ("to_target", "to_source")
            for name, value in {"width": 16, "downsamplings": 1, "blocks": 3, "upsampling": "nearest"}.items()
        },
        **{
            f"{slot}.{name}": value
            for slot in ("target_discriminator", "source_discriminator")
            for name, value in {"width": 16, "depth": 1}.items()
        },
        "recipe.generator_lr": 1e-3,
        "recipe.discriminator_lr": 1e-3,
        "batch_size": 8,
        "steps": 600,
        "checkpoint_every": 100,
        "sample_every": 100,
    },
    # Zhu et al. 2017, Sections 4 and 7: one image at a time, 200 epochs of about 1,000 images.
    "paper": {"batch_size": 1, "patch": "off", "steps": 200_000, "checkpoint_every": 5_000, "sample_every": 1_000},
}
"""Named sets of values, as `--preset NAME` takes them. A dotted name is an option of a part, a bare one a setting of the run."""


@hookimpl
def gantool_generators() -> Iterable[Component]:
    """The ResNet generator."""
    yield Component(
        name="resnet",
        factory="gantool_cyclegan.networks:ResNetGenerator",
        options=ResNetOptions,
        provides=frozenset({"features", "conditioned"}),
        summary="Downsampling, ResNet blocks with instance norm, upsampling (Johnson 2016)",
    )


@hookimpl
def gantool_discriminators() -> Iterable[Component]:
    """The PatchGAN."""
    yield Component(
        name="patch",
        factory="gantool_cyclegan.networks:PatchGAN",
        options=PatchOptions,
        summary="PatchGAN, 70×70 px patches unless told otherwise (Isola 2017)",
    )


@hookimpl
def gantool_replay_buffers() -> Iterable[Component]:
    """The image pool."""
    yield Component(
        name="pool",
        factory="gantool_cyclegan.pool:ImagePool",
        options=PoolOptions,
        summary="50 images; every other one comes back in place of a fresh one",
    )


@hookimpl
def gantool_recipes() -> Iterable[Recipe]:
    """CycleGAN."""
    resnet, patch, pool = "cyclegan:resnet", "cyclegan:patch", "cyclegan:pool"
    yield Recipe(
        name="cyclegan",
        factory="gantool_cyclegan.recipe:CycleGAN",
        options=CycleGANOptions,
        summary="Unpaired translation with cycle-consistent adversarial networks (Zhu et al., ICCV 2017)",
        dataset="simgan:eyes",
        slots=(
            Slot(name="to_target", kind="generator", default=resnet, summary="G: synthetic to real, the result"),
            Slot(name="to_source", kind="generator", default=resnet, summary="F: real to synthetic"),
            Slot(name="target_discriminator", kind="discriminator", default=patch, summary="D_Y judges real-looking images"),
            Slot(name="source_discriminator", kind="discriminator", default=patch, summary="D_X judges synthetic-looking ones"),
            Slot(
                name="loss",
                kind="loss",
                default="gantool:lsgan",
                requires=frozenset({"adversarial"}),
                accepts=frozenset({"penalty", "relativistic"}),
                summary="What generators and discriminators play for",
            ),
            Slot(name="cycle", kind="loss", default="gantool:l1", requires=IMAGE_PAIR, summary="F(G(x)) near x, G(F(y)) near y"),
            Slot(name="identity", kind="loss", default="gantool:l1", requires=IMAGE_PAIR, summary="G(y) near y, F(x) near x"),
            Slot(name="target_buffer", kind="buffer", default=pool, summary="Earlier G(x), for D_Y"),
            Slot(name="source_buffer", kind="buffer", default=pool, summary="Earlier F(y), for D_X"),
        ),
        presets=PRESETS,
        default_preset="laptop",
        figures=(
            Figure("generator_loss", "G"),
            Figure("discriminator_loss", "D"),
            Figure("cycle_loss", "cycle"),
            Figure("change", "|G(x)-x|"),
        ),
    )
