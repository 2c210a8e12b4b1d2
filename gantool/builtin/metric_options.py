"""Options of the built-in metrics. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le


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


@dataclass(frozen=True, kw_only=True)
class TwoSampleOptions:
    """How a classifier tells refined from target patches."""

    patch: Annotated[int, Ge(1)] = 7
    """Side of a patch (px); smaller images are taken whole."""
    patches: Annotated[int, Ge(1)] = 48
    """Patches of every image (count)."""
    folds: Annotated[int, Ge(2)] = 4
    """Parts of the images; each is judged by a classifier that was trained on the others (count)."""
    seed: Annotated[int, Ge(0)] = 0
    """Decides patches and folds."""


@dataclass(frozen=True, kw_only=True)
class LabelDriftOptions:
    """When an edge counts as kept."""

    tolerance: Annotated[int, Ge(0)] = 1
    """Distance within which it must be found again (px)."""


@dataclass(frozen=True, kw_only=True)
class RealismDriftOptions:
    """What a lost edge costs."""

    weight: Annotated[float, Ge(0)] = 0.5
    """Accuracy that one more unit of lost edges is worth."""
    allowed: Annotated[float, Ge(0), Le(1)] = 0.5
    """Share of edges that may go away at no cost."""
    seed: Annotated[int, Ge(0)] = 0
    """Decides patches and folds of the two-sample test."""
