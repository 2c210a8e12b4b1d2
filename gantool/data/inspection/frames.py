"""What belongs to the pictures of a set: its passes and labels, in figures and in colours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import GantoolError
from ..frames import DEPTHS, IDS, Frame, Frames, LabelKind, PassForm, PassKind, Place
from ..images import ImageReadError
from ..passes import background, combine, look, unit, values
from ..pictures import probe_picture
from ..records import boxes, points, read_records
from ..stored import read_pass
from .measure import sample_numbers

_LOOKED_AT = 100
"""Frames of which passes are read."""


@dataclass(frozen=True)
class PassSummary:
    """A pass, over the frames that were looked at."""

    name: str
    kind: str
    unit: str
    frames: int
    """That have it."""
    low: float | None
    high: float | None
    """In its unit, background left out; None where there is nothing else."""
    empty: float
    """Share of background."""
    ids: int | None
    """How many there are; None for what is no ids."""
    warnings: tuple[str, ...]
    """Of the first frame that gives cause, which they name."""
    unreadable: int
    """Of those that were looked at."""


@dataclass(frozen=True)
class FramesSummary:
    """What a folder was recognised as."""

    layout: str
    frames: int
    passes: tuple[PassSummary, ...]
    labels: Mapping[str, tuple[str, int]]
    """Kind, and how many frames have it, by name."""
    copied: int
    """Files that are neither pictures nor passes nor labels."""
    missing: str
    """Why there is no picture; "" where there are some."""
    notes: tuple[str, ...]


def survey_frames(root: Path, frames: Frames) -> FramesSummary:
    """Look at the passes of up to 100 frames, and count labels. What cannot be read is counted."""
    places: dict[str, list[tuple[Place, Place | None]]] = {
        name: [(frame.passes[name], frame.picture) for frame in frames.frames if name in frame.passes] for name in frames.passes
    }
    places = {name: found or [(place, None) for place in frames.alone.get(name, ())] for name, found in places.items()}
    counts = Counter(name for frame in frames.frames for name in frame.labels)
    return FramesSummary(
        frames.layout,
        len(frames.frames),
        tuple(_summary(root, name, frames.passes[name], found) for name, found in places.items() if found),
        {name: (str(form.kind), counts[name]) for name, form in frames.labels.items()},
        len(frames.copied),
        frames.missing,
        frames.notes,
    )


def _summary(root: Path, name: str, form: PassForm, places: Sequence[tuple[Place, Place | None]]) -> PassSummary:
    lows, highs, empty = [], [], []
    ids: set[int] = set()
    warnings: list[str] = []
    damaged = 0
    for number in sample_numbers(len(places), _LOOKED_AT):
        place, picture = places[number]
        try:
            stored = read_pass(root, place, form)
            found = look(stored, form, place)
            numbers = combine(stored, form)
        except (ImageReadError, ValueError):
            damaged += 1
            continue
        lows.append(found.low)
        highs.append(found.high)
        empty.append(found.empty)
        if form.kind in IDS:
            ids.update(np.unique(numbers).tolist())
        told = (*found.warnings(form), *_background(numbers, form)) if form.kind != PassKind.OTHER else ()
        told = (*told, *_other_size(root, stored, picture))
        warnings = warnings or [f"{place.file}: {text}" for text in told]
    known = [(low, high) for low, high in zip(lows, highs, strict=True) if not np.isnan(low)]
    return PassSummary(
        name,
        str(form.kind),
        form.unit,
        len(places),
        min((low for low, _ in known), default=None),
        max((high for _, high in known), default=None),
        float(np.mean(empty)) if empty else 0.0,
        len(ids) if form.kind in IDS else None,
        tuple(warnings),
        damaged,
    )


def _other_size(root: Path, stored: np.ndarray, picture: Place | None) -> Iterator[str]:
    """Yield that a pass has another size than its picture, where both can be read."""
    if picture is None:
        return
    try:
        form = probe_picture(root, picture)
    except (GantoolError, StopIteration):
        return
    if stored.shape[:2] != (form.height, form.width):
        yield f"it is {stored.shape[0]}x{stored.shape[1]}, the picture {form.size}"


def _background(numbers: np.ndarray, form: PassForm) -> Iterator[str]:
    """Yield where depth has a value, other than 0, that says "no surface", as the program that wrote it does."""
    for value in form.background if form.kind in DEPTHS else ():
        share = float((numbers == value).mean())
        if share and value:
            yield f"{share:.1%} of its pixels are {value:.10g}: background, no {form.kind}"


def in_colours(stored: np.ndarray, form: PassForm, place: Place | None = None) -> np.ndarray:
    """Return a pass as a person can look at it: (H, W, 3) uint8, ids each in a colour of its own, background dark blue."""
    numbers, empty = combine(stored, form), background(stored, form)
    if form.kind in IDS:
        ids = numbers[..., 0]
        mixed = (ids.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        shades = np.stack([(mixed >> np.uint64(shift)) & np.uint64(255) for shift in (56, 48, 40)], axis=-1).astype(np.uint8)
        shades[ids == 0] = 0
        return shades
    result = values(stored, form, place)
    if form.kind == PassKind.NORMALS:
        colours = (unit(np.nan_to_num(result[..., :3])) + 1) / 2
    elif form.kind == PassKind.ALBEDO and result.shape[2] >= 3:
        colours = result[..., :3] / (np.iinfo(stored.dtype).max if stored.dtype.kind == "u" else 1)
    else:
        plane = np.linalg.norm(result, axis=2) if form.kind == PassKind.MOTION else result[..., 0]
        colours = np.repeat(_spread(plane, empty), 3, axis=2)
    shown: np.ndarray = np.rint(np.nan_to_num(colours).clip(0, 1) * 255).astype(np.uint8)
    shown[empty] = (20, 20, 60)
    return shown


def _spread(plane: np.ndarray, empty: np.ndarray) -> np.ndarray:
    inside = plane[~empty & np.isfinite(plane)]
    low, high = np.percentile(inside, (1, 99)) if inside.size else (0.0, 1.0)
    spread: np.ndarray = np.expand_dims((plane - low) / ((high - low) or 1), 2)
    return spread


def boxes_of(root: Path, frames: Frames, frame: Frame, size: tuple[int, int]) -> np.ndarray:
    """Return the boxes of a frame as edges in pixels, (N, 4); none where they cannot be read."""
    found = [np.zeros((0, 4))]
    for name, places in frame.labels.items():
        form = frames.labels[name]
        if form.kind != LabelKind.BOXES or not form.corners:
            continue
        for place in places:
            try:
                found.append(boxes(read_records(root, place), form, size))
            except (GantoolError, ValueError, TypeError):
                continue
    return np.concatenate(found)


def points_of(root: Path, frames: Frames, frame: Frame, size: tuple[int, int]) -> np.ndarray:
    """Return the key points of a frame in pixels, (N, 2): x, y; none where they cannot be read."""
    found = [np.zeros((0, 2))]
    for name, form in frames.labels.items():
        for place in frame.labels.get(name, ()) if form.kind == LabelKind.KEYPOINTS else ():
            try:
                found.append(points(read_records(root, place), form, size))
            except (GantoolError, ValueError, TypeError, KeyError):
                continue
    return np.concatenate(found)


def shown_masks(root: Path, places: Sequence[Place]) -> np.ndarray | None:
    """Return the masks of a frame in one picture, (H, W, 3) uint8, each in a colour of its own; None without any.

    Raises `ImageReadError` for one that cannot be read.
    """
    form = PassForm(PassKind.CLASSES)
    ids: np.ndarray | None = None
    for number, place in enumerate(places, 1):
        inside = combine(read_pass(root, place, form), form) > 0
        ids = np.zeros(inside.shape, np.int64) if ids is None else ids
        if inside.shape == ids.shape:
            ids[inside] = number
    return None if ids is None else in_colours(ids, form)
