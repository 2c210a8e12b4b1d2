"""Hypersim: `frame.0000.NAME.hdf5` of one data set each, in folders by camera."""

from __future__ import annotations

from ..frames import PassForm, PassKind, PictureForm
from .description import Description, Source
from .model import Written
from .tree import Tree

_CAMERA = "{at/}scene_{camera}_"
_PASSES = {
    "depth": ("depth_meters", PassForm(PassKind.DISTANCE, unit="m")),
    "normals": ("normal_cam", PassForm(PassKind.NORMALS, unit="camera")),
    "normals_world": ("normal_world", PassForm(PassKind.NORMALS, unit="world")),
    "normals_bump": ("normal_bump_cam", PassForm(PassKind.NORMALS, unit="camera")),
    "normals_bump_world": ("normal_bump_world", PassForm(PassKind.NORMALS, unit="world")),
    "classes": ("semantic", PassForm(PassKind.CLASSES)),
    "instances": ("semantic_instance", PassForm(PassKind.INSTANCES)),
    "entities": ("render_entity_id", PassForm(PassKind.INSTANCES)),
    "position": ("position", PassForm(PassKind.OTHER, unit="asset units")),
    "texture": ("tex_coord", PassForm(PassKind.OTHER)),
    "albedo": ("diffuse_reflectance", PassForm(PassKind.ALBEDO)),
    "diffuse_illumination": ("diffuse_illumination", PassForm(PassKind.OTHER)),
    "residual": ("residual", PassForm(PassKind.OTHER)),
}


def recognise(tree: Tree) -> Description | None:
    """Hypersim's pictures are `scene_cam_00_final_hdf5/frame.0000.color.hdf5`; what is tone-mapped lies in a folder beside."""
    files = [file for file in tree.files if file.endswith(".hdf5") and "/frame." in f"/{file}"]
    names = {words[2] for file in files if len(words := file.rpartition("/")[2].split(".")) == 4}
    known = {word for word, _ in _PASSES.values()} | {"color"}
    if not names & known:
        return None
    nested = any("scene_cam" in file for file in files)
    previews = [file for file in tree.pictures if ".tonemap." in file]
    end = previews[0].rpartition(".")[2] if previews else ""

    def where(group: str, name: str, suffix: str) -> str:
        folder = f"{_CAMERA}{group}/" if nested else "{at/}"
        return f"{folder}frame.{{frame:d}}.{name}.{suffix}"

    linear = "color" in names
    picture = (
        Source(where("{final_hdf5|geometry_hdf5}", "color", "hdf5"), key="dataset")
        if linear
        else Source(where("final_preview", "tonemap", end))
    )
    notes, copy = [], []
    if linear and previews:
        notes.append(f"{previews[0]} and its like show color.hdf5 and are copied; --image '*.tonemap.{end}' refines them instead")
        copy.append(f"{{at/}}{{preview}}.{end}")
    passes = {
        name: ((Source(where("{final_hdf5|geometry_hdf5}", word, "hdf5"), key="dataset"),), form)
        for name, (word, form) in _PASSES.items()
        if word in names
    }
    pictures = (picture,) if linear or previews else ()
    missing = "" if pictures else "there is no frame.0000.color.hdf5 or frame.0000.tonemap.jpg"
    # Geometry is previewed in pictures, too; those are of passes.
    copy += [f"{{at/}}{{preview}}.{one}" for one in sorted({f.rpartition(".")[2] for f in tree.pictures}) if one != end or linear]
    return Description(
        "hypersim",
        pictures,
        passes,
        picture=PictureForm(linear=linear),
        copy=tuple(dict.fromkeys(copy)),
        notes=tuple(notes),
        missing=missing,
    )


LAYOUT = Written("hypersim", "Hypersim (HDF5 by camera and frame)", recognise)
