"""Virtual KITTI 2: `Scene01/clone/frames/rgb/Camera_0/rgb_00000.jpg`, and the same for every pass."""

from __future__ import annotations

from ..frames import LabelForm, LabelKind, PassForm, PassKind
from .description import Description, Source
from .model import Written
from .tree import Tree

_PASSES = {
    "depth": ("depth", "png", PassForm(PassKind.DEPTH, unit="cm", background=(65535.0,))),
    "classes": ("classSegmentation/classgt", "png", PassForm(PassKind.CLASSES)),
    "instances": ("instanceSegmentation/instancegt", "png", PassForm(PassKind.INSTANCES, background=(0.0,))),
    # 16 bits between -1 and 1, in shares of the picture's size less one; blue is 0 where nothing is known.
    "forward_flow": ("forwardFlow/flow", "png", PassForm(PassKind.OTHER)),
    "backward_flow": ("backwardFlow/backwardFlow", "png", PassForm(PassKind.OTHER)),
    "forward_scene_flow": ("forwardSceneFlow/sceneFlow", "png", PassForm(PassKind.OTHER)),
    "backward_scene_flow": ("backwardSceneFlow/backwardSceneFlow", "png", PassForm(PassKind.OTHER)),
}


def recognise(tree: Tree) -> Description | None:
    """Virtual KITTI calls its ids `classgt_00000.png` and `instancegt_00000.png`, or has `Camera_0` below `frames`."""
    names = {file.rpartition("/")[2].rpartition("_")[0] for file in tree.pictures}
    if not (names & {"classgt", "instancegt"} or any("frames/" in file and "/Camera_" in file for file in tree.pictures)):
        return None
    root = "{scene/}frames/" if any("frames/" in file for file in tree.pictures) else "{scene/}"
    nested = any("/Camera_" in f"/{file}" for file in tree.pictures)

    def where(folder: str, word: str, suffix: str) -> str:
        return (
            f"{root}{folder}/Camera_{{camera:d}}/{word}_{{frame:d}}.{suffix}" if nested else f"{root}{word}_{{frame:d}}.{suffix}"
        )

    passes = {}
    for name, (text, suffix, form) in _PASSES.items():
        folder, _, word = text.rpartition("/")
        if word in names:
            passes[name] = ((Source(where(folder or word, word, suffix)),), form)
    labels = {}
    if tree.ending("bbox.txt") and nested:
        # The columns say left right top bottom, in this order.
        boxes = LabelForm(LabelKind.BOXES, corners="x0 x1 y0 y1", inclusive=True)
        key = "frame={frame:d},cameraID={camera:d}/left,right,top,bottom"
        labels["boxes"] = (Source("{scene/}bbox.txt", key=key), boxes)
    suffix = next((file.rpartition(".")[2] for file in tree.pictures if "/rgb_" in f"/{file}"), "")
    pictures = (Source(where("rgb", "rgb", suffix)),) if suffix else ()
    return Description("vkitti2", pictures, passes, labels, missing="" if pictures else "there is no rgb_00000.jpg")


LAYOUT = Written("vkitti2", "Virtual KITTI 2", recognise)
