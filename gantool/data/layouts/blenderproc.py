"""BlenderProc's `write_hdf5`: one HDF5 file per frame, its number without leading zeros."""

from __future__ import annotations

from collections.abc import Mapping

from ..formats.arrays import Spec
from ..frames import LabelForm, LabelKind, PassForm, PassKind
from ..stored import HDF5
from .description import Description, Source
from .model import Written
from .tree import Tree

_KEYS = {
    "depth": PassForm(PassKind.DEPTH, unit="m"),
    "distance": PassForm(PassKind.DISTANCE, unit="m"),
    "normals": PassForm(PassKind.NORMALS, scale=2.0, offset=-1.0),
    "diffuse": PassForm(PassKind.ALBEDO),
    "instance_segmaps": PassForm(PassKind.INSTANCES),
    "class_segmaps": PassForm(PassKind.CLASSES),
    "category_id_segmaps": PassForm(PassKind.CLASSES),
    "forward_flow": PassForm(PassKind.MOTION, unit="px"),
    "backward_flow": PassForm(PassKind.MOTION, unit="px"),
    "nocs": PassForm(PassKind.OTHER),
}
_NAMES = {"instance_segmaps": "instances", "class_segmaps": "classes", "category_id_segmaps": "classes"}
_EYES = ("left", "right")


def recognise(tree: Tree) -> Description | None:
    """BlenderProc's files are `0.hdf5`, `1.hdf5` and so on, with `colors` or a pass in them, not a batch of pictures."""
    files = [file for file in tree.files if file.endswith(HDF5) and file.rpartition("/")[2].partition(".")[0].isdigit()]
    have = tree.hdf5(files[0]) if files else {}
    if not ("colors" in have or any(key.endswith("_segmaps") for key in have)):
        return None
    where = f"{{at/}}{{frame:d}}.{files[0].rpartition('.')[2]}"
    shape = have["colors"].shape if "colors" in have else ()
    eyes = _EYES if len(shape) == 4 and shape[0] == 2 else ("",)
    pictures = tuple(Source(where, key="colors", row=_row(eye), view=eye) for eye in eyes if shape)
    passes: dict[str, tuple[tuple[Source, ...], PassForm]] = {}
    labels: dict[str, tuple[Source, LabelForm]] = {}
    for key in have:
        if key != "colors" and _is_pass(have, key, eyes):
            default = PassForm(PassKind.INSTANCES) if key.endswith("_segmaps") else PassForm(PassKind.OTHER)
            sources = tuple(Source(where, key=key, row=_row(eye), view=eye) for eye in eyes)
            passes[_NAMES.get(key, key.removesuffix("_segmaps"))] = (sources, _KEYS.get(key, default))
        elif key == "instance_attribute_maps":
            labels["attributes"] = (Source(where, key=key), LabelForm(LabelKind.OTHER))
    missing = "" if pictures else f"{files[0]} has no data set named colors"
    return Description("blenderproc", pictures, passes, labels, missing=missing)


def _row(eye: str) -> int | None:
    return _EYES.index(eye) if eye else None


def _is_pass(have: Mapping[str, Spec], key: str, eyes: tuple[str, ...]) -> bool:
    spec = have[key]
    return spec.dtype.kind in "uifb" and len(spec.shape) - (len(eyes) == 2) in (2, 3)


LAYOUT = Written("blenderproc", "BlenderProc (HDF5 per frame)", recognise)
