"""COCO: one JSON file of images, categories and annotations with boxes, masks and key points."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..geometry import Fit
from .model import Fits, ImageIndex, Problem, Size, Sizes, Tally, by, fit_of, numbers, outside
from .objects import AnnotatedObject, of_coco
from .placing import place, unknown
from .rle import decode_counts


def is_coco(data: bytes) -> bool:
    """Return whether the content of a JSON file is COCO's."""
    if b'"images"' not in data or b'"annotations"' not in data:
        return False
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and isinstance(found.get("images"), list) and isinstance(found.get("annotations"), list)


class Coco:
    """COCO files of a folder. See `model.Annotations`."""

    format = "COCO"
    follows_size = True

    def __init__(self, root: Path, files: Sequence[str], index: ImageIndex) -> None:
        self.files = tuple(files)
        self._root, self._index = root, index

    def tally(self) -> Tally:
        tally = Tally()
        for file in self.files:
            data = json.loads((self._root / file).read_bytes())
            tally.images |= {path for image in _dicts(data, "images") if (path := self._find(image, file))}
            names = {_key(category, "id"): str(category.get("name")) for category in _dicts(data, "categories")}
            annotations = _dicts(data, "annotations")
            tally.objects += len(annotations)
            tally.classes.update(names.get(_key(a, "category_id"), str(_key(a, "category_id"))) for a in annotations)
        return tally

    def objects(self, sizes: Sizes) -> dict[str, list[AnnotatedObject]]:  # noqa: ARG002 - it is in pixels
        found: dict[str, list[AnnotatedObject]] = {}
        for file in self.files:
            data = json.loads((self._root / file).read_bytes())
            names = {_key(category, "id"): str(category.get("name")) for category in _dicts(data, "categories")}
            paths = {_key(image, "id"): self._find(image, file) for image in _dicts(data, "images")}
            found |= {path: [] for path in paths.values() if path and path not in found}
            for annotation in _dicts(data, "annotations"):
                kind, path = _key(annotation, "category_id"), paths.get(_key(annotation, "image_id"))
                if path:
                    found[path].append(of_coco(annotation, names.get(kind, str(kind))))
        return found

    def check(self, sizes: Sizes) -> Iterator[Problem]:
        for file in self.files:
            data = json.loads((self._root / file).read_bytes())
            for what in ("images", "annotations", "categories"):
                for number in _repeated(_key(item, "id") for item in _dicts(data, what)):
                    yield Problem(file, f"id {number} occurs more than once in {what}")
            for name in _repeated(_key(image, "file_name") for image in _dicts(data, "images")):
                yield Problem(file, f"image {name} is listed more than once")
            of_image: dict[Any, Size | None] = {}
            for image in _dicts(data, "images"):
                path = self._find(image, file)
                of_image[_key(image, "id")] = actual = sizes(path) if path else None
                yield from _check_image(file, image, path, actual)
            categories = {_key(category, "id") for category in _dicts(data, "categories")}
            for annotation in _dicts(data, "annotations"):
                for text in _check_annotation(annotation, of_image, categories):
                    yield Problem(file, f"annotation {annotation.get('id')}: {text}")

    def scaled(self, file: str, data: bytes, sizes: Sizes, fits: Fits) -> bytes:
        found = json.loads(data)
        by_image: dict[Any, Fit] = {}
        for image in _dicts(found, "images"):
            path = self._find(image, file)
            fit = fit_of(sizes(path) if path else None, fits, image=image.get("file_name"))
            by_image[_key(image, "id")] = fit
            image.update({key: value for key, value in zip(("height", "width"), fit.size, strict=True) if key in image})
        kept = []
        for annotation in _dicts(found, "annotations"):
            if _key(annotation, "image_id") not in by_image:
                raise ValueError(f"annotation {annotation.get('id')} is of an unknown image")
            if place(annotation, by_image[_key(annotation, "image_id")]):
                kept.append(annotation)
        found["annotations"] = kept
        return json.dumps(found, ensure_ascii=data.isascii(), indent=2 if b"\n" in data.strip() else None).encode()

    def unknown(self, file: str, data: bytes) -> Sequence[str]:  # noqa: ARG002
        found = json.loads(data)
        return sorted({*unknown(_dicts(found, "annotations")), *unknown(_dicts(found, "images"))})

    def _find(self, image: dict[str, Any], file: str) -> str | None:
        return self._index.find(image.get("file_name"), file)


def _check_image(file: str, image: dict[str, Any], path: str | None, actual: Size | None) -> Iterator[Problem]:
    name = image.get("file_name")
    if path is None:
        yield Problem(file, f"image {name} is not there")
    elif actual is None:
        yield Problem(path, "cannot be read")
    else:
        stated = (image.get("height", actual[0]), image.get("width", actual[1]))
        if stated != actual:
            yield Problem(file, f"image {name} is said to be {stated[0]}x{stated[1]}, but is {by(actual)}")


def _check_annotation(annotation: dict[str, Any], images: dict[Any, Size | None], categories: set[Any]) -> Iterator[str]:
    if _key(annotation, "image_id") not in images:
        yield f"its image {annotation.get('image_id')} is not listed"
        return
    if categories and _key(annotation, "category_id") not in categories:
        yield f"its category {annotation.get('category_id')} is not listed"
    size = images[_key(annotation, "image_id")]
    if size is None:
        return
    if "bbox" in annotation:
        yield from _check_box(numbers(annotation["bbox"]), size)
    if "keypoints" in annotation:
        yield from _check_keypoints(numbers(annotation["keypoints"]), size)
    yield from _check_mask(annotation.get("segmentation"), size)


def _check_box(box: list[float] | None, size: Size) -> Iterator[str]:
    if box is None or len(box) != 4:
        yield "its box is not four numbers"
    elif min(box[2:]) <= 0:
        yield f"its box has the size {box[2]:g} x {box[3]:g}"
    elif outside([(box[0], box[1]), (box[0] + box[2], box[1] + box[3])], size):
        yield f"its box {box} reaches out of the image of {by(size)}"


def _check_keypoints(values: list[float] | None, size: Size) -> Iterator[str]:
    if values is None or len(values) % 3:
        yield "its key points are not triples of x, y and visibility"
        return
    seen = [(x, y) for x, y, visible in zip(values[::3], values[1::3], values[2::3], strict=True) if visible]
    if outside(seen, size):
        yield f"a key point lies outside the image of {by(size)}"


def _check_mask(mask: Any, size: Size) -> Iterator[str]:
    if isinstance(mask, dict):
        if mask.get("size") != list(size):
            yield f"its mask is of {mask.get('size')}, the image of {list(size)}"
            return
        try:
            total = sum(decode_counts(mask.get("counts")))
        except ValueError as error:
            yield f"its mask is damaged: {error}"
            return
        if total != size[0] * size[1]:
            yield f"its mask has {total} pixels, the image {size[0] * size[1]}"
    elif mask:
        polygons = [numbers(polygon) for polygon in mask] if isinstance(mask, list) else [None]
        for polygon in polygons:
            if polygon is None or len(polygon) < 6 or len(polygon) % 2:
                yield "its mask has a polygon that is not three or more pairs of numbers"
            elif outside(zip(polygon[::2], polygon[1::2], strict=True), size):
                yield f"its mask has a polygon that reaches out of the image of {by(size)}"


def _dicts(data: dict[str, Any], key: str) -> list[dict[str, Any]]:
    return [item for item in data.get(key) or [] if isinstance(item, dict)]


def _key(item: dict[str, Any], name: str) -> Any:
    """Return an id; one that is a list or an object, which ids must not be, as text."""
    value = item.get(name)
    return repr(value) if isinstance(value, list | dict) else value


def _repeated(values: Iterator[Any]) -> list[Any]:
    return [value for value, count in Counter(value for value in values if value is not None).items() if count > 1]
