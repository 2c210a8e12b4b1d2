"""Figures of single images that need no labels."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch.nn import functional as F

_EDGES = 0.1
"""Share of the pixels of an image, those of the steepest slope, that count as edges."""
_FAINT = 0.2
"""Slopes below this share of the steepest of an image are none either: noise on flat ground has as many edges as a drawing."""
_FLAT = 1e-3
"""Nor are slopes below this, in units of the [-1, 1] scale per pixel."""
_SIDE = 32
"""Pixels that the longer side keeps where whole images are compared: what is finer is texture and noise."""


def change(before: torch.Tensor, after: torch.Tensor) -> np.ndarray:
    """(N, C, H, W) in [-1, 1] each to the mean |after - before| of each image, (N,), on that scale, as `change` in training."""
    found: np.ndarray = (after - before).abs().mean(dim=(1, 2, 3)).numpy()
    return found


def edge_shift(before: torch.Tensor, after: torch.Tensor) -> np.ndarray:
    """(N, C, H, W) in [-1, 1] each to how far edges lie apart, (N,), px: a label-free sign of label drift.

    Edges are the steepest tenth of the pixels of each image, without faint ones. The figure is the mean distance from each to the
    nearest one of the other image, in both directions (a symmetric chamfer distance; Barrow et al. 1977). Where only one image
    has edges, it is the diagonal of the image.
    """
    pairs = zip(before.mean(dim=1).numpy(), after.mean(dim=1).numpy(), strict=True)
    return np.array([_chamfer(_edges(a), _edges(b)) for a, b in pairs])


def reduced(images: torch.Tensor) -> torch.Tensor:
    """(N, C, H, W) in [-1, 1] to (N, D): images at a size of at most 32 px, so that distances follow what they show."""
    height, width = images.shape[2:]
    scale = min(1.0, _SIDE / max(height, width))
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    return F.interpolate(images, size=size, mode="area").flatten(1)


def distances(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """(N, D) and (M, D) in [-1, 1] to (N, M): root mean square differences as a share of the range black to white."""
    found: torch.Tensor = torch.cdist(a, b) / (2 * a.shape[1] ** 0.5)
    return found


def _edges(image: np.ndarray) -> np.ndarray:
    slope = np.hypot(cv2.Scharr(image, cv2.CV_32F, 1, 0), cv2.Scharr(image, cv2.CV_32F, 0, 1)) / 32
    found: np.ndarray = slope > max(float(np.quantile(slope, 1 - _EDGES)), _FAINT * float(slope.max()), _FLAT)
    return found


def _chamfer(a: np.ndarray, b: np.ndarray) -> float:
    if not a.any() or not b.any():
        return 0.0 if a.any() == b.any() else float(np.hypot(*a.shape))
    return float((_to_nearest(b)[a].mean() + _to_nearest(a)[b].mean()) / 2)


def _to_nearest(edges: np.ndarray) -> np.ndarray:
    """Distance of each pixel to the nearest edge, px."""
    found: np.ndarray = cv2.distanceTransform((~edges).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return found
