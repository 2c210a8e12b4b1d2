"""Depth in millimetres to grey values."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .draws import Floats

Background = Literal["far", "near"]
WHITE = 65535


def encode(depth: Floats, near: Floats | float, far: Floats | float, background: Background) -> NDArray[np.uint16]:
    """(..., H, W) mm to uint16: `near` is black, `far` white, what lies beyond is clipped. Where there is no hand (infinite),
    the picture is white or, for `background="near"`, black."""
    grey = (depth - near) / (np.asarray(far) - near) * np.float32(WHITE)
    empty = ~np.isfinite(depth)
    grey = np.where(empty, WHITE if background == "far" else 0, grey)
    return np.rint(np.clip(grey, 0, WHITE)).astype(np.uint16)
