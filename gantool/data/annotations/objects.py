"""Objects that annotations mark in a picture, whatever the format: what `gantool evaluate` learns and tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..geometry import Box, Point
from .model import numbers


@dataclass(frozen=True)
class AnnotatedObject:
    """One object of a picture. Coordinates are pixels, the edges of the first pixel being 0 and 1."""

    name: str
    """Of its class."""
    box: Box | None
    """None where nothing says where it is."""
    crowd: bool = False
    """Whether it is a group of objects, or one that neither finding nor missing counts for."""
    polygons: tuple[tuple[float, ...], ...] = ()
    """Outlines, x and y in turn; several where something is in front of it."""
    mask: Mapping[str, Any] | None = None
    """Run lengths of COCO, {"size": [H, W], "counts": …}."""
    instance: int | None = None
    """Its id in a pass of instances."""

    @property
    def outlined(self) -> bool:
        """Whether its pixels are known from the annotation alone."""
        return bool(self.polygons or self.mask)


def box_of(points: Iterable[Point]) -> Box | None:
    """The smallest box around points, None without any."""
    pairs = list(points)
    if not pairs:
        return None
    xs, ys = zip(*pairs, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def of_polygon(name: str, points: Sequence[Point], **more: Any) -> AnnotatedObject:
    """An object that one polygon outlines."""
    flat = tuple(float(value) for point in points for value in point)
    return AnnotatedObject(name, box_of(points), polygons=(flat,) if len(points) > 2 else (), **more)


def of_bitmap(name: str, bitmap: np.ndarray) -> AnnotatedObject:
    """An object that pixels of a mask, (H, W) bool, belong to."""
    flat = bitmap.astype(bool).T.ravel()
    edges = np.flatnonzero(np.diff(flat, prepend=False))
    counts = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
    rows, columns = np.flatnonzero(bitmap.any(1)), np.flatnonzero(bitmap.any(0))
    box = (float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)) if rows.size else None
    return AnnotatedObject(name, box, mask={"size": list(bitmap.shape), "counts": counts})


def of_coco(annotation: Mapping[str, Any], name: str) -> AnnotatedObject:
    """An object as COCO has it."""
    box, mask = numbers(annotation.get("bbox")), annotation.get("segmentation")
    edges = (box[0], box[1], box[0] + box[2], box[1] + box[3]) if box and len(box) == 4 else None
    polygons = [found for each in mask if (found := numbers(each))] if isinstance(mask, list) else []
    if edges is None:
        edges = box_of((x, y) for each in polygons for x, y in zip(each[::2], each[1::2], strict=True))
    instance = next((annotation[key] for key in ("instance", "instance_id") if isinstance(annotation.get(key), int)), None)
    return AnnotatedObject(
        name,
        edges,
        crowd=bool(annotation.get("iscrowd") or annotation.get("ignore")),
        polygons=tuple(tuple(each) for each in polygons if len(each) >= 6),
        mask=mask if isinstance(mask, dict) else None,
        instance=instance,
    )


def turned(box: Box, degrees: float) -> Iterator[Point]:
    """The corners of a box that is turned clockwise about its middle."""
    left, top, right, bottom = box
    (x, y), angle = ((left + right) / 2, (top + bottom) / 2), np.deg2rad(degrees)
    for across, down in ((left - x, top - y), (right - x, top - y), (right - x, bottom - y), (left - x, bottom - y)):
        yield (
            float(x + across * np.cos(angle) - down * np.sin(angle)),
            float(y + across * np.sin(angle) + down * np.cos(angle)),
        )
