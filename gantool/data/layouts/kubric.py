"""Kubric: `rgba_00000.png` and so on beside `metadata.json`, one folder per scene."""

from __future__ import annotations

from ..frames import LabelForm, LabelKind, PassForm, PassKind
from .description import Description, Source
from .model import Written
from .tree import Tree

_FLOW = PassForm(PassKind.MOTION, unit="px", take=(1, 0))
"""Rows come before columns. 16 bits between the least and the greatest value of the scene, which data_ranges.json holds."""
_PASSES = {
    "depth": ("depth_{frame:d}.{tiff|tif}", PassForm(PassKind.DISTANCE)),
    "instances": ("segmentation_{frame:d}.png", PassForm(PassKind.INSTANCES, background=(0.0,))),
    "normals": ("normal_{frame:d}.png", PassForm(PassKind.NORMALS, unit="world", scale=2 / 65535, offset=-1.0)),
    "object_coordinates": ("object_coordinates_{frame:d}.png", PassForm(PassKind.OTHER, scale=1 / 65535)),
    "uv": ("uv_{frame:d}.png", PassForm(PassKind.OTHER, scale=1 / 65535)),
    "flow": ("flow_{frame:d}.png", _FLOW),
    "forward_flow": ("forward_flow_{frame:d}.png", _FLOW),
    "backward_flow": ("backward_flow_{frame:d}.png", _FLOW),
}


def recognise(tree: Tree) -> Description | None:
    """Kubric's scenes have a palette picture `segmentation_00000.png` or a depth TIFF beside `rgba_00000.png`."""
    names = {file.rpartition("/")[2].rstrip("0123456789.pngtif") for file in tree.pictures}
    pictures = [word for word in ("rgba", "rgb") if f"{word}_" in names]
    tiff = any("/depth_" in f"/{file}" for file in tree.pictures if file.lower().endswith((".tiff", ".tif")))
    if not pictures or not (tiff or ("rgba_" in names and "segmentation_" in names and tree.ending("metadata.json"))):
        return None
    passes = {}
    for name, (text, form) in _PASSES.items():
        if f"{text.partition('{')[0]}" in names:
            ranges = f"{{at/}}data_ranges.json#{name}" if form is _FLOW else ""
            passes[name] = ((Source(f"{{at/}}{text}", scale_in=ranges),), form)
    labels = {}
    if tree.ending("metadata.json"):
        # A row per instance, and in it a box per video frame.
        boxes = LabelForm(LabelKind.BOXES, corners="y0 x0 y1 x1", shares=True)
        labels["boxes"] = (Source("{at/}metadata.json", key="instances/*/bboxes/bbox_frames={frame:d}"), boxes)
    return Description("kubric", tuple(Source(f"{{at/}}{word}_{{frame:d}}.png") for word in pictures[:1]), passes, labels)


LAYOUT = Written("kubric", "Kubric, and MOVi as files", recognise)
