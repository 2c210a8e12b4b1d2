"""Options of the built-in metrics. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge


@dataclass(frozen=True, kw_only=True)
class PatchDistanceOptions:
    """How patches are compared."""

    patch: Annotated[int, Ge(1)] = 7
    """Side of a patch (px); smaller images are taken whole."""
    directions: Annotated[int, Ge(1)] = 128
    """Random directions onto which patches are projected (count)."""
    samples: Annotated[int, Ge(16)] = 8192
    """Patches of each domain (count)."""
    seed: Annotated[int, Ge(0)] = 0
    """Decides directions and which patches are taken."""
