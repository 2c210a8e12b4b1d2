"""Pascal VOC: an XML file per image, boxes in pixels counted from 1."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..geometry import Fit, Point
from .model import Fits, ImageIndex, Problem, Size, Sizes, Tally, by, fit_of, outside
from .objects import AnnotatedObject, of_polygon

_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_KNOWN = re.compile(r"[xy](min|max)|[xy]\d*|c[xy]|w|h|angle|name|pose|truncated|difficult|occluded|deleted|verified|id|track_id")


def parse(data: bytes) -> ET.Element:
    """Return the `<annotation>` of a VOC file. Raises `ValueError` for anything else."""
    # Annotations need no document type; without one there are no entities, so none that grow.
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise ValueError("declares a document type, which VOC files have not")
    try:
        root = ET.fromstring(data)
    except ET.ParseError as error:
        raise ValueError(str(error)) from None
    if root.tag != "annotation":
        raise ValueError(f"is <{root.tag}>, not <annotation>")
    return root


class Voc:
    """The VOC files of a folder. See `model.Annotations`."""

    format = "Pascal VOC"
    follows_size = True

    def __init__(self, root: Path, files: Sequence[str], index: ImageIndex) -> None:
        self.files = tuple(files)
        self._root, self._index = root, index
        self._by_stem: dict[str, list[str]] = {}
        for image in index.images:
            self._by_stem.setdefault(_stem(image), []).append(image)

    def tally(self) -> Tally:
        tally = Tally()
        for file in self.files:
            try:
                annotation = parse((self._root / file).read_bytes())
            except ValueError:
                continue
            image = self._image(annotation, file)
            tally.images |= {image} if image else set()
            names = [item.findtext("name", "") for item in annotation.iter("object")]
            tally.objects += len(names)
            tally.classes.update(names)
        return tally

    def objects(self, sizes: Sizes) -> dict[str, list[AnnotatedObject]]:  # noqa: ARG002 - it is in pixels
        found: dict[str, list[AnnotatedObject]] = {}
        for file in self.files:
            annotation = parse((self._root / file).read_bytes())
            if image := self._image(annotation, file):
                found.setdefault(image, []).extend(map(_object, annotation.findall("object")))
        return found

    def check(self, sizes: Sizes) -> Iterator[Problem]:
        seen: Counter[str] = Counter()
        for file in self.files:
            try:
                annotation = parse((self._root / file).read_bytes())
            except ValueError as error:
                yield Problem(file, str(error))
                continue
            image = self._image(annotation, file)
            if image is None:
                yield Problem(file, f"image {annotation.findtext('filename')} is not there")
                continue
            seen[image] += 1
            if seen[image] == 2:
                yield Problem(file, f"image {image} is annotated more than once")
            size = sizes(image)
            if size is None:
                yield Problem(image, "cannot be read")
            else:
                yield from (Problem(file, text) for text in _check(annotation, size))

    def scaled(self, file: str, data: bytes, sizes: Sizes, fits: Fits) -> bytes:
        annotation = parse(data)
        image = self._image(annotation, file)
        fit = fit_of(sizes(image) if image else None, fits, image=annotation.findtext("filename"))
        for tag, value in (("height", fit.size[0]), ("width", fit.size[1])):
            element = annotation.find(f"size/{tag}")
            if element is not None:
                element.text = str(value)
        for item in annotation.findall("object"):
            if not _place(item, fit):
                annotation.remove(item)
        text: bytes = ET.tostring(annotation, encoding="utf-8", xml_declaration=data.lstrip().startswith(b"<?xml"))
        return text

    def unknown(self, file: str, data: bytes) -> Sequence[str]:  # noqa: ARG002
        leaves = (item for of in parse(data).iter("object") for item in of.iter() if len(item) == 0 and item is not of)
        return sorted({item.tag for item in leaves if not _KNOWN.fullmatch(item.tag) and _is_number(item.text)})

    def _image(self, annotation: ET.Element, file: str) -> str | None:
        found = self._index.find(annotation.findtext("filename"), file)
        if found is None:
            # Some tools leave the suffix out, or keep the name from before a rename.
            same = self._by_stem.get(_stem(file), [])
            found = same[0] if len(same) == 1 else None
        return found


def _object(item: ET.Element) -> AnnotatedObject:
    """`difficult` ones are neither asked for nor wrong, as in the challenge."""
    name, crowd = item.findtext("name", ""), item.findtext("difficult", "0").strip() == "1"
    box = item.find("bndbox")
    if box is not None:
        left, top, right, bottom = (float(box.findtext(tag) or "") for tag in _CORNERS)
        return AnnotatedObject(name, (left - 1, top - 1, right, bottom), crowd=crowd)
    polygon = item.find("polygon")
    return of_polygon(name, _pairs(polygon) if polygon is not None else [], crowd=crowd)


def _pairs(polygon: ET.Element) -> list[Point]:
    xs, ys = ([float(one.text or "") for one in polygon.iter() if re.fullmatch(rf"{axis}\d*", one.tag)] for axis in "xy")
    return list(zip(xs, ys, strict=True))


def _place(item: ET.Element, fit: Fit) -> bool:
    """Move an object, its parts, and all that says where they are; return whether something of it is still in the picture."""
    for part in item.findall("part"):
        if not _place(part, fit):
            item.remove(part)
    places = (("bndbox", _place_box), ("polygon", _place_polygon), ("robndbox", _place_rotated), ("point", _place_point))
    seen = [move(element, fit) for tag, move in places for element in item.findall(tag)]
    return any(seen) or not seen


def _place_box(box: ET.Element, fit: Fit) -> bool:
    corners = [box.find(tag) for tag in _CORNERS]
    # Counted from 1, the left edge of pixel 1 is 0; the right edge of pixel n is n.
    left, top, right, bottom = (float(corner.text or "") if corner is not None else 0.0 for corner in corners)
    moved = fit.box(left - 1, top - 1, right, bottom)
    for corner, edge, first in zip(corners, moved or (), (1, 1, 0, 0), strict=False):
        if corner is not None:
            corner.text = f"{edge + first:.10g}"
    return moved is not None


def _place_polygon(polygon: ET.Element, fit: Fit) -> bool:
    """Of `<x1>`, `<y1>`, `<x2>` and so on, or of `<pt>` with x and y."""
    nested = polygon.findall("pt")
    xs, ys = ([item for item in polygon if item.tag[:1] == letter and item.tag[1:].isdigit()] for letter in "xy")
    pairs = [(pt.find("x"), pt.find("y")) for pt in nested] if nested else list(zip(xs, ys, strict=True))
    moved = fit.polygon((float(x.text or ""), float(y.text or "")) for x, y in pairs if x is not None and y is not None)
    for item in (*nested, *xs, *ys):
        polygon.remove(item)
    for number, (x, y) in enumerate(moved, 1):
        parent = ET.SubElement(polygon, "pt") if nested else polygon
        for letter, value in (("x", x), ("y", y)):
            ET.SubElement(parent, letter if nested else f"{letter}{number}").text = f"{value:.10g}"
    return bool(moved)


def _place_rotated(box: ET.Element, fit: Fit) -> bool:
    """Of `<cx>`, `<cy>`, `<w>`, `<h>` and `<angle>`, as roLabelImg writes them; it is not cut off where it reaches out."""
    if fit.scale[0] != fit.scale[1]:
        raise ValueError("a rotated box cannot be scaled by different factors: keep the aspect ratio, or crop")
    x, y = fit.point(float(box.findtext("cx") or ""), float(box.findtext("cy") or ""))
    for tag, value in (("cx", x), ("cy", y), *((side, float(box.findtext(side) or "") * fit.scale[0]) for side in "wh")):
        element = box.find(tag)
        if element is not None:
            element.text = f"{value:.10g}"
    return not fit.cuts or fit.inside(x, y)


def _place_point(point: ET.Element, fit: Fit) -> bool:
    x, y = fit.point(float(point.findtext("x") or ""), float(point.findtext("y") or ""))
    for tag, value in (("x", x), ("y", y)):
        element = point.find(tag)
        if element is not None:
            element.text = f"{value:.10g}"
    return not fit.cuts or fit.inside(x, y)


def _is_number(text: str | None) -> bool:
    try:
        float(text or "")
    except ValueError:
        return False
    return True


def _check(annotation: ET.Element, size: Size) -> Iterator[str]:
    stated = annotation.find("size")
    if stated is not None:
        told = (stated.findtext("height", ""), stated.findtext("width", ""))
        if told != (str(size[0]), str(size[1])):
            yield f"the image is said to be {'x'.join(told)}, but is {by(size)}"
    for number, item in enumerate(annotation.iter("object"), 1):
        what = f"object {number} ({item.findtext('name')})"
        box = item.find("bndbox")
        if box is None:
            if not any(item.find(tag) is not None for tag in ("polygon", "robndbox", "point")):
                yield f"{what} has no box"
            continue
        try:
            left, top, right, bottom = (float(box.findtext(tag) or "") for tag in _CORNERS)
        except ValueError:
            yield f"{what}: its box is not four numbers"
            continue
        if not (left < right and top < bottom):
            yield f"{what}: its box has no size"
        elif outside([(left, top), (right, bottom)], size):
            yield f"{what}: its box reaches out of the image of {by(size)}"


def _stem(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[0]
