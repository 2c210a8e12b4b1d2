"""What `Preprocess` does to the pixels of one image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..errors import GantoolError

if TYPE_CHECKING:
    from .domains import Preprocess

LUMINANCE = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Rec. 601 weights of R, G and B."""


def apply(preprocess: Preprocess, image: np.ndarray, *, name: str) -> np.ndarray:
    """Do what `Preprocess.__call__` says."""
    if preprocess.channels != "auto" and image.shape[2] in (2, 4) and image.shape[2] != preprocess.channels:
        image = visible(image)
    image = _to_range(image, preprocess.limits, name)
    if preprocess.channels != "auto":
        image = _to_channels(image, preprocess.channels, name)
    if preprocess.size is not None:
        image = crop(image, preprocess.size, name) if preprocess.fit == "crop" else resize(image, preprocess.size)
    return equalize(image, name) if preprocess.equalize else image


def full_scale(dtype: np.dtype) -> int:
    """Return the value of white: 255, 65535, or 1 for floats."""
    return int(np.iinfo(dtype).max) if dtype.kind == "u" else 1


def resize(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(H, W, C) to `size` (height, width): area means where it shrinks, linear where it grows."""
    height, width = size
    shrunk = (min(height, image.shape[0]), min(width, image.shape[1]))
    return _resize(_resize(image, shrunk, cv2.INTER_AREA), size, cv2.INTER_LINEAR)


def crop(image: np.ndarray, size: tuple[int, int], name: str) -> np.ndarray:
    """Cut `size` (height, width) out of the middle. Raises `GantoolError` where (H, W, C) `image` is smaller."""
    top, left = (image.shape[0] - size[0]) // 2, (image.shape[1] - size[1]) // 2
    if top < 0 or left < 0:
        raise GantoolError(f"{name} is {image.shape[0]}x{image.shape[1]}, smaller than the crop of {size[0]}x{size[1]}")
    return np.ascontiguousarray(image[top : top + size[0], left : left + size[1]])


def luminance(image: np.ndarray) -> np.ndarray:
    """(H, W, 3) RGB to (H, W, 1), Rec. 601, same dtype."""
    grey: np.ndarray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return grey[..., None]


def visible(image: np.ndarray) -> np.ndarray:
    """(H, W, 2) or (H, W, 4) to its colours, (H, W, C - 1), without those that nobody sees.

    Renderers leave anything below alpha 0: black, the last picture, noise. It becomes the mean of what is seen, weighted by
    alpha: the colour that stands out least, so that no outline is taught that the object has not. Where nothing is seen, black.
    """
    colours, alpha = np.ascontiguousarray(image[..., :-1]), image[..., -1]
    hidden = alpha <= 0
    if not hidden.any():
        return colours
    weights = alpha[~hidden].astype(np.float64)
    mean = (colours[~hidden] * weights[:, None]).sum(axis=0) / weights.sum() if weights.size else np.zeros(colours.shape[2])
    colours[hidden] = np.rint(mean) if colours.dtype.kind == "u" else mean
    return colours


def without_nan(image: np.ndarray, name: str) -> np.ndarray:
    """(H, W, C) floats with the median of each channel's finite values where it is NaN: what stands out least.

    Raises `GantoolError` where a channel has nothing else.
    """
    filled = image.copy()
    for channel in range(image.shape[2]):
        plane = filled[..., channel]
        known = plane[np.isfinite(plane)]
        if not known.size:
            raise GantoolError(f"{name} has no value that is finite: remove it")
        plane[np.isnan(plane)] = np.median(known)
    return filled


def drop_alpha(image: np.ndarray) -> np.ndarray:
    """(H, W, 2) or (H, W, 4) without its last channel; others as they are."""
    return np.ascontiguousarray(image[..., :-1]) if image.shape[2] in (2, 4) else image


def equalize(image: np.ndarray, name: str) -> np.ndarray:
    """Equalise grey, or the luminance of RGB; (H, W, C), dtype kept. Raises `GantoolError` for other channel counts."""
    if image.shape[2] == 1:
        return _equalize_plane(image[..., 0])[..., None]
    if image.shape[2] != 3:
        raise GantoolError(f"{name} has {image.shape[2]} channels: --equalize needs --channels 1 or 3")
    planes = cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb)
    planes[..., 0] = _equalize_plane(np.ascontiguousarray(planes[..., 0]))
    equal: np.ndarray = cv2.cvtColor(planes, cv2.COLOR_YCrCb2RGB)
    return equal.clip(0, 1) if equal.dtype == np.float32 else equal


def _to_range(image: np.ndarray, value_range: tuple[float, float] | None, name: str) -> np.ndarray:
    is_float = image.dtype.kind == "f"
    if is_float and np.isnan(image).any():
        image = without_nan(image, name)
    if value_range is not None:
        low, high = value_range
        unit = ((image.astype(np.float32) - low) / (high - low)).clip(0, 1)
        return unit.astype(np.float32) if is_float else np.rint(unit * full_scale(image.dtype)).astype(image.dtype)
    if is_float and image.size and (image.min() < 0 or image.max() > 1):
        raise GantoolError(
            f"{name} has values from {image.min():g} to {image.max():g}, outside [0, 1]: train with --value-range auto or LO,HI"
        )
    return image


def _to_channels(image: np.ndarray, channels: int, name: str) -> np.ndarray:
    if image.shape[2] == channels:
        return image
    colours = drop_alpha(image)
    if colours.shape[2] == channels:
        return colours
    if channels == 3 and colours.shape[2] == 1:
        return np.repeat(colours, 3, axis=2)
    if channels == 1 and colours.shape[2] == 3:
        return luminance(colours)
    raise GantoolError(f"{name} has {image.shape[2]} channels, which cannot become {channels}")


def _resize(image: np.ndarray, size: tuple[int, int], interpolation: int) -> np.ndarray:
    if image.shape[:2] == size:
        return image
    # cv2 shrinks at most 4 channels at a time, and drops the last axis of single-channel images.
    groups = [np.ascontiguousarray(image[..., first : first + 4]) for first in range(0, image.shape[2], 4)]
    parts = [cv2.resize(group, size[::-1], interpolation=interpolation).reshape(*size, -1) for group in groups]
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=2)


def _equalize_plane(plane: np.ndarray) -> np.ndarray:
    """(H, W); for 16 bits and floats the same rule as cv2.equalizeHist, over 65,536 levels."""
    if plane.dtype == np.uint8:
        equal: np.ndarray = cv2.equalizeHist(plane)
        return equal
    levels = plane if plane.dtype == np.uint16 else np.rint(plane.clip(0, 1) * 65535).astype(np.uint16)
    cumulative = np.cumsum(np.bincount(levels.ravel(), minlength=65536))
    darkest = cumulative[levels.min()]
    if darkest == plane.size:  # one level only
        return plane
    scale = full_scale(plane.dtype)
    table = (cumulative - darkest) / (plane.size - darkest) * scale
    lookup = np.rint(table) if plane.dtype == np.uint16 else table
    # Levels darker than any pixel would be negative; no pixel has them.
    equalized: np.ndarray = lookup.clip(0, scale).astype(plane.dtype)[levels]
    return equalized
