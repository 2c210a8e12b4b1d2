"""Training a recipe. What this package gives to plugins are small tools for their steps; its modules are the host's own.

The tools need torch; the package itself does not, so that a command can write its run folder before torch is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .steps import (
        apply_in_eval,
        decayed,
        frozen,
        has_fused,
        in_parts,
        make_adam,
        mean_of,
        restore,
        set_rate,
        state_of,
    )

__all__ = [
    "apply_in_eval",
    "decayed",
    "frozen",
    "has_fused",
    "in_parts",
    "make_adam",
    "mean_of",
    "restore",
    "set_rate",
    "state_of",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import steps

    return getattr(steps, name)
