"""CARLA: folders of pictures as `save_to_disk` writes them, depth packed into 24 bits and classes in the red channel."""

from __future__ import annotations

from dataclasses import replace

from ..frames import PassForm, PassKind
from . import generic
from .description import Description
from .model import Written
from .patterns import pattern
from .tree import Look, Tree

_METRES = 1000.0
_DEPTH = PassForm(
    PassKind.DEPTH,
    unit="m",
    weights=(1.0, 256.0, 65536.0),
    scale=_METRES / (2**24 - 1),
    background=(float(2**24 - 1),),
    range=(0.0, _METRES),
)
"""Red is the least of the three bytes."""


def recognise(tree: Tree) -> Description | None:
    """CARLA's classes have green and blue 0, and its depth uses three channels."""
    if not any("dep" in file.lower() for file in tree.pictures):
        return None
    found = generic.describe(tree)
    if found is None:
        return None
    looks = {name: _look(tree, sources[0].files) for name, (sources, _) in found.passes.items()}
    packed = [
        name
        for name, look in looks.items()
        if look and name.startswith("depth") and look.channels >= 3 and not look.grey and look.bits == 8
    ]
    classes = [name for name, look in looks.items() if look and look.red_only and found.passes[name][1].kind == PassKind.CLASSES]
    if not packed or not classes:
        return None
    forms = {**dict.fromkeys(packed, _DEPTH), **dict.fromkeys(classes, PassForm(PassKind.CLASSES, take=(0,)))}
    passes = {name: (sources, forms.get(name, form)) for name, (sources, form) in found.passes.items()}
    return replace(found, name="carla", passes=passes)


def _look(tree: Tree, text: str) -> Look | None:
    file = next((file for file in tree.pictures if pattern(text).match(file)), None)
    return tree.look(file) if file else None


LAYOUT = Written("carla", "CARLA's cameras, one folder each", recognise)
