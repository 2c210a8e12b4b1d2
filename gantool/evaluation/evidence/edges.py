"""How much of the structure of an image is still where it was: overlap of edges. No labels."""

from __future__ import annotations

import cv2
import numpy as np
from torch import Tensor

_STRONG = 0.85
"""Quantile of an image's gradients above which an edge starts; it is followed down to half of that gradient. By quantile, so that
contrast and brightness do not matter."""


def edges(images: Tensor) -> np.ndarray:
    """Canny edges (Canny 1986) of (N, C, H, W) images in [-1, 1]: (N, H, W) bool. Colour is averaged."""
    grey = images.detach().float().mean(1).add(1).mul(127.5).round().clamp(0, 255).byte().cpu().numpy()
    return np.stack([_canny(image) for image in grey])


def overlap(first: np.ndarray, second: np.ndarray, tolerance: int = 1) -> dict[str, np.ndarray]:
    """Per image, how edges (N, H, W) agree within `tolerance` px: {"kept", "new", "f1"}, (N,) each.

    "kept" is the share of `first` that `second` has, "new" the share of `second` that `first` has not, "f1" the harmonic mean of
    "kept" and 1 − "new". An image without edges keeps all and has nothing new.
    """
    kernel = np.ones((2 * tolerance + 1, 2 * tolerance + 1), np.uint8)
    near_first, near_second = (_dilated(each, kernel) for each in (first, second))
    kept, known = _share(first & near_second, first), _share(second & near_first, second)
    return {"kept": kept, "new": 1 - known, "f1": 2 * kept * known / np.maximum(kept + known, 1e-9)}


def _canny(image: np.ndarray) -> np.ndarray:
    across, down = (cv2.Sobel(image, cv2.CV_16S, *order) for order in ((1, 0), (0, 1)))
    strong = float(np.quantile(np.hypot(across.astype(np.float32), down.astype(np.float32)), _STRONG))
    found: np.ndarray = cv2.Canny(across, down, strong / 2, strong, L2gradient=True) > 0
    return found


def _dilated(masks: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    return np.stack([cv2.dilate(mask.astype(np.uint8), kernel) for mask in masks]).astype(bool)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    total = whole.sum((1, 2))
    share: np.ndarray = np.where(total > 0, part.sum((1, 2)) / np.maximum(total, 1), 1.0)
    return share
