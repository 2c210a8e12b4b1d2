"""SYNTHIA: `RGB/`, `Depth/` and `GT/` side by side; labels are 16-bit pictures with the class in red, the instance in green."""

from __future__ import annotations

from ..frames import PassForm, PassKind
from .description import Description, Source
from .model import Written
from .tree import Tree

_WHERE = "{camera/}{frame:d}.png"


def recognise(tree: Tree) -> Description | None:
    """SYNTHIA keeps its labels in `GT/LABELS`, with three channels of 16 bits."""
    labels = next((file for file in tree.pictures if "/GT/LABELS/" in f"/{file}"), None)
    look = tree.look(labels) if labels else None
    if look is None or look.bits != 16 or look.channels < 3:
        return None
    where = "{at/}GT/LABELS/" + _WHERE
    passes = {
        "classes": ((Source(where),), PassForm(PassKind.CLASSES, take=(0,))),
        "instances": ((Source(where),), PassForm(PassKind.INSTANCES, take=(1,), background=(0.0,))),
        # The same in colours.
        "shown": ((Source("{at/}GT/COLOR/" + _WHERE),), PassForm(PassKind.OTHER)),
    }
    depth = next((file for file in tree.pictures if "/Depth/" in f"/{file}"), None)
    found = tree.look(depth) if depth else None
    if found is not None:
        # A number is written once, or as grey.
        plain = PassForm(PassKind.DEPTH, unit="cm", take=(0,), background=(65535.0,))
        form = plain if found.grey and found.bits == 16 else PassForm(PassKind.OTHER)
        folder = "Depth/Depth" if "/Depth/Depth/" in f"/{depth}" else "Depth"
        passes["depth"] = ((Source(f"{{at/}}{folder}/{_WHERE}"),), form)
    there = any("/RGB/" in f"/{file}" for file in tree.pictures)
    pictures = (Source("{at/}RGB/" + _WHERE),) if there else ()
    colours = any("/GT/COLOR/" in f"/{file}" for file in tree.pictures)
    passes = {name: found for name, found in passes.items() if name != "shown" or colours}
    return Description("synthia", pictures, passes, missing="" if there else "there is no RGB/0000000.png")


LAYOUT = Written("synthia", "SYNTHIA", recognise)
