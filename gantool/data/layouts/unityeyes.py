"""UnityEyes: `1.jpg` beside `1.json`, which holds points as text, y counted from the bottom."""

from __future__ import annotations

from ..frames import LabelForm, LabelKind
from .description import Description, Source
from .model import Written
from .tree import Tree

_POINTS = ("interior_margin_2d", "caruncle_2d", "iris_2d")
_FORM = LabelForm(LabelKind.KEYPOINTS, point="x y z", y_up=True)


def recognise(tree: Tree) -> Description | None:
    """UnityEyes has a list `interior_margin_2d` in the JSON of each picture."""
    images = {file.rpartition(".")[0]: file for file in tree.pictures}
    beside = next((file for file in tree.ending(".json") if file.rpartition(".")[0] in images), None)
    data = tree.json(beside) if beside else None
    if beside is None or not isinstance(data, dict) or "interior_margin_2d" not in data:
        return None
    where = "{at/}{frame:d}"
    labels = {name.removesuffix("_2d"): (Source(f"{where}.json", key=name), _FORM) for name in _POINTS if name in data}
    labels["gaze"] = (Source(f"{where}.json", key="eye_details/look_vec"), LabelForm(LabelKind.VECTOR))
    return Description("unityeyes", (Source(f"{where}.{images[beside.rpartition('.')[0]].rpartition('.')[2]}"),), {}, labels)


LAYOUT = Written("unityeyes", "UnityEyes", recognise)
