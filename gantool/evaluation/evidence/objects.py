"""Whether what boxes and masks describe is still where they say it is: edges of the picture there, before and after refining."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from ..held import HeldImages
from .edges import edges, overlap

_CONTROLS = (1, 2, 3)
"""Shifts of edges against themselves (px), to read the figures by."""
_FAR = 10.0
"""Distance at which an edge counts as gone (px): how much further the next one is says nothing."""
_WORST = 6
"""Images that are named."""


def object_preservation(synthetic: HeldImages, refined: HeldImages, area: Callable[[int], np.ndarray]) -> dict[str, Any]:
    """Compare Canny edges of x and R(x) where labels are. `area`: (H, W) bool for the image with that number.

    Returns means over images that have edges there: "kept", the share of them that R(x) has within 1 px, and "distance", from
    each to the nearest one of R(x) (px, at most 10); "elsewhere", the share kept outside of all areas; "controls", the same of x
    against x shifted by 1, 2 and 3 px; "images"; and the "worst" ones by distance, each with its number, "row".
    """
    rows = [_compare(synthetic, refined, row, area(row)) for row in range(len(synthetic))]
    known = [(row, found) for row, found in enumerate(rows) if found is not None]
    worst = sorted(known, key=lambda pair: -pair[1]["distance"])[:_WORST]
    return {
        "images": len(known),
        **{name: _mean([found[name] for _, found in known]) for name in ("kept", "distance", "elsewhere")},
        "controls": {
            f"shifted_{pixels}px": {
                name: _mean([found[f"{name}_{pixels}"] for _, found in known]) for name in ("kept", "distance")
            }
            for pixels in _CONTROLS
        },
        "worst": [{"row": row, "kept": found["kept"], "distance": found["distance"]} for row, found in worst],
    }


def _compare(synthetic: HeldImages, refined: HeldImages, row: int, area: np.ndarray) -> dict[str, float] | None:
    """Figures of one image; None where it has no edge in the area."""
    before, after = (edges(images.batch([row]))[0] for images in (synthetic, refined))
    inside, outside = before & area, before & ~area
    if not inside.any():
        return None
    found = {"kept": _kept(inside, after), "distance": _distance(inside, after), "elsewhere": _kept(outside, after)}
    for pixels in _CONTROLS:
        shifted = np.roll(before, pixels, axis=1)
        found |= {f"kept_{pixels}": _kept(inside, shifted), f"distance_{pixels}": _distance(inside, shifted)}
    return found


def _kept(own: np.ndarray, other: np.ndarray) -> float:
    return float(overlap(own[None], other[None])["kept"][0])


def _distance(own: np.ndarray, other: np.ndarray) -> float:
    if not other.any():
        return _FAR
    away = cv2.distanceTransform((~other).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return float(np.minimum(away[own], _FAR).mean())


def _mean(values: list[float]) -> float | None:
    return float(np.mean(values)) if values else None
