"""LabelMe: a JSON file per image, as the program writes it, or an XML file of the web page, which looks like VOC and is not."""

from __future__ import annotations

import base64
import io
import json
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..geometry import Fit, Point
from .model import Fits, ImageIndex, Problem, Size, Sizes, Tally, by, fit_of, numbers, outside
from .objects import AnnotatedObject, box_of, of_bitmap, of_polygon
from .placing import unknown

_KNOWN = frozenset({"version", "flags", "shapes", "imagePath", "imageData", "imageHeight", "imageWidth"})
_SHAPE_KNOWN = frozenset({"label", "points", "group_id", "shape_type", "flags", "description", "mask", "difficult"})


def is_json(data: bytes) -> bool:
    """Return whether a JSON file is LabelMe's."""
    return b'"shapes"' in data and (b'"imagePath"' in data or b'"imageHeight"' in data)


def is_xml(data: bytes) -> bool:
    """Return whether an XML file is the web page's: polygons of `<pt>`, and no `<bndbox>`."""
    if b"<annotation>" not in data or b"<bndbox" in data or b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        return False
    return b"<pt>" in data or b"<imagesize>" in data or b"<sourceImage>" in data


class LabelMe:
    """The LabelMe files of a folder. See `model.Annotations`."""

    follows_size = True

    def __init__(self, root: Path, files: Sequence[str], index: ImageIndex) -> None:
        self.files = tuple(files)
        self.format = "LabelMe" if self.files[0].endswith(".json") else "LabelMe web"
        self._root, self._index = root, index

    def tally(self) -> Tally:
        tally = Tally()
        for file, found in self._read():
            if found is not None:
                path = self._find(found.image, file)
                tally.images |= {path} if path else set()
                tally.objects += len(found.labels)
                tally.classes.update(found.labels)
        return tally

    def objects(self, sizes: Sizes) -> dict[str, list[AnnotatedObject]]:
        result: dict[str, list[AnnotatedObject]] = {}
        for file in self.files:
            found = _parse(file, (self._root / file).read_bytes())
            if path := self._find(found.image, file):
                result.setdefault(path, []).extend(found.objects(sizes(path) or (0, 0)))
        return result

    def check(self, sizes: Sizes) -> Iterator[Problem]:
        for file, found in self._read():
            if found is None:
                yield Problem(file, "is damaged")
                continue
            path = self._find(found.image, file)
            size = sizes(path) if path else None
            if path is None:
                yield Problem(file, f"image {found.image} is not there")
            elif size is None:
                yield Problem(path, "cannot be read")
            else:
                yield from (Problem(file, text) for text in found.check(size))

    def scaled(self, file: str, data: bytes, sizes: Sizes, fits: Fits) -> bytes:
        found = _parse(file, data)
        path = self._find(found.image, file)
        return found.moved(fit_of(sizes(path) if path else None, fits, image=found.image))

    def unknown(self, file: str, data: bytes) -> Sequence[str]:
        return _parse(file, data).unknown()

    def _find(self, image: str, file: str) -> str | None:
        # The path may be that of another machine; the image is called like its file.
        return self._index.find(image, file) or self._index.find(file.rpartition("/")[2], file)

    def _read(self) -> Iterator[tuple[str, _Json | _Xml | None]]:
        for file in self.files:
            try:
                yield file, _parse(file, (self._root / file).read_bytes())
            except (ValueError, ET.ParseError, KeyError, TypeError):
                yield file, None


def _parse(file: str, data: bytes) -> _Json | _Xml:
    return _Json(data) if file.endswith(".json") else _Xml(data)


class _Json:
    """A file of the program."""

    def __init__(self, data: bytes) -> None:
        self._data: dict[str, Any] = json.loads(data)
        self._indent = 2 if b"\n" in data.strip() else None
        self.image = str(self._data.get("imagePath", ""))
        self._shapes: list[dict[str, Any]] = [shape for shape in self._data["shapes"] if isinstance(shape, dict)]
        self.labels = [str(shape.get("label", "")) for shape in self._shapes]

    def objects(self, size: Size) -> Iterator[AnnotatedObject]:
        """Shapes with an area, those of one group as one object."""
        groups: dict[Any, list[AnnotatedObject]] = {}
        for number, shape in enumerate(self._shapes):
            found = _json_object(shape, size)
            if found.box is not None:
                group = shape.get("group_id")
                groups.setdefault((number,) if group is None else (group, found.name), []).append(found)
        for parts in groups.values():
            corners = [corner for part in parts if part.box for corner in (part.box[:2], part.box[2:])]
            outlines = tuple(polygon for part in parts for polygon in part.polygons)
            yield replace(parts[0], box=box_of(corners), polygons=outlines)

    def check(self, size: Size) -> Iterator[str]:
        stated = (self._data.get("imageHeight", size[0]), self._data.get("imageWidth", size[1]))
        if stated != size:
            yield f"the image is said to be {stated[0]}x{stated[1]}, but is {by(size)}"
        for number, shape in enumerate(self._shapes, 1):
            pairs = [numbers(point) for point in shape.get("points", [])]
            if any(pair is None or len(pair) != 2 for pair in pairs):
                yield f"shape {number} has points that are not two numbers"
            elif outside([(pair[0], pair[1]) for pair in pairs if pair], size):
                yield f"shape {number} reaches out of the image of {by(size)}"

    def moved(self, fit: Fit) -> bytes:
        self._data["shapes"] = [shape for shape in self._shapes if self._move(shape, fit)]
        self._data.update(imageHeight=fit.size[0], imageWidth=fit.size[1])
        # A copy of the picture as it was; the program reads imagePath where there is none.
        self._data.update(imageData=None) if "imageData" in self._data else None
        return json.dumps(self._data, ensure_ascii=False, indent=self._indent).encode()

    def unknown(self) -> list[str]:
        return sorted({*unknown([{k: v for k, v in self._data.items() if k not in _KNOWN}]), *unknown(map(_other, self._shapes))})

    def _move(self, shape: dict[str, Any], fit: Fit) -> bool:
        kind = shape.get("shape_type", "polygon")
        points: list[Point] = [(x, y) for x, y in shape["points"]]
        if kind == "circle" and fit.scale[0] != fit.scale[1]:
            raise ValueError("a circle cannot be scaled by different factors: keep the aspect ratio, or crop")
        if kind == "mask":
            return _move_mask(shape, points, fit)
        if kind == "rectangle":
            (x0, y0), (x1, y1) = points
            box = fit.box(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
            moved = [(box[0], box[1]), (box[2], box[3])] if box else []
        elif kind == "polygon":
            moved = fit.polygon(points)
        else:
            moved = [fit.point(x, y) for x, y in points]
            moved = moved if not fit.cuts or any(fit.inside(*point) for point in moved) else []
        shape["points"] = [list(point) for point in moved]
        return bool(moved)


def _other(shape: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in shape.items() if key not in _SHAPE_KNOWN}


def _json_object(shape: dict[str, Any], size: Size) -> AnnotatedObject:
    name, kind = str(shape.get("label", "")), shape.get("shape_type", "polygon")
    points: list[Point] = [(float(x), float(y)) for x, y in shape["points"]]
    if kind == "polygon":
        return of_polygon(name, points)
    if kind == "mask":
        return of_bitmap(name, _bitmap(shape, points, size) > 0)
    if kind == "circle" and len(points) == 2:
        (x, y), radius = points[0], float(np.hypot(points[1][0] - points[0][0], points[1][1] - points[0][1]))
        return AnnotatedObject(name, (x - radius, y - radius, x + radius, y + radius))
    return AnnotatedObject(name, box_of(points) if kind == "rectangle" else None)


def _bitmap(shape: dict[str, Any], points: Sequence[Point], size: Size) -> np.ndarray:
    """(H, W) of a mask: a PNG in base64, of the rectangle between its two points, both of them inside."""
    with Image.open(io.BytesIO(base64.b64decode(shape["mask"]))) as image:
        part = np.asarray(image)
    left, top = (round(min(values)) for values in zip(*points, strict=True))
    whole = np.zeros(size, part.dtype)
    whole[top : top + part.shape[0], left : left + part.shape[1]] = part[: size[0] - top, : size[1] - left]
    return whole


def _move_mask(shape: dict[str, Any], points: Sequence[Point], fit: Fit) -> bool:
    moved = fit.ids(_bitmap(shape, points, fit.before))
    rows, columns = np.flatnonzero(moved.any(axis=1)), np.flatnonzero(moved.any(axis=0))
    if not rows.size:
        return False
    file = io.BytesIO()
    Image.fromarray(moved[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]).save(file, "PNG")
    shape["mask"] = base64.b64encode(file.getvalue()).decode()
    shape["points"] = [[float(columns[0]), float(rows[0])], [float(columns[-1]), float(rows[-1])]]
    return True


class _Xml:
    """A file of the web page."""

    def __init__(self, data: bytes) -> None:
        self._root = ET.fromstring(data)
        self._declared = data.lstrip().startswith(b"<?xml")
        self.image = (self._root.findtext("filename") or "").strip()
        self._objects = [item for item in self._root.findall("object") if (item.findtext("deleted") or "0").strip() != "1"]
        self.labels = [(item.findtext("name") or "").strip() for item in self._objects]

    def objects(self, size: Size) -> Iterator[AnnotatedObject]:  # noqa: ARG002 - it is in pixels
        """Polygons."""
        for name, item in zip(self.labels, self._objects, strict=True):
            yield of_polygon(name, [_pair(pt) for pt in item.iter("pt")])

    def check(self, size: Size) -> Iterator[str]:
        stated = (self._root.findtext("imagesize/nrows"), self._root.findtext("imagesize/ncols"))
        if None not in stated and stated != (str(size[0]), str(size[1])):
            yield f"the image is said to be {stated[0]}x{stated[1]}, but is {by(size)}"
        for number, item in enumerate(self._objects, 1):
            if outside([_pair(pt) for pt in item.iter("pt")], size):
                yield f"object {number} reaches out of the image of {by(size)}"

    def moved(self, fit: Fit) -> bytes:
        for tag, value in (("nrows", fit.size[0]), ("ncols", fit.size[1])):
            element = self._root.find(f"imagesize/{tag}")
            if element is not None:
                element.text = str(value)
        for item in self._root.findall("object"):
            polygons = item.findall("polygon")
            left = [_move_polygon(polygon, fit.polygon) for polygon in polygons]
            if polygons and not any(left):
                self._root.remove(item)
        text: bytes = ET.tostring(self._root, encoding="utf-8", xml_declaration=self._declared)
        return text

    def unknown(self) -> list[str]:
        return sorted({item.tag for item in self._root.iter() if item.tag in ("segm", "bbox")})


def _move_polygon(polygon: ET.Element, move: Callable[[list[Point]], list[Point]]) -> bool:
    before = polygon.findall("pt")
    moved = move([_pair(pt) for pt in before])
    for pt in before:
        polygon.remove(pt)
    for pair in moved:
        pt = ET.SubElement(polygon, "pt")
        for tag, value in zip("xy", pair, strict=True):
            ET.SubElement(pt, tag).text = f"{value:.10g}"
    return bool(moved)


def _pair(pt: ET.Element) -> Point:
    return float(pt.findtext("x") or ""), float(pt.findtext("y") or "")
