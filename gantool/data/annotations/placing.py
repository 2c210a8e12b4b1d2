"""What becomes of COCO's numbers when a picture is resized or cropped, and which numbers nobody knows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..geometry import Fit, Point, area
from .model import numbers
from .rle import fit_mask, foreground

_KNOWN = (
    *("id", "image_id", "category_id", "license", "instance_id", "track_id", "iscrowd", "ignore", "num_keypoints", "score"),
    *("area", "bbox", "keypoints", "segmentation", "segments_info", "height", "width"),
)
_BOX, _POINTS = "_box", "_kpts"
_FLAGS = ("_valid", "_id")


def place(annotation: dict[str, Any], fit: Fit) -> bool:
    """Move the boxes, points and masks of a COCO annotation; return whether something of it is still in the picture.

    COCO-WholeBody's `face_box`, `face_kpts` and the like are moved, too, and the `segments_info` of panoptic annotations. Points
    that are cut off become (0, 0, 0), as COCO has it.
    """
    before = annotation.get("bbox")
    seen = [_place_segments(annotation, fit)] if "segments_info" in annotation else []
    for key in list(annotation):
        if (key == "bbox" or key.endswith(_BOX)) and any(annotation[key]):
            box = _box(annotation[key], fit)
            # What is whole-body's own says by [0, 0, 0, 0] that it is not there.
            annotation[key] = box or [0.0, 0.0, 0.0, 0.0]
            seen.append(box is not None) if key == "bbox" else None
        elif key == "keypoints" or key.endswith(_POINTS):
            annotation[key] = _points(annotation[key], fit)
    if "keypoints" in annotation and "num_keypoints" in annotation and fit.cuts:
        annotation["num_keypoints"] = sum(1 for visible in annotation["keypoints"][2::3] if visible)
    mask, polygons = annotation.get("segmentation"), []
    if isinstance(mask, dict):
        annotation["segmentation"] = fit_mask(mask, fit)
        seen.append(foreground(annotation["segmentation"]) > 0)
    elif mask:
        polygons = [cut for one in mask if (cut := fit.polygon(zip(one[::2], one[1::2], strict=True)))]
        annotation["segmentation"] = [[value for point in polygon for value in point] for polygon in polygons]
        seen.append(bool(polygons))
    if "area" in annotation:
        annotation["area"] = _area(annotation, polygons, before, fit)
    return not fit.cuts or not seen or any(seen)


def unknown(records: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield the names of entries that hold numbers whose meaning is not known: they may be pixels, and are left as they are."""
    for record in records:
        for key, value in record.items():
            known = key in _KNOWN or key.endswith((_BOX, _POINTS, *_FLAGS))
            whole = isinstance(value, int | float) and not isinstance(value, bool)
            if not known and (whole or (isinstance(value, list) and value and _holds_numbers(value))):
                yield key


def _holds_numbers(value: list[Any]) -> bool:
    return numbers(value) is not None or all(isinstance(one, list) and numbers(one) is not None for one in value)


def _box(box: list[float], fit: Fit) -> list[float] | None:
    left, top, width, height = box
    moved = fit.box(left, top, left + width, top + height)
    return [moved[0], moved[1], moved[2] - moved[0], moved[3] - moved[1]] if moved else None


def _points(values: list[float], fit: Fit) -> list[float]:
    moved: list[float] = []
    for x, y, visible in zip(values[::3], values[1::3], values[2::3], strict=True):
        new = fit.point(x, y)
        gone = fit.cuts and not (visible and fit.inside(*new))
        moved += [0, 0, 0] if gone else [*new, visible]
    return moved


def _place_segments(annotation: dict[str, Any], fit: Fit) -> bool:
    segments = annotation["segments_info"]
    annotation["segments_info"] = [segment for segment in segments if place(segment, fit)]
    return bool(annotation["segments_info"])


def _area(annotation: dict[str, Any], polygons: list[list[Point]], before: list[float] | None, fit: Fit) -> float:
    """Return the area: what is stated, scaled; what is left of it, where something is cut off."""
    whole: float = annotation["area"] * fit.scale[0] * fit.scale[1]
    if not fit.cuts:
        return whole
    if isinstance(annotation.get("segmentation"), dict):
        return foreground(annotation["segmentation"])
    if polygons:
        return sum(map(area, polygons))
    box = annotation.get("bbox")
    if not before or not box or not before[2] * before[3]:
        return whole
    share: float = box[2] * box[3] / (before[2] * before[3] * fit.scale[0] * fit.scale[1])
    return whole * share
