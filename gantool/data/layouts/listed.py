"""Pictures that annotation files list: whatever they look like, they are pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

from ...errors import MissingExtra
from ..annotations import tables
from ..annotations.model import ImageIndex
from .tree import Tree

_MOST_LISTS = 40
"""Files of one kind from which on there is one per picture: they list by their names, and are not opened."""
_LABELS = (".txt", ".xml", ".json")


def listed(tree: Tree) -> tuple[frozenset[str], frozenset[str]]:
    """Return the images that COCO, CVAT and tables list, and those that have a label file of their own, if not to themselves.

    Such a file has the image's name and lies beside it, or where YOLO and VOC put it: in `labels/` or `annotations/` instead of
    `images/`. Where several images have the name, it may be a picture and its mask, so that these are not sure to be listed.
    """
    index = ImageIndex(tree.pictures)
    found = {image for file, name in _names(tree) if (image := index.find(name, file))}
    stems = {_key(file) for file in tree.files if file.lower().endswith(_LABELS)}
    beside = [image for image in tree.pictures if _key(image) in stems]
    counts = Counter(map(_key, beside))
    shared = frozenset(image for image in beside if counts[_key(image)] > 1) - found
    return frozenset(found.union(beside)) - shared, shared


def _key(file: str) -> tuple[str, str]:
    """What an image and its label file have in common: the folders but for the words of one kind or the other, and the name."""
    *folders, name = file.split("/")
    kept = [one for one in folders if one.lower() not in ("images", "jpegimages", "labels", "annotations")]
    return "/".join(kept), name.rpartition(".")[0]


def _names(tree: Tree) -> Iterator[tuple[str, Any]]:
    """Yield (list, name) of each picture that a list names."""
    for suffix, read in ((".json", _coco), (".xml", _cvat), (".csv", _table), (".parquet", _table)):
        files = tree.ending(suffix)
        for file in files if len(files) <= _MOST_LISTS else ():
            yield from ((file, name) for name in read(tree, file))


def _coco(tree: Tree, file: str) -> list[Any]:
    data = tree.json(file)
    images = data.get("images") if isinstance(data, dict) and isinstance(data.get("annotations"), list) else None
    return [image.get("file_name") for image in images if isinstance(image, dict)] if isinstance(images, list) else []


def _cvat(tree: Tree, file: str) -> list[Any]:
    try:
        root = ElementTree.fromstring((tree.root / file).read_bytes())
    except (OSError, ElementTree.ParseError):
        return []
    return [image.get("name") for image in root.iter("image")] if root.tag == "annotations" else []


def _table(tree: Tree, file: str) -> list[Any]:
    try:
        rows = list(tables.read_rows(tree.root / file))
    except (OSError, ValueError, MissingExtra):
        return []
    column = tables.image_column(iter(rows), ImageIndex(tree.pictures), file)
    return [row.get(column) for row in rows] if column else []
