"""Pixels of objects: run lengths as pycocotools has them, from outlines, masks and passes of ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from ..data.annotations.objects import AnnotatedObject
from ..data.annotations.rle import decode_counts
from ..data.passes import boundaries
from ..data.scenes import Scene


def mask_of(annotated: AnnotatedObject, size: tuple[int, int], ids: np.ndarray | None) -> np.ndarray:
    """(H, W) bool of one object; `ids`, (H, W): the pass of instances, if there is one. Polygons cover what COCO says they do."""
    if annotated.mask is not None:
        return decode(annotated.mask)
    if annotated.polygons:
        from pycocotools import mask

        parts = mask.frPyObjects([list(polygon) for polygon in annotated.polygons], *size)
        return decode(mask.merge(parts))
    if ids is None or annotated.instance is None:
        return np.zeros(size, bool)
    whole: np.ndarray = ids == annotated.instance
    return whole


def masks_of(scene: Scene, size: tuple[int, int]) -> list[np.ndarray]:
    """(H, W) bool of each object of a scene."""
    ids = scene.ids() if scene.ids else None
    return [mask_of(each, size, ids) for each in scene.objects]


def paint(scene: Scene, names: Sequence[str], size: tuple[int, int]) -> np.ndarray:
    """(H, W) int16: 0 where no object is, else 1 plus the place of its class among `names`; -1 for others and for crowds.

    Where outlines overlap, the smaller object is in front.
    """
    found = np.zeros(size, np.int16)
    masks = masks_of(scene, size)
    for number in np.argsort([-each.sum() for each in masks], kind="stable"):
        annotated = scene.objects[number]
        known = annotated.name in names and not annotated.crowd
        found[masks[number]] = names.index(annotated.name) + 1 if known else -1
    return found


def encode(bitmap: np.ndarray) -> dict[str, Any]:
    """(H, W) bool to run lengths as plain data."""
    from pycocotools import mask

    found: Mapping[str, Any] = mask.encode(np.asfortranarray(bitmap, np.uint8))
    return {"size": [int(side) for side in found["size"]], "counts": found["counts"].decode()}


def decode(mask: Mapping[str, Any]) -> np.ndarray:
    """Run lengths of COCO, in any of their forms, to (H, W) bool. pycocotools' own warns under NumPy 2."""
    counts = mask["counts"]
    runs = decode_counts(counts.decode() if isinstance(counts, bytes) else counts)
    flat = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    whole: np.ndarray = flat.reshape(mask["size"][::-1]).T
    return whole


def box_around(bitmap: np.ndarray) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the pixels of a mask, (H, W) bool, that has some."""
    rows, columns = np.flatnonzero(bitmap.any(1)), np.flatnonzero(bitmap.any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def borders(ids: np.ndarray, margin: int) -> np.ndarray:
    """(H, W) bool: within `margin` px of where two pixels beside each other differ."""
    near = boundaries(ids).astype(np.uint8)
    found: np.ndarray = cv2.dilate(near, np.ones((2 * margin + 1, 2 * margin + 1), np.uint8)) > 0
    return found
