"""CVAT for images: one XML file of many `<image>`, each with its boxes, polygons, points and masks."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from ..geometry import Fit, Point
from .model import Fits, ImageIndex, Problem, Size, Sizes, Tally, by, fit_of, outside
from .objects import AnnotatedObject, box_of, of_bitmap, of_polygon, turned

_SHAPES = ("box", "polygon", "polyline", "points", "mask", "cuboid", "ellipse", "skeleton")


def is_cvat(data: bytes) -> bool:
    """Return whether a file is CVAT's for images; its files for videos hold tracks instead."""
    if b"<annotations" not in data or b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        return False
    try:
        root = ET.fromstring(data)
    except ET.ParseError:
        return False
    return root.tag == "annotations" and root.find("image") is not None


class Cvat:
    """The CVAT files of a folder. See `model.Annotations`."""

    format = "CVAT"
    follows_size = True

    def __init__(self, root: Path, files: Sequence[str], index: ImageIndex) -> None:
        self.files = tuple(files)
        self._root, self._index = root, index

    def tally(self) -> Tally:
        tally = Tally()
        for file in self.files:
            for image in self._images(file):
                tally.images |= {path} if (path := self._find(image, file)) else set()
                labels = [shape.get("label", "") for shape in image if shape.tag in (*_SHAPES, "tag")]
                tally.objects += len(labels)
                tally.classes.update(labels)
        return tally

    def objects(self, sizes: Sizes) -> dict[str, list[AnnotatedObject]]:
        found: dict[str, list[AnnotatedObject]] = {}
        for file in self.files:
            for image in self._images(file):
                if path := self._find(image, file):
                    size = sizes(path) or (0, 0)
                    mine = (_object(shape, size) for shape in image if shape.tag in ("box", "polygon", "mask", "ellipse"))
                    found.setdefault(path, []).extend(mine)
        return found

    def check(self, sizes: Sizes) -> Iterator[Problem]:
        for file in self.files:
            for image in self._images(file):
                path = self._find(image, file)
                if path is None:
                    yield Problem(file, f"image {image.get('name')} is not there")
                elif (size := sizes(path)) is None:
                    yield Problem(path, "cannot be read")
                else:
                    yield from (Problem(file, f"image {image.get('name')}: {text}") for text in _check(image, size))

    def scaled(self, file: str, data: bytes, sizes: Sizes, fits: Fits) -> bytes:
        root = ET.fromstring(data)
        for image in root.iter("image"):
            path = self._find(image, file)
            fit = fit_of(sizes(path) if path else None, fits, image=image.get("name"))
            image.set("height", str(fit.size[0]))
            image.set("width", str(fit.size[1]))
            for shape in list(image):
                if shape.tag in _SHAPES and not _place(shape, fit):
                    image.remove(shape)
        text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=data.lstrip().startswith(b"<?xml"))
        return text

    def unknown(self, file: str, data: bytes) -> Sequence[str]:  # noqa: ARG002
        tags = {shape.tag for image in ET.fromstring(data).iter("image") for shape in image}
        return sorted(tags - {*_SHAPES, "tag"})

    def _images(self, file: str) -> Iterator[ET.Element]:
        yield from ET.fromstring((self._root / file).read_bytes()).iter("image")

    def _find(self, image: ET.Element, file: str) -> str | None:
        name, subset = image.get("name", ""), image.get("subset", "")
        # A project's export keeps each subset in a folder of its own, which the names do not say.
        places = (f"{subset}/{name}", f"images/{subset}/{name}", name, f"images/{name}") if subset else (name, f"images/{name}")
        return next((found for place in places if (found := self._index.find(place, file))), None)


def _check(image: ET.Element, size: Size) -> Iterator[str]:
    stated = (image.get("height"), image.get("width"))
    if stated != (str(size[0]), str(size[1])):
        yield f"is said to be {stated[0]}x{stated[1]}, but is {by(size)}"
    for number, shape in enumerate(image, 1):
        try:
            points = list(_points(shape))
        except ValueError:
            yield f"{shape.tag} {number} ({shape.get('label')}): its numbers are none"
            continue
        if outside(points, size):
            yield f"{shape.tag} {number} ({shape.get('label')}) reaches out of the image of {by(size)}"


def _points(shape: ET.Element) -> Iterator[Point]:
    if shape.tag == "box" and not float(shape.get("rotation", "0")):
        yield from ((_number(shape, f"x{end}"), _number(shape, f"y{end}")) for end in ("tl", "br"))
    elif shape.tag in ("polygon", "polyline", "points"):
        yield from _parse(shape.get("points", ""))


def _parse(text: str) -> list[Point]:
    pairs = [pair.split(",") for pair in text.split(";") if pair]
    return [(float(x), float(y)) for x, y in pairs]


def _object(shape: ET.Element, size: Size) -> AnnotatedObject:
    name = shape.get("label", "")
    if shape.tag == "polygon":
        return of_polygon(name, _parse(shape.get("points", "")))
    if shape.tag == "mask":
        return of_bitmap(name, _bitmap(shape, size))
    if shape.tag == "box":
        left, top, right, bottom = (_number(shape, end) for end in ("xtl", "ytl", "xbr", "ybr"))
    else:
        x, y, rx, ry = (_number(shape, end) for end in ("cx", "cy", "rx", "ry"))
        left, top, right, bottom = x - rx, y - ry, x + rx, y + ry
    if degrees := float(shape.get("rotation", "0")):
        return AnnotatedObject(name, box_of(turned((left, top, right, bottom), degrees)))
    return AnnotatedObject(name, (left, top, right, bottom))


def _number(shape: ET.Element, name: str) -> float:
    return float(shape.get(name, ""))


def _place(shape: ET.Element, fit: Fit) -> bool:
    """Move a shape; return whether something of it is still in the picture."""
    return _MOVES[shape.tag](shape, fit)


def _set(shape: ET.Element, **values: float) -> None:
    for name, value in values.items():
        shape.set(name, f"{value:.10g}")


def _place_box(shape: ET.Element, fit: Fit) -> bool:
    left, top, right, bottom = (_number(shape, name) for name in ("xtl", "ytl", "xbr", "ybr"))
    if float(shape.get("rotation", "0")):
        return _place_turned(shape, fit, ((left + right) / 2, (top + bottom) / 2), xtl=left, ytl=top, xbr=right, ybr=bottom)
    moved = fit.box(left, top, right, bottom)
    if moved:
        _set(shape, xtl=moved[0], ytl=moved[1], xbr=moved[2], ybr=moved[3])
    return moved is not None


def _place_turned(shape: ET.Element, fit: Fit, middle: Point, **corners: float) -> bool:
    """Move what is turned about its middle; it is not cut off where it reaches out."""
    if fit.scale[0] != fit.scale[1] and float(shape.get("rotation", "0")) % 360:
        raise ValueError(f"a rotated {shape.tag} cannot be scaled by different factors: keep the aspect ratio, or crop")
    _set(shape, **{name: fit.point(value, value)[name[0] == "y"] for name, value in corners.items()})
    return not fit.cuts or fit.inside(*fit.point(*middle))


def _place_ellipse(shape: ET.Element, fit: Fit) -> bool:
    kept = _place_turned(shape, fit, (_number(shape, "cx"), _number(shape, "cy")))
    x, y = fit.point(_number(shape, "cx"), _number(shape, "cy"))
    _set(shape, cx=x, cy=y, rx=_number(shape, "rx") * fit.scale[1], ry=_number(shape, "ry") * fit.scale[0])
    return kept


def _place_polygon(shape: ET.Element, fit: Fit) -> bool:
    return _write(shape, fit.polygon(_parse(shape.get("points", ""))))


def _place_points(shape: ET.Element, fit: Fit) -> bool:
    """Of points and lines: a line is not cut, it is left out where no point of it is left."""
    moved = [fit.point(x, y) for x, y in _parse(shape.get("points", ""))]
    if fit.cuts and shape.tag == "points":
        moved = [point for point in moved if fit.inside(*point)]
    return _write(shape, moved) and (not fit.cuts or any(fit.inside(*point) for point in moved))


def _write(shape: ET.Element, points: Sequence[Point]) -> bool:
    shape.set("points", ";".join(f"{x:.10g},{y:.10g}" for x, y in points))
    return bool(points)


def _place_cuboid(shape: ET.Element, fit: Fit) -> bool:
    names = [name for name in shape.keys() if name[:1] in "xy" and name[1:2] in "tb" and name[-1:].isdigit()]  # noqa: SIM118
    _set(shape, **{name: fit.point(_number(shape, name), _number(shape, name))[name[0] == "y"] for name in names})
    pairs = [(_number(shape, name), _number(shape, f"y{name[1:]}")) for name in names if name[0] == "x"]
    return not fit.cuts or any(fit.inside(*pair) for pair in pairs)


def _place_skeleton(shape: ET.Element, fit: Fit) -> bool:
    """Its points keep their number; those that are cut off are "outside"."""
    seen = []
    for point in shape.findall("points"):
        moved = [fit.point(x, y) for x, y in _parse(point.get("points", ""))]
        _write(point, moved)
        inside = all(fit.inside(*place) for place in moved)
        if fit.cuts and not inside:
            point.set("outside", "1")
        seen.append(inside)
    return not fit.cuts or any(seen)


def _bitmap(shape: ET.Element, size: Size) -> np.ndarray:
    """(H, W) uint8 of a mask. Raises `ValueError`."""
    left, top, width, height = (int(shape.get(name, "")) for name in ("left", "top", "width", "height"))
    runs = [int(word) for word in shape.get("rle", "").replace(",", " ").split()]
    values = np.repeat(np.arange(len(runs), dtype=np.uint8) & 1, runs)
    if values.size != width * height:
        raise ValueError(f"a mask of {height}x{width} has {values.size} pixels")
    whole = np.zeros(size, np.uint8)
    whole[top : top + height, left : left + width] = values.reshape(height, width)
    return whole


def _place_mask(shape: ET.Element, fit: Fit) -> bool:
    """Run lengths, row by row and background first, of a rectangle in the picture."""
    moved = fit.ids(_bitmap(shape, fit.before))
    rows, columns = np.flatnonzero(moved.any(axis=1)), np.flatnonzero(moved.any(axis=0))
    if not rows.size:
        return False
    flat = moved[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].ravel()
    edges = np.flatnonzero(np.diff(flat, prepend=np.uint8(0)))
    shape.set("rle", ", ".join(map(str, np.diff(np.concatenate([[0], edges, [flat.size]])).tolist())))
    _set(shape, left=columns[0], top=rows[0], width=columns[-1] - columns[0] + 1, height=rows[-1] - rows[0] + 1)
    return True


_MOVES: dict[str, Callable[[ET.Element, Fit], bool]] = {
    "box": _place_box,
    "polygon": _place_polygon,
    "polyline": _place_points,
    "points": _place_points,
    "mask": _place_mask,
    "cuboid": _place_cuboid,
    "ellipse": _place_ellipse,
    "skeleton": _place_skeleton,
}
