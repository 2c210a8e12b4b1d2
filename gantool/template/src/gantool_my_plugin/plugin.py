"""What this plugin provides. Runs whenever plugins are listed, so nothing here imports torch."""

from __future__ import annotations

from collections.abc import Iterable

from gantool import Component, Figure, Recipe, Slot, hookimpl

from .options import CharbonnierOptions, MoverOptions, RecipeOptions

ADVERSARIAL, IMAGE_PAIR = frozenset({"adversarial"}), frozenset({"image-pair"})


@hookimpl
def gantool_generators() -> Iterable[Component]:
    """The network that is trained."""
    yield Component(
        name="mover",
        factory="gantool_my_plugin.generator:Mover",
        options=MoverOptions,
        summary="Moves each pixel towards black or white; starts as the identity",
    )


@hookimpl
def gantool_losses() -> Iterable[Component]:
    """What keeps the result near the input."""
    yield Component(
        name="charbonnier",
        factory="gantool_my_plugin.loss:Charbonnier",
        options=CharbonnierOptions,
        provides=IMAGE_PAIR,
        summary="Smooth absolute difference of pixels",
    )


@hookimpl
def gantool_recipes() -> Iterable[Recipe]:
    """How they are trained. Slots may name parts of other plugins."""
    yield Recipe(
        name="my-plugin",
        factory="gantool_my_plugin.recipe:Training",
        options=RecipeOptions,
        summary="One update of the discriminator and one of the generator in each step",
        dataset="simgan:eyes",
        slots=(
            Slot(name="generator", kind="generator", default="my-plugin:mover"),
            Slot(name="discriminator", kind="discriminator", default="simgan:local"),
            Slot(name="loss", kind="loss", default="gantool:lsgan", requires=ADVERSARIAL, summary="What the two play for"),
            Slot(
                name="closeness",
                kind="loss",
                default="my-plugin:charbonnier",
                requires=IMAGE_PAIR,
                summary="What keeps the result near the input, and so the labels true",
            ),
        ),
        # Half a minute on two CPU cores; whoever has a GPU says more on the command line.
        presets={"laptop": {"steps": 300, "batch_size": 16, "discriminator.width_factor": 0.25}},
        default_preset="laptop",
        # What stands below the bar while it trains.
        figures=(Figure("discriminator_loss", "D"), Figure("realism_loss", "realism"), Figure("closeness", "closeness")),
    )
