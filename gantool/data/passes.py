"""What the numbers of a pass mean: values in their unit, what is background, and what a generator gets to see.

Everything here is NumPy on one pass of one frame. Stored arrays are (H, W, C) of any type, as `stored.read_pass` gives them.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from .frames import DEPTHS, IDS, PassForm, PassKind, Place

FAR = 1e9
"""A depth from here on is "no surface": Blender writes 1e10, 1e11 outside a render's border, DOPE -3.4e38."""

_SENTINELS = (65535.0, 1e10, 1e11, float(np.finfo(np.float32).max), -float(np.finfo(np.float32).max), 0.0)
_SUSPECT = 0.001
"""Share of pixels from which on a value at the very end of the range is named."""
_EXACT = 2**53
_LOW, _HIGH = 2, 98
"""Percentiles that depth is scaled by."""


def combine(stored: np.ndarray, form: PassForm) -> np.ndarray:
    """Return the channels that count, packed ones summed: (H, W, c), ids int64, other numbers float64 or float32.

    Raises `ValueError` where there are too few channels.
    """
    needed = max(len(form.weights), 1 + max(form.take, default=0), len(form.factors))
    if not form.take and stored.shape[2] < needed:
        raise ValueError(f"it has {stored.shape[2]} channels, {needed} are needed")
    chosen = stored[..., list(form.take)] if form.take else stored
    if form.kind in IDS:
        # What is no number that a float holds exactly is no id: NaN, and the largest float, which DOPE writes.
        whole = np.where(np.abs(chosen) < _EXACT, np.rint(chosen), -1) if chosen.dtype.kind == "f" else chosen
        # Ids in colours: every colour its own number, alpha too, which is all that tells some apart.
        base = 256 if stored.dtype.itemsize == 1 else 65536
        weights = form.weights or tuple(base**c for c in range(chosen.shape[2]))
        packed = np.zeros(whole.shape[:2], np.int64)
        for c, weight in enumerate(weights):
            packed += np.int64(weight) * whole[..., c].astype(np.int64)
        return packed[..., None]
    if form.weights:
        chosen = (chosen[..., : len(form.weights)].astype(np.float64) @ np.array(form.weights))[..., None]
    numbers: np.ndarray = chosen if chosen.dtype == np.float64 else chosen.astype(np.float32)
    return numbers


def background(stored: np.ndarray, form: PassForm) -> np.ndarray:
    """Return where a pass holds nothing: (H, W) bool."""
    numbers = combine(stored, form)
    empty = np.zeros(numbers.shape[:2], bool)
    if form.background:
        empty |= np.isin(numbers, form.background).all(axis=2)
    if form.kind in DEPTHS:
        empty |= (~(np.abs(numbers) < FAR)).any(axis=2)
    elif form.kind == PassKind.NORMALS:
        empty |= (np.linalg.norm(values(stored, form), axis=2) < 0.1) | (~np.isfinite(numbers)).any(axis=2)
    elif form.kind not in IDS:
        empty |= (~np.isfinite(numbers)).any(axis=2)
    return empty


def values(stored: np.ndarray, form: PassForm, place: Place | None = None) -> np.ndarray:
    """Return the values of a pass in its unit: (H, W, c) float32, ids (H, W, 1) int64. Background is not marked.

    `place` may bring the frame's own scale and offset. Raises `ValueError` as `combine`.
    """
    numbers = combine(stored, form)
    if form.kind in IDS:
        return numbers
    scale = form.scale if place is None or place.scale is None else place.scale
    offset = form.offset if place is None or place.offset is None else place.offset
    if form.factors:
        numbers = numbers[..., : len(form.factors)]
    return np.asarray((numbers * scale + offset) * np.array(form.factors or 1.0), np.float32)


@dataclass(frozen=True)
class PassLook:
    """What stands out in a pass."""

    low: float
    high: float
    """Lowest and highest value that is not background, in the unit; NaN where there is none."""
    empty: float
    """Share of background."""
    sentinels: tuple[tuple[float, float], ...]
    """(stored value, share) of values that hardly are measurements, and that the form does not call background."""

    def warnings(self, form: PassForm) -> list[str]:
        """Return what a person should know, one line each."""
        found = [f"{share:.1%} of its pixels are {_name(value)}: a sentinel, no {form.kind}" for value, share in self.sentinels]
        if np.isnan(self.low):
            found.append("it holds background alone")
        elif self.low == self.high and form.kind not in IDS:
            found.append(f"every pixel that is not background is {self.low:g}: it says nothing")
        return found


def look(stored: np.ndarray, form: PassForm, place: Place | None = None) -> PassLook:
    """Return the range, the background and the sentinels of a pass.

    Named are 1e10, 1e11, 65535, the largest float, NaN and infinity wherever they occur, and 0 in depth.
    """
    numbers = combine(stored, form)
    empty = background(stored, form)
    inside = values(stored, form, place)[~empty]
    inside = inside[np.isfinite(inside)]
    found: list[tuple[float, float]] = []
    if form.kind not in IDS:
        first = numbers[..., 0]
        stated = set(form.background)
        for value in _SENTINELS:
            share = float((first == np.float32(value)).mean())
            # 0 and 65535 are values like others, but for depth; in few pixels they may be chance.
            usual = value in (0.0, 65535.0) and (form.kind not in DEPTHS or share < _SUSPECT)
            if share and value not in stated and not usual and not (value == 0 and form.kind not in DEPTHS):
                found.append((value, share))
        for name, where in ((np.nan, np.isnan(first)), (np.inf, np.isposinf(first)), (-np.inf, np.isneginf(first))):
            if where.any() and not any(np.array_equal(name, other, equal_nan=True) for other in stated):
                found.append((float(name), float(where.mean())))
    low, high = (float(inside.min()) + 0.0, float(inside.max()) + 0.0) if inside.size else (np.nan, np.nan)  # -0 is 0
    return PassLook(low, high, float(empty.mean()), tuple(found))


def known_ids(passes: Iterable[tuple[np.ndarray, PassForm]], *, most: int = sys.maxsize) -> tuple[int, ...]:
    """Return the ids that occur in some stored passes, ascending: what `condition` makes channels of. Of more than `most`, those
    with the most pixels."""
    found: Counter[int] = Counter()
    for stored, form in passes:
        ids, counts = np.unique(combine(stored, form), return_counts=True)
        found.update(dict(zip(ids.tolist(), counts.tolist(), strict=True)))
    return tuple(sorted(number for number, _ in found.most_common(most)))


def depth_range(passes: Iterable[tuple[np.ndarray, PassForm]]) -> tuple[float, float]:
    """Return the values, in the unit, between which the depth of a set lies: robust percentiles of what is not background.

    Raises `ValueError` where there is background alone.
    """
    parts = [values(stored, form)[~background(stored, form)][..., 0] for stored, form in passes]
    inside = np.concatenate(parts) if parts else np.zeros(0)
    if not inside.size:
        raise ValueError("depth that is background everywhere cannot be scaled")
    low, high = np.percentile(inside, (_LOW, _HIGH))
    return float(low), float(max(high, low + 1e-6))


def form_of_array(kind: PassKind, stored: np.ndarray) -> PassForm:
    """Return what the numbers of a pass mean of which nothing but its kind is known: 8- and 16-bit normals are colours."""
    if kind == PassKind.NORMALS and stored.dtype.kind == "u":
        return PassForm(kind, scale=2 / np.iinfo(stored.dtype).max, offset=-1.0)
    return PassForm(kind)


def channels(form: PassForm, ids: Sequence[int] = ()) -> int:
    """Return how many channels `condition` makes of a pass."""
    if form.kind in (PassKind.CLASSES, PassKind.MATERIALS):
        return len(ids)
    by_kind = {PassKind.INSTANCES: 1, PassKind.NORMALS: 3, PassKind.ALBEDO: 3, PassKind.MOTION: 2}
    return by_kind.get(form.kind, 2)


def condition(
    stored: np.ndarray,
    form: PassForm,
    place: Place | None = None,
    *,
    ids: Sequence[int] = (),
    limits: tuple[float, float] | None = None,
) -> np.ndarray:
    """Return what a generator sees of a pass.

    Args:
        stored: (H, W, C), as read.
        form: What the numbers mean.
        place: Brings the frame's own scale.
        ids: Of classes and materials, the ids that get a channel each; others are zero in all.
        limits: Values that become -1 and 1, from `depth_range` over the set, of depth and the like; the frame's own where None.

    Returns (H, W, `channels(form, ids)`) float32: classes and materials one-hot in {0, 1}; boundaries of instances in {0, 1},
    never a number; normals of length 1, 0 on background; albedo in [-1, 1]; motion in pixels; depth and everything else in
    [-1, 1] and a channel that is 1 on background, where the first is 1 (as far as can be).
    """
    if form.kind in (PassKind.CLASSES, PassKind.MATERIALS):
        one_hot: np.ndarray = combine(stored, form) == np.array(ids, np.int64)
        return one_hot.astype(np.float32)
    if form.kind == PassKind.INSTANCES:
        return boundaries(combine(stored, form)[..., 0])[..., None]
    result, empty = values(stored, form, place), background(stored, form)
    if form.kind == PassKind.NORMALS:
        return unit(np.where(empty[..., None], 0, result[..., :3])).astype(np.float32)
    if form.kind == PassKind.ALBEDO:
        colours = result[..., :3] if result.shape[2] >= 3 else np.repeat(result[..., :1], 3, axis=2)
        full = np.iinfo(stored.dtype).max if stored.dtype.kind == "u" else 1.0
        return (np.nan_to_num(colours / full).clip(0, 1) * 2 - 1).astype(np.float32)
    if form.kind == PassKind.MOTION:
        return np.where(empty[..., None], 0, np.nan_to_num(result[..., :2])).astype(np.float32)
    scaled = _scaled(result[..., :1].mean(axis=2), empty, limits)
    return np.stack([scaled, empty.astype(np.float32)], axis=-1)


def boundaries(ids: np.ndarray) -> np.ndarray:
    """(H, W) ids to (H, W) float32: 1 in each pixel that has a neighbour of another id, above, below, left or right."""
    edge = np.zeros(ids.shape, bool)
    down, right = ids[1:] != ids[:-1], ids[:, 1:] != ids[:, :-1]
    edge[1:] |= down
    edge[:-1] |= down
    edge[:, 1:] |= right
    edge[:, :-1] |= right
    return edge.astype(np.float32)


def unit(normals: np.ndarray) -> np.ndarray:
    """(..., 3) to the same of length 1; renderers average normals over samples, so they come shorter. 0 stays 0."""
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    scaled: np.ndarray = np.divide(normals, length, out=np.zeros_like(normals), where=length > 1e-6)
    return scaled


def _scaled(plane: np.ndarray, empty: np.ndarray, limits: tuple[float, float] | None) -> np.ndarray:
    if limits is None:
        inside = plane[~empty & np.isfinite(plane)]
        low, high = np.percentile(inside, (_LOW, _HIGH)) if inside.size else (0.0, 1.0)
        limits = float(low), float(max(high, low + 1e-6))
    low, high = limits
    scaled = ((np.where(empty, high, plane) - low) / (high - low) * 2 - 1).clip(-1, 1)
    return np.asarray(np.nan_to_num(scaled, nan=1.0), np.float32)


def _name(value: float) -> str:
    return f"{value:.2g}" if abs(value) > 1e9 else f"{value:.10g}"
