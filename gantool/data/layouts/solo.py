"""SOLO of Unity's Perception package: a folder per sequence, with a JSON file per frame."""

from __future__ import annotations

from typing import Any

from ..frames import LabelForm, LabelKind, PassForm, PassKind
from .description import Description, Source
from .model import Written
from .tree import Tree

_SUFFIX = ".frame_data.json"
_PASSES = {
    "SemanticSegmentationAnnotation": PassKind.CLASSES,
    "InstanceSegmentationAnnotation": PassKind.INSTANCES,
    "NormalAnnotation": PassKind.NORMALS,
    "DepthAnnotation": PassKind.DEPTH,
}
_SAMPLES = 8
_LABELS = (
    # Pixels counted from the top left; the far corner is the edge behind the last one.
    (
        "boxes",
        "BoundingBox2DAnnotation",
        "annotations/@type~BoundingBox2D/values/*/origin,dimension",
        LabelForm(LabelKind.BOXES, corners="x0 y0 w h"),
    ),
    # State 0 is "not in the picture", and lies at 0, 0.
    (
        "keypoints",
        "KeypointAnnotation",
        "annotations/@type~KeypointAnnotation/values/*/keypoints/*/location,state",
        LabelForm(LabelKind.KEYPOINTS, point="x y v"),
    ),
    ("size", "", "dimension", LabelForm(LabelKind.SIZE, corners="w h")),
)


def recognise(tree: Tree) -> Description | None:
    """SOLO's frames are `sequence.0/step0.frame_data.json`, beside the pictures they name."""
    frames = tree.ending(_SUFFIX)
    captures = [capture for file in frames[:_SAMPLES] for capture in (tree.json(file) or {}).get("captures", [])]
    cameras = list(dict.fromkeys(str(capture["id"]) for capture in captures if "id" in capture and "filename" in capture))
    if not cameras:
        return None
    ends = {str(capture["filename"]).rpartition(".")[2].lower() for capture in captures if "filename" in capture}
    camera = f"{{camera:{'|'.join(cameras)}}}"
    where = "{at/}step{step:d}."
    passes: dict[str, tuple[tuple[Source, ...], PassForm]] = {}
    for capture in captures:
        for annotation in capture.get("annotations", []):
            _add_pass(passes, str(capture["id"]), annotation, f"{where}{camera}")
    for kind, words in ((PassKind.CLASSES, "semantic segmentation"), (PassKind.INSTANCES, "instance segmentation")):
        if str(kind) not in passes and any(file.endswith(f".{words}.png") for file in tree.files):
            passes[str(kind)] = ((Source(f"{where}{camera}.{words}.png"),), PassForm(kind))
    labels = {"frame_data": (Source(f"{where}frame_data.json"), LabelForm(LabelKind.OTHER))}
    kinds = {str(one.get("@type")).rpartition(".")[2] for capture in captures for one in capture.get("annotations", [])}
    labels |= {
        name: (Source(f"{where}frame_data.json", key=f"captures/id={{camera}}/{key}"), form)
        for name, kind, key, form in _LABELS
        if kind in ("", *kinds)
    }
    pictures = tuple(Source(f"{where}{camera}.{end}") for end in sorted(ends))
    return Description("solo", pictures, passes, labels)


def _add_pass(passes: dict[str, tuple[tuple[Source, ...], PassForm]], camera: str, annotation: Any, where: str) -> None:
    name = annotation.get("filename")
    kind = next((kind for word, kind in _PASSES.items() if str(annotation.get("@type")).endswith(word)), PassKind.OTHER)
    if not name or str(kind) in passes:
        return
    ray = kind == PassKind.DEPTH and str(annotation.get("measurementStrategy", "")).lower() == "range"
    kind = PassKind.DISTANCE if ray else kind
    # The file's name is the step, the camera and what the annotation is called.
    rest = str(name).partition(f".{camera}.")[2] or str(name).partition(".")[2]
    ids = {PassKind.CLASSES, PassKind.INSTANCES}
    unit = "m" if kind in (PassKind.DEPTH, PassKind.DISTANCE) else ""
    channels = ("R",) if rest.endswith(".exr") and unit else ("R", "G", "B") if rest.endswith(".exr") else ()
    passes[str(kind) if kind != PassKind.OTHER else rest.rpartition(".")[0]] = (
        (Source(f"{where}.{rest}", channels=channels),),
        PassForm(kind, unit=unit, names=_names(annotation) if kind in ids else {}),
    )


def _names(annotation: Any) -> dict[str, str]:
    """Return what each colour stands for, by the number that its four channels make."""
    named = [one for one in annotation.get("instances") or [] if "labelName" in one and "pixelValue" in one]
    return {str(sum(int(v) << (8 * place) for place, v in enumerate(one["pixelValue"]))): one["labelName"] for one in named}


LAYOUT = Written("solo", "SOLO, of Unity's Perception package", recognise)
