"""Pascal VOC: an XML file per image, boxes in pixels counted from 1."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from .model import ImageIndex, Problem, Size, Sizes, Tally, by, outside

_CORNERS = ("xmin", "ymin", "xmax", "ymax")


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

    def scaled(self, file: str, data: bytes, sizes: Sizes, size: Size) -> bytes:
        annotation = parse(data)
        image = self._image(annotation, file)
        before = sizes(image) if image else None
        if before is None:
            raise ValueError(f"image {annotation.findtext('filename')} cannot be read, so its boxes cannot be scaled")
        height, width = size[0] / before[0], size[1] / before[1]
        for tag, value in (("height", size[0]), ("width", size[1])):
            element = annotation.find(f"size/{tag}")
            if element is not None:
                element.text = str(value)
        for box in annotation.iter("bndbox"):
            for tag in _CORNERS:
                corner = box.find(tag)
                if corner is not None:
                    # Counted from 1, the left edge of pixel 1 is 0; the right edge of pixel n is n.
                    first = 1 if tag in ("xmin", "ymin") else 0
                    edge = (float(corner.text or "") - first) * (width if tag[0] == "x" else height) + first
                    corner.text = f"{edge:.10g}"
        text: bytes = ET.tostring(annotation, encoding="utf-8", xml_declaration=data.lstrip().startswith(b"<?xml"))
        return text

    def _image(self, annotation: ET.Element, file: str) -> str | None:
        found = self._index.find(annotation.findtext("filename"), file)
        if found is None:
            # Some tools leave the suffix out, or keep the name from before a rename.
            same = self._by_stem.get(_stem(file), [])
            found = same[0] if len(same) == 1 else None
        return found


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
