"""Options of the built-in eye simulator. Imports neither numpy nor torch, so that describing the plugin stays light."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le

MIN_SIDE = 8
"""Smallest height and width in pixels at which an iris still covers more than one pixel."""

Side = Annotated[int, Ge(MIN_SIDE), Le(4096)]


@dataclass(frozen=True)
class EyesOptions:
    """What `simgan_plugin.eyes:eyes` makes."""

    synthetic_count: Annotated[int, Ge(1), Le(10**9)] = 8000
    """Number of clean renders in the source domain. They are drawn when read, so a large number costs no memory."""
    real_count: Annotated[int, Ge(1), Le(10**9)] = 4000
    """Number of camera-like pictures in the target domain, which stand in for real ones."""
    size: tuple[Side, Side] = (35, 55)
    """Height and width in pixels, each from 8 to 4096. The default is the paper's size for eyes."""
    color: bool = False
    """RGB pictures (three channels) instead of grey ones (one channel)."""
    seed: Annotated[int, Ge(0), Le(2**63 - 1)] = 0
    """Seed of every picture and label. It is not the seed of the training run: the data stay the same when that changes."""
