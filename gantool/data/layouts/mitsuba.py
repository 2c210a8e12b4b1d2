"""Mitsuba: one EXR per frame, the picture in R, G and B and integrators' AOVs beside."""

from __future__ import annotations

from ..frames import PassForm, PassKind, PictureForm
from .description import Description, Source
from .model import Written
from .tree import Tree

_ENDS = {
    "T": ("depth", PassForm(PassKind.DISTANCE, background=(0.0,)), "T"),
    "X": ("normals", PassForm(PassKind.NORMALS, unit="world"), "XYZ"),
    "U": ("uv", PassForm(PassKind.OTHER), "UV"),
    "I": ("ids", PassForm(PassKind.INSTANCES), "I"),
    "R": ("albedo", PassForm(PassKind.ALBEDO), "RGB"),
}


def recognise(tree: Tree) -> Description | None:
    """Mitsuba's AOVs are channels such as `dd.y.T`, `nn.X` and `sid.I`; `R` is there once more as `img.R`."""
    files = tree.ending(".exr")
    parts = tree.exr(files[0]) if files else ()
    channels = list(parts[0].channels) if len(parts) == 1 else []
    ends = {name.rpartition(".")[2] for name in channels if "." in name}
    mitsuba = "mitsuba" in str(parts[0].attributes.get("generatedBy", "")).lower() if parts else False
    if not (ends & {"T", "I"} or (mitsuba and ends)):
        return None
    aovs = [name for name in dict.fromkeys(name.rpartition(".")[0] for name in channels) if name]
    passes: dict[str, tuple[tuple[Source, ...], PassForm]] = {}
    for aov in aovs:
        own = {name.rpartition(".")[2] for name in channels if name.rpartition(".")[0] == aov}
        end = next((end for end in _ENDS if end in own), "")
        if not end or "A" in own or ("R" in own and "img" in aov):
            continue  # the picture once more
        _, form, letters = _ENDS[end]
        name, form = _name(aov, form, own)
        if all(letter in own for letter in letters):
            passes[name] = ((Source("{at/}{frame}.exr", channels=tuple(f"{aov}.{letter}" for letter in letters)),), form)
    picture = ("R", "G", "B") if {"R", "G", "B"} <= set(channels) else ("img.R", "img.G", "img.B")
    pictures = (Source("{at/}{frame}.exr", channels=picture),) if set(picture) <= set(channels) else ()
    return Description(
        "mitsuba", pictures, passes, picture=PictureForm(linear=True), missing="" if pictures else f"{files[0]} has no R, G and B"
    )


def _name(aov: str, form: PassForm, own: set[str]) -> tuple[str, PassForm]:
    """AOVs have the names that the scene gives them; only the letters of channels are Mitsuba's own."""
    text = aov.lower()
    if "X" in own and any(word in text for word in ("pos", "point", "dp_", "bary", "duv")):
        return aov, PassForm(PassKind.OTHER)
    if form.kind == PassKind.NORMALS and not any(word in text for word in ("n", "norm")):
        return aov, PassForm(PassKind.OTHER)
    if form.kind == PassKind.INSTANCES:
        # Shapes count from 1; primitives from 0, which is their background, too.
        prim = "p" in text and "s" not in text.partition("i")[0]
        return ("primitives" if prim else "instances"), PassForm(PassKind.INSTANCES if not prim else PassKind.OTHER)
    names = {PassKind.DISTANCE: "depth", PassKind.NORMALS: "normals", PassKind.ALBEDO: "albedo"}
    return names.get(form.kind, aov), form


LAYOUT = Written("mitsuba", "Mitsuba's AOVs (EXR)", recognise)
