"""Objects with boxes: labels as COCO or YOLO has them, predictions as COCO's results."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from ...data.annotations.model import numbers
from ...data.annotations.rle import decode_counts, foreground
from ...errors import GantoolError, cause
from ..masks import box_around, decode
from .pictures import Picture, check_names

Row = Mapping[str, Any]
"""As of the task: "boxes" (M, 4) left, top, right, bottom in pixels, "labels" (M,), and "scores" or "crowd" (M,)."""


class CocoObjects:
    """`annotations.json` for training. See `exchange.Exchange`.

    Args:
        classes: Names, in the order of the task's numbers.
    """

    name = "coco"
    predictions = "predictions.json"
    first = 1
    """Number of the first class: 0 is the background to most trainers of this form."""

    def __init__(self, classes: Sequence[str]) -> None:
        self._classes = list(classes)

    def write(self, folder: Path, pictures: Sequence[Picture], targets: Sequence[Row]) -> None:
        """Objects in pixels; groups are marked "iscrowd"."""
        images: list[dict[str, Any]] = []
        annotations: list[dict[str, Any]] = []
        for number, (picture, row) in enumerate(zip(pictures, targets, strict=True), 1):
            height, width = picture.size
            images.append({"id": number, "file_name": picture.name, "width": width, "height": height})
            for index in range(len(row["labels"])):
                label, crowd = int(row["labels"][index]) + self.first, int(row["crowd"][index])
                place = {"id": len(annotations) + 1, "image_id": number, "category_id": label, "iscrowd": crowd}
                annotations.append(place | self._shape(row, index))
        categories = [{"id": number, "name": name} for number, name in enumerate(self._classes, self.first)]
        found = {"images": images, "annotations": annotations, "categories": categories}
        (folder / "annotations.json").write_text(json.dumps(found), encoding="utf-8")

    def read(self, folder: Path, pictures: Sequence[Picture]) -> list[dict[str, Any]]:
        """A list of results, each with the name of a picture; a result that is but that says that nothing was found there."""
        results = read_results(folder / self.predictions)
        by_picture: dict[str, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
        for number, result in enumerate(results, 1):
            where = f"{self.predictions}, result {number}"
            if not isinstance(result, dict) or not isinstance(result.get("image_id"), str):
                raise GantoolError(f"{where}: its image_id is not the file name of a picture, such as {pictures[0].name!r}")
            by_picture[result["image_id"]].append((where, result))
        check_names(by_picture, pictures, self.predictions, '{"image_id": NAME} where nothing was found')
        return [self._row(by_picture[picture.name], picture) for picture in pictures]

    def _row(self, results: Sequence[tuple[str, dict[str, Any]]], picture: Picture) -> dict[str, Any]:
        """What is predicted of one picture."""
        said = [(where, result) for where, result in results if set(result) != {"image_id"}]
        classes = [self._class(*each) for each in said]
        scores = [checked(where, "score", [result.get("score")], 1)[0] for where, result in said]
        places = self._places(said, picture)
        return {"labels": np.array(classes, np.int64), "scores": np.array(scores, np.float64), **places}

    def _places(self, said: Sequence[tuple[str, dict[str, Any]]], picture: Picture) -> dict[str, Any]:  # noqa: ARG002
        boxes = [checked(where, "bbox", result.get("bbox"), 4) for where, result in said]
        for (where, _), box in zip(said, boxes, strict=True):
            if min(box[2:]) < 0:
                raise GantoolError(f"{where}: its bbox {box} is not left, top, width, height")
        edges = [(left, top, left + width, top + height) for left, top, width, height in boxes]
        return {"boxes": np.array(edges, np.float64).reshape(-1, 4)}

    def _class(self, where: str, result: Mapping[str, Any]) -> int:
        label, last = result.get("category_id"), self.first + len(self._classes) - 1
        if type(label) is not int or not self.first <= label <= last:
            raise GantoolError(f"{where}: category_id {label!r} is no class, they are {self.first} to {last}")
        return label - self.first

    def _shape(self, row: Row, index: int) -> dict[str, Any]:
        left, top, right, bottom = map(float, row["boxes"][index])
        return {"bbox": [left, top, right - left, bottom - top], "area": (right - left) * (bottom - top)}


class CocoMasks(CocoObjects):
    """The same with the pixels of each object, as run lengths: "segmentation" of labels and of results."""

    def _places(self, said: Sequence[tuple[str, dict[str, Any]]], picture: Picture) -> dict[str, Any]:
        masks = [_mask(where, result.get("segmentation"), picture.size) for where, result in said]
        boxes = [box_around(decode(mask)) if foreground(mask) else (0, 0, 0, 0) for mask in masks]
        return {"masks": masks, "size": picture.size, "boxes": np.array(boxes, np.float64).reshape(-1, 4)}

    def _shape(self, row: Row, index: int) -> dict[str, Any]:
        mask = row["masks"][index]
        return super()._shape(row, index) | {"segmentation": mask, "area": foreground(mask)}


class YoloObjects(CocoObjects):
    """`labels/NAME.txt` beside `images/NAME.png` and a `data.yaml` for training; classes count from 0."""

    name = "yolo"
    first = 0

    def write(self, folder: Path, pictures: Sequence[Picture], targets: Sequence[Row]) -> None:
        """Shares of width and height; groups, which the form has no word for, are left out."""
        (folder / "labels").mkdir()
        for picture, row in zip(pictures, targets, strict=True):
            (folder / "labels" / f"{Path(picture.name).stem}.txt").write_text("".join(_lines(row, picture.size)))
        # Trainers ask for pictures to validate on. There are none that they may see: they get those that they learn from.
        config = {"path": str(folder), "train": "images", "val": "images", "names": dict(enumerate(self._classes))}
        (folder / "data.yaml").write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), encoding="utf-8")


def _lines(row: Row, size: tuple[int, int]) -> list[str]:
    height, width = size
    shares = np.asarray(row["boxes"]) / (width, height, width, height)
    return [
        f"{label} {(left + right) / 2:.6f} {(top + bottom) / 2:.6f} {right - left:.6f} {bottom - top:.6f}\n"
        for label, crowd, (left, top, right, bottom) in zip(row["labels"], row["crowd"], shares, strict=True)
        if not crowd
    ]


def _mask(where: str, mask: Any, size: tuple[int, int]) -> dict[str, Any]:
    """Return run lengths that fit a picture. Raises `GantoolError`."""
    if not isinstance(mask, dict) or mask.get("size") != list(size):
        raise GantoolError(f"{where}: its segmentation is not run lengths of COCO with the size {list(size)}")
    try:
        total = sum(decode_counts(mask.get("counts")))
    except ValueError as error:
        raise GantoolError(f"{where}: its segmentation is damaged: {cause(error)}") from None
    if total != size[0] * size[1]:
        raise GantoolError(f"{where}: its segmentation has {total} pixels, the picture {size[0] * size[1]}")
    return {"size": mask["size"], "counts": mask["counts"]}


def read_results(path: Path) -> list[Any]:
    """Read a JSON list. Raises `GantoolError`."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise GantoolError(f"{path.name} is no JSON: {cause(error)}") from None
    if not isinstance(found, list):
        raise GantoolError(f"{path.name} must hold a list of results")
    return found


def checked(where: str, name: str, value: Any, count: int) -> list[float]:
    """Return `count` finite numbers. Raises `GantoolError`."""
    found = numbers(value)
    if found is None or len(found) != count:
        raise GantoolError(f"{where}: its {name} is not {'a number' if count == 1 else f'{count} numbers'}")
    if strange := [each for each in found if not math.isfinite(each)]:
        raise GantoolError(f"{where}: its {name} has {strange[0]}, which is no finite number")
    return found
