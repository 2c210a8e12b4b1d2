"""Random texture and blur: the parts of a picture that look beyond one pixel. One image at a time, with OpenCV."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .geometry import Floats
from .hashing import Uniforms, noise


def texture(keys: NDArray[np.uint64], size: tuple[int, int], cell: float) -> Floats:
    """Smooth noise whose grains are about `cell` pixels wide: (N, 1, H, W), zero mean, variance below 1."""
    height, width = size
    cell = max(cell, 1.0)
    # One cell for the random offset and three for the reach of the cubic interpolation.
    lattice = noise(keys, (int(height / cell) + 5, int(width / cell) + 5))
    smooth = np.empty((len(keys), 1, height, width), np.float32)
    # Noise varies more at the lattice's points than between them; the same offset in every picture would make that a pattern.
    offset = Uniforms(keys ^ np.uint64(1))
    for row, (x, y) in enumerate(zip(offset.between(1, 2), offset.between(1, 2), strict=True)):
        place = np.array([[1 / cell, 0, x], [0, 1 / cell, y]])
        smooth[row, 0] = cv2.warpAffine(lattice[row], place, (width, height), flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP)
    return smooth


def blur(images: Floats, sigmas: Floats) -> Floats:
    """Blur each picture of (N, C, H, W) with a Gaussian of its own standard deviation in pixels, (N,)."""
    blurred = np.empty_like(images)
    for row, sigma in enumerate(sigmas):
        for plane in range(images.shape[1]):
            blurred[row, plane] = cv2.GaussianBlur(images[row, plane], (0, 0), float(sigma), borderType=cv2.BORDER_REPLICATE)
    return blurred
