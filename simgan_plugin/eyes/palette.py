"""Colours of skin, sclera and iris, as (N, C, 1, 1) with C = 3 (RGB) or C = 1 (their luma), in [0, 1]."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .geometry import Floats

_SKIN = np.array([[0.40, 0.27, 0.21], [0.74, 0.54, 0.43], [0.94, 0.77, 0.68]])
_IRIS = np.array([[0.30, 0.18, 0.10], [0.46, 0.32, 0.18], [0.40, 0.46, 0.32], [0.40, 0.54, 0.68]])
_SCLERA = np.array([[0.93, 0.90, 0.87]])
_LUMA = np.array([0.299, 0.587, 0.114])


def skin(tone: NDArray[np.float64], *, color: bool) -> Floats:
    """Skin from dark (`tone` 0) to light (1), (N,)."""
    return _blend(_SKIN, tone, color=color)


def iris(hue: NDArray[np.float64], *, color: bool) -> Floats:
    """Iris from brown (`hue` 0) over hazel and green to blue (1), (N,)."""
    return _blend(_IRIS, hue, color=color)


def sclera(*, color: bool) -> Floats:
    """The white of the eye, (1, C, 1, 1)."""
    return _blend(_SCLERA, np.zeros(1), color=color)


def _blend(stops: NDArray[np.float64], at: NDArray[np.float64], *, color: bool) -> Floats:
    positions = np.linspace(0, 1, len(stops))
    channels = stops.T if color else (stops @ _LUMA)[None]
    blended = np.stack([np.interp(at, positions, channel) for channel in channels], axis=1)
    return blended.astype(np.float32)[:, :, None, None]
