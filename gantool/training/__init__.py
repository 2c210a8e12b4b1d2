"""Training a recipe. What this package gives to plugins are tools for recipes and their steps; its modules are the host's own.

The tools need torch; the package itself does not, so that a command can write its run folder before torch is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .base import RecipeBase
    from .fitting import fit_drawn, fit_network
    from .steps import (
        apply_in_eval,
        decay_rates,
        decayed,
        discriminator_loss,
        frozen,
        generate,
        generator_loss,
        has_fused,
        in_parts,
        make_adam,
        mean_of,
    )

__all__ = [
    "RecipeBase",
    "apply_in_eval",
    "decay_rates",
    "decayed",
    "discriminator_loss",
    "fit_drawn",
    "fit_network",
    "frozen",
    "generate",
    "generator_loss",
    "has_fused",
    "in_parts",
    "make_adam",
    "mean_of",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import base, fitting, steps

    return next(getattr(module, name) for module in (base, fitting, steps) if hasattr(module, name))
