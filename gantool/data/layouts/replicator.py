"""Omniverse Replicator and Isaac Sim: what BasicWriter writes, flat or in folders by kind and render product."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..frames import LabelForm, LabelKind, PassForm, PassKind
from .description import Description, Source
from .model import Written
from .tree import Tree

_PASSES = {
    "semantic_segmentation": PassForm(PassKind.CLASSES),
    "instance_segmentation": PassForm(PassKind.INSTANCES),
    "instance_id_segmentation": PassForm(PassKind.INSTANCES),
    "normals": PassForm(PassKind.NORMALS, scale=2 / 255, offset=-1.0),
    "distance_to_image_plane": PassForm(PassKind.DEPTH, unit="m"),
    "distance_to_camera": PassForm(PassKind.DISTANCE, unit="m"),
    "motion_vectors": PassForm(PassKind.OTHER),
    "cross_correspondence": PassForm(PassKind.OTHER),
    "occlusion": PassForm(PassKind.OTHER),
}
_NAMES = {
    "semantic_segmentation": "classes",
    "instance_segmentation": "instances",
    "distance_to_image_plane": "depth",
    "distance_to_camera": "distance",
}
_IN_COLOURS = ("distance_to_image_plane", "distance_to_camera")
"""Written as .npy; a .png of the same name is a logarithm, fitted to each frame: to look at alone."""
_WORDS = (*_PASSES, "rgb")
_FILE = re.compile(
    rf"(?P<folders>(?:[^/]+/)*)(?P<before>[^/]*?)(?P<word>{'|'.join(_WORDS)})_(?P<number>\d+(?:_\d+)?)\.(?P<end>\w+)"
)
_SIGNS = ("bounding_box_", "semantic_segmentation_labels_", "instance_segmentation_mapping_", "camera_params_", "metadata.txt")
_SAMPLES = 64
_BOX_FIELDS = "x_min,y_min,x_max,y_max"


def recognise(tree: Tree) -> Description | None:
    """BasicWriter writes `metadata.txt`, and files such as `bounding_box_2d_tight_0000.npy` beside `rgb_0000.png`."""
    found = [match for file in tree.files if (match := _FILE.fullmatch(file))]
    words = {match["word"] for match in found}
    # Names alone, such as rgb_0001.png beside normals_0001.png, are anybody's.
    signs = any(sign in file for file in tree.files for sign in _SIGNS) or words & {
        "distance_to_image_plane",
        "distance_to_camera",
    }
    if not signs or not words:
        return None
    passes, pictures, copy = {}, [], []
    for word, end, folder, before in sorted(
        {(m["word"], m["end"], m["word"] in m["folders"].split("/"), bool(m["before"])) for m in found}
    ):
        text = _pattern(word, end, folder=folder, before=before)
        if word == "rgb":
            pictures.append(Source(text))
        elif word in _IN_COLOURS and end != "npy":
            copy.append(text)
        elif end in ("npy", "png", "exr"):
            name = _NAMES.get(word, word)
            passes[name if name not in passes else f"{name}_{end}"] = ((Source(text),), _PASSES[word])
    passes = {name: (sources, _as_stored(tree, sources[0], form)) for name, (sources, form) in passes.items()}
    notes = [f"{text} shows depth as a picture, fitted frame by frame: it is copied, and not taken for depth" for text in copy]
    missing = "there is no rgb_0000.png or the like" if not pictures else ""
    return Description(
        "replicator", tuple(pictures), passes, dict(_labels(tree)), copy=tuple(copy), notes=tuple(notes), missing=missing
    )


def _pattern(word: str, end: str, *, folder: bool, before: bool) -> str:
    """With an on_time trigger there are two numbers, and with several render products each has a folder, or a prefix."""
    folders = f"{{product/}}{word}/" if folder else "{product/}"
    return f"{folders}{'{prefix}' * before}{word}_{{frame}}.{end}"


def _labels(tree: Tree) -> Iterator[tuple[str, tuple[Source, LabelForm]]]:
    kinds = {
        kind
        for file in tree.ending(".npy")
        for kind in ("tight", "loose", "3d")
        if f"bounding_box_{'2d_' * (kind != '3d')}{kind}" in file
    }
    for kind in sorted(kinds):
        name = f"bounding_box_{'2d_' * (kind != '3d')}{kind}"
        inside = any(f"{name}/" in file for file in tree.files)
        source = f"{{product/}}{f'{name}/' * inside}{name}_{{frame}}.npy"
        if kind == "3d":
            yield "boxes_3d", (Source(source), LabelForm(LabelKind.OTHER))
        else:
            # x_max is the last pixel of the box: neighbours end at 1116 and begin at 1117.
            form = LabelForm(LabelKind.BOXES, corners="x0 y0 x1 y1", inclusive=True)
            yield ("boxes" if kind == "tight" else "boxes_whole"), (Source(source, key=_BOX_FIELDS), form)
    if any("camera_params_" in file for file in tree.files):
        inside = any("camera_params/" in file for file in tree.files)
        yield (
            "camera",
            (Source(f"{{product/}}{'camera_params/' * inside}camera_params_{{frame}}.json"), LabelForm(LabelKind.OTHER)),
        )


def _as_stored(tree: Tree, source: Source, form: PassForm) -> PassForm:
    """Return the form with the names of its colours, and, for arrays of floats, without the scale of a picture."""
    if form.kind == PassKind.NORMALS and source.files.endswith(".npy"):
        return PassForm(form.kind)
    if form.kind != PassKind.CLASSES:
        return form
    names: dict[str, str] = {}
    lists = [file for file in tree.ending(".json") if "semantic_segmentation_labels_" in file]
    for file in lists[:_SAMPLES]:
        data = tree.json(file)
        for key, value in (data if isinstance(data, dict) else {}).items():
            digits = [int(word) for word in re.findall(r"\d+", key)]
            # BACKGROUND and UNLABELLED differ in alpha alone.
            names[str(sum(digit << (8 * place) for place, digit in enumerate(digits)))] = str(
                value.get("class") if isinstance(value, dict) else value
            )
    return PassForm(form.kind, names=names)


LAYOUT = Written("replicator", "Omniverse Replicator and Isaac Sim (BasicWriter)", recognise)
