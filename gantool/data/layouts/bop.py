"""BOP: scenes with `scene_gt.json`, as the BOP toolkit and BlenderProc's `write_bop` write them."""

from __future__ import annotations

from ..frames import LabelForm, LabelKind, PassForm, PassKind
from .description import Description, Source, step
from .model import Written
from .tree import Tree

_SCENE = "{at/}"


def recognise(tree: Tree) -> Description | None:
    """BOP's scenes have a `scene_gt.json` beside `rgb/` or `gray/`."""
    if not tree.ending("scene_gt.json"):
        return None
    notes = []
    colour = [file for file in tree.pictures if "/rgb/" in f"/{file}"]
    grey = [file for file in tree.pictures if "/gray/" in f"/{file}"]
    folder = "rgb" if colour else "gray"
    if not colour and not grey:
        return None
    if colour and grey:
        notes.append(f"gray/ is copied beside rgb/: refine it by itself, with --image '*gray/*' (such as {grey[0]})")
    suffix = (colour or grey)[0].rpartition(".")[2]
    lists = tree.ending("scene_gt_coco.json")
    # BlenderProc names .jpg in its list even where it writes .png.
    name = str(step(tree.json(lists[0]), "images/0/file_name") or "") if lists else ""
    if name and not name.endswith(f".{suffix}"):
        notes.append(f"{lists[0]} calls the pictures {name}, but they are .{suffix}: they are found by their numbers")
    frame, masks = "{frame:d}", "{frame:d}_{object:d}.png"
    boxes = LabelForm(LabelKind.BOXES, corners="x0 y0 w h")
    return Description(
        "bop",
        tuple(Source(f"{_SCENE}{folder}/{frame}.{one}") for one in _suffixes(colour or grey)),
        {
            "depth": (
                (
                    Source(
                        f"{_SCENE}depth/{frame}.{{png|tif|tiff}}", scale_in=f"{_SCENE}scene_camera.json#{{frame:d}}/depth_scale"
                    ),
                ),
                # 0 is BOP's own; BlenderProc clips what is far to the largest number.
                PassForm(PassKind.DEPTH, unit="mm", background=(0.0, 65535.0)),
            )
        },
        {
            # GTID counts the entries of scene_gt; it is not obj_id.
            "masks": (Source(f"{_SCENE}mask/{masks}"), LabelForm(LabelKind.MASKS)),
            "masks_visible": (Source(f"{_SCENE}mask_visib/{masks}"), LabelForm(LabelKind.MASKS)),
            "boxes": (Source(f"{_SCENE}scene_gt_info.json", key="{frame:d}/*/bbox_visib"), boxes),
            "boxes_whole": (Source(f"{_SCENE}scene_gt_info.json", key="{frame:d}/*/bbox_obj"), boxes),
            "classes": (Source(f"{_SCENE}scene_gt.json", key="{frame:d}/*/obj_id"), LabelForm(LabelKind.CLASS)),
        },
        copy=(f"{_SCENE}gray/{frame}.{{png|jpg|tif|tiff}}",) if colour and grey else (),
        notes=tuple(notes),
    )


def _suffixes(files: list[str]) -> list[str]:
    return list(dict.fromkeys(file.rpartition(".")[2] for file in files))


LAYOUT = Written("bop", "scenes of the BOP challenge, and of BlenderProc's write_bop", recognise)
