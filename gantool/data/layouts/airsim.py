"""AirSim recordings: `img_VEHICLE_CAMERA_TYPE_TIME.png` and the like, with airsim_rec.txt beside the folder."""

from __future__ import annotations

from ..frames import LabelForm, LabelKind, PassForm, PassKind
from .description import Description, Rows, Source
from .model import Written
from .tree import Tree

_TYPES = {
    "1": ("depth", PassForm(PassKind.DEPTH, unit="m")),
    "2": ("distance", PassForm(PassKind.DISTANCE, unit="m")),
    # Clipped and scaled to be looked at.
    "3": ("depth_shown", PassForm(PassKind.OTHER)),
    "4": ("disparity", PassForm(PassKind.OTHER)),
    "5": ("classes", PassForm(PassKind.CLASSES)),
    "6": ("normals", PassForm(PassKind.NORMALS, scale=2 / 255, offset=-1.0)),
    "7": ("infrared", PassForm(PassKind.OTHER)),
}
_SCENE = "0"


def recognise(tree: Tree) -> Description | None:
    """AirSim's names end in a camera, a type from 0 to 7 and nanoseconds."""
    found: dict[str, set[str]] = {}
    for file in tree.files:
        name, _, suffix = file.rpartition("/")[2].rpartition(".")
        words = name.split("_")
        if (
            len(words) >= 4
            and words[0] == "img"
            and suffix in ("png", "pfm", "ppm")
            and words[-1].isdigit()
            and words[-2] in "01234567"
        ):
            found.setdefault(words[-2], set()).add(suffix)
    if not found or not (tree.ending("airsim_rec.txt") or len(found) > 1):
        return None
    inside = any("images/" in file for file in tree.files)
    passes = {}
    for number, suffixes in sorted(found.items()):
        if number != _SCENE:
            name, form = _TYPES[number]
            stored = PassForm(form.kind, form.unit, top_first=True) if suffixes == {"pfm"} else form
            passes[name] = ((Source(_where(number, suffixes, inside)),), stored)
    records = tree.ending("airsim_rec.txt")
    labels = {"pose": (Source("{run/}airsim_rec.txt", key="ImageFile~{time}"), LabelForm(LabelKind.VECTOR))} if records else {}
    # Each file of a row is written at a time of its own.
    rows = Rows("{run/}airsim_rec.txt", column="ImageFile", field="time") if records else None
    pictures = (Source(_where(_SCENE, found[_SCENE], inside)),) if _SCENE in found else ()
    missing = "" if pictures else "there is no picture of type 0 (Scene)"
    return Description("airsim", pictures, passes, labels, rows=rows, missing=missing)


def _where(number: str, suffixes: set[str], inside: bool) -> str:
    end = next(iter(suffixes)) if len(suffixes) == 1 else f"{{{'|'.join(sorted(suffixes))}}}"
    return f"{{run/}}{'images/' * inside}img_{{vehicle}}_{{camera}}_{number}_{{time:d}}.{end}"


LAYOUT = Written("airsim", "AirSim recordings", recognise)
