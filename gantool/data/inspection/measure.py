"""Figures of one image."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..layouts.tree import look_like_ids
from ..passes import FAR
from ..preprocess import LUMINANCE, drop_alpha, equalize, full_scale

PIXELS = 512
"""Pixels of each image that are kept for the histogram of the set."""
_SENTINELS = 4
_OFTEN, _APART = 0.001, 0.9
_LEVELS = 16
"""An image of fewer grey levels cannot be told equalised from not: equalising black and white changes nothing."""


@dataclass(frozen=True)
class Measured:
    """One image in figures. Values are in stored units unless said otherwise."""

    height: int
    width: int
    channels: int
    dtype: str
    low: float
    high: float
    blank: float
    """Share of pixels that are NaN or infinite; other figures leave them out."""
    mean: float
    """Of the luminance."""
    deviation: float
    """Standard deviation of the luminance."""
    pixels: np.ndarray
    """(n,) float32, evenly spread luminance values, n ≤ `PIXELS`."""
    black: float
    """Share of pixels at the lowest value that the type (or, for floats, [0, 1]) allows."""
    white: float
    residual: float | None
    """Mean change that equalising would make, in shares of the full scale: near 0 for what is equalised already. None for
    images of fewer than 16 levels."""
    grey: bool
    """Three colour channels, all equal."""
    ids: bool
    """Whether it looks like a mask: few colours in flat patches."""
    sentinels: Mapping[float, float]
    """Values of one channel that hardly are measurements, with their shares of the pixels; other figures leave them out."""
    digest: bytes
    """Of the pixels: equal for images that are equal pixel by pixel."""


def sample_numbers(count: int, limit: int) -> list[int]:
    """Return all numbers below `count`, or `limit` of them drawn at random, the same ones every time, ascending."""
    if count <= limit:
        return list(range(count))
    return sorted(np.random.default_rng(0).choice(count, limit, replace=False, shuffle=False).tolist())


def measure(image: np.ndarray) -> Measured:
    """Measure an image, (H, W, C) uint8, uint16 or float32."""
    colours = drop_alpha(image)
    plane = luminance(colours)
    sentinels = _sentinels(colours) if colours.shape[2] == 1 else {}
    blank = float((~np.isfinite(plane)).mean()) if plane.dtype.kind == "f" else 0.0
    values, flat, white = colours, plane.ravel(), full_scale(plane.dtype)
    if blank or sentinels:
        values, flat = (kept if kept.size else np.zeros(1, plane.dtype) for kept in (real_values(colours), real_values(plane)))
        known = np.isfinite(plane) & ~np.isin(plane, list(sentinels))
        plane = np.where(known, plane, np.median(flat).astype(plane.dtype))
    step = max(1, flat.size // PIXELS)
    return Measured(
        height=image.shape[0],
        width=image.shape[1],
        channels=image.shape[2],
        dtype=str(image.dtype),
        low=float(values.min()),
        high=float(values.max()),
        blank=blank,
        mean=float(flat.mean(dtype=np.float64)),
        deviation=float(flat.std(dtype=np.float64)),
        pixels=flat[::step][:PIXELS].astype(np.float32),
        black=float((flat <= 0).mean()),
        white=float((flat >= white).mean()),
        residual=equalisation_residual(plane),
        grey=image.shape[2] >= 3 and bool((colours == colours[..., :1]).all()),
        ids=look_like_ids(image),
        sentinels=sentinels,
        digest=hashlib.blake2b(repr(image.shape).encode() + np.ascontiguousarray(image).tobytes(), digest_size=16).digest(),
    )


def real_values(colours: np.ndarray) -> np.ndarray:
    """Return the values of (H, W, C), or of one channel, that are measurements: (n,), finite, no sentinels."""
    flat = colours.ravel()
    if colours.dtype.kind == "f":
        known = np.isfinite(flat) & (np.abs(flat) < FAR)
    else:
        known = ~np.isin(flat, list(_sentinels(colours) if colours.ndim == 2 or colours.shape[2] == 1 else {}))
    values: np.ndarray = flat[known]
    return values


def _sentinels(colours: np.ndarray) -> dict[float, float]:
    """Return values beyond 1e9, and the highest of 16 bits where it stands apart, of (H, W, 1)."""
    if colours.dtype.kind == "f":
        found = np.unique(colours[np.abs(colours) >= FAR])[:_SENTINELS]
        return {float(value): float((colours == value).mean()) for value in found if np.isfinite(value)}
    top = np.iinfo(colours.dtype).max
    share = float((colours == top).mean())
    rest = colours[colours != top]
    apart = rest.size > 0 and rest.max() < _APART * top
    return {float(top): share} if colours.dtype == np.uint16 and share >= _OFTEN and apart else {}


def equalisation_residual(plane: np.ndarray) -> float | None:
    """Return how much equalising (H, W) changes it: the mean absolute change as a share of the full scale.

    Equalised images are fixed points of equalisation, also those with a large background, whose histogram is not flat.
    """
    unit = plane
    if plane.dtype.kind == "f":
        low, high = float(plane.min()), float(plane.max())
        if high <= low:
            return None
        if low < 0 or high > 1:
            unit = ((plane - low) / (high - low)).astype(np.float32)
    levels = unit if unit.dtype.kind == "u" else np.rint(unit * 65535).astype(np.uint16)
    if np.count_nonzero(np.bincount(levels.ravel())) < _LEVELS:
        return None
    equal = equalize(np.ascontiguousarray(unit)[..., None], "an image")[..., 0]
    return float(np.abs(equal.astype(np.float64) - unit).mean() / full_scale(unit.dtype))


def luminance(colours: np.ndarray) -> np.ndarray:
    """(H, W, C), without alpha, to (H, W) of the same dtype: Rec. 601 for three channels, the mean of other numbers of them."""
    if colours.shape[2] == 1:
        return colours[..., 0]
    mixed = colours @ LUMINANCE if colours.shape[2] == 3 else colours.mean(axis=2, dtype=np.float32)
    plane: np.ndarray = (np.rint(mixed) if colours.dtype.kind == "u" else mixed).astype(colours.dtype)
    return plane
