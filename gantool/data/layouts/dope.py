"""DOPE's and NDDS's files, and Falling Things: a JSON of objects beside each picture, and passes of the same name."""

from __future__ import annotations

from ..frames import LabelForm, LabelKind, PassForm, PassKind
from .description import Description, Source
from .model import Written
from .tree import Tree

_DEPTH_UNIT = 0.1
"""Millimetres, in Falling Things."""
_SAMPLES = 3
_LABELS = (
    ("boxes", "objects/*/bounding_box_minx_maxx_miny_maxy", LabelForm(LabelKind.BOXES, corners="x0 x1 y0 y1")),
    # Falling Things has y before x here, and here alone.
    ("boxes", "objects/*/bounding_box/top_left,bottom_right", LabelForm(LabelKind.BOXES, corners="y0 x0 y1 x1")),
    ("cuboids", "objects/*/projected_cuboid", LabelForm(LabelKind.KEYPOINTS)),
    ("centroids", "objects/*/projected_cuboid_centroid", LabelForm(LabelKind.KEYPOINTS)),
)


def recognise(tree: Tree) -> Description | None:
    """Each frame has a JSON with `objects` and `camera_data` of the picture's name."""
    images = {file.rpartition(".")[0]: file for file in tree.pictures}
    beside = [file for file in tree.ending(".json") if file.rpartition(".")[0] in images]
    data = [found for file in beside[:_SAMPLES] if isinstance(found := tree.json(file), dict)]
    if not data or not all({"objects", "camera_data"} <= found.keys() for found in data):
        return None
    names = [file.rpartition("/")[2] for file in tree.files]
    eyes = any(name.endswith((".left.json", ".right.json")) for name in names)
    stem = "{at/}{frame:d}.{eye:left|right}" if eyes else "{at/}{frame:d}"
    picture = images[beside[0].rpartition(".")[0]]
    passes = {}
    for word, name, form in (
        ("depth", "depth", PassForm(PassKind.DEPTH)),
        ("seg", "instances", PassForm(PassKind.INSTANCES)),
        ("cs", "classes", PassForm(PassKind.CLASSES)),
        ("is", "instances", PassForm(PassKind.INSTANCES)),
    ):
        ends = sorted({file.rpartition(".")[2] for file in names if f".{word}." in file})
        if ends:
            exr = ends == ["exr"]
            scaled = (
                PassForm(form.kind, "mm", scale=_DEPTH_UNIT, background=(0.0, 65535.0))
                if form.kind == PassKind.DEPTH and not exr
                else form
            )
            channels = _channel(tree, word) if exr else ()
            passes[name] = ((Source(f"{stem}.{word}.{ends[0]}", channels=channels),), scaled)
    known = {key for found in data for one in found["objects"] if isinstance(one, dict) for key in one}
    labels = {
        "objects": (Source(f"{stem}.json", key="objects"), LabelForm(LabelKind.OTHER)),
        **{name: (Source(f"{stem}.json", key=key), form) for name, key, form in _LABELS if key.split("/")[2] in known},
    }
    if all({"width", "height"} <= found["camera_data"].keys() for found in data):
        labels["size"] = (Source(f"{stem}.json", key="camera_data/width,height"), LabelForm(LabelKind.SIZE, corners="w h"))
    return Description("dope", (Source(f"{stem}.{picture.rpartition('.')[2]}"),), passes, labels)


def _channel(tree: Tree, word: str) -> tuple[str, ...]:
    """One number is written in all of R, G, B and A."""
    parts = tree.exr(tree.ending(f".{word}.exr")[0])
    names = list(parts[0].channels) if parts else []
    return ("R",) if "R" in names else tuple(names[:1])


LAYOUT = Written("dope", "DOPE and NDDS, Falling Things", recognise)
