"""RHD, rendered hands: `color/`, `depth/` and `mask/` of one number each."""

from __future__ import annotations

from ..frames import PassForm, PassKind
from .description import Description, Source
from .model import Written
from .tree import Tree

_RANGE = 5.0
"""Metres that the largest depth stands for."""


def recognise(tree: Tree) -> Description | None:
    """RHD has `color`, `depth` and `mask` side by side, depth as red and green of 8 bits, and labels that are pickled."""
    by_folder: dict[str, str] = {}
    for file in tree.pictures:
        by_folder.setdefault(file.rpartition("/")[0].rpartition("/")[2], file)
    if not {"color", "depth"} <= by_folder.keys():
        return None
    pickled = [file for file in tree.ending(".pickle") if "anno_" in file]
    look = tree.look(by_folder["depth"])
    if not pickled and not (look and look.channels >= 3 and look.bits == 8 and look.no_blue):
        return None
    end = {folder: file.rpartition(".")[2] for folder, file in by_folder.items()}
    depth = PassForm(PassKind.DEPTH, unit="m", weights=(256.0, 1.0), scale=_RANGE / 65535)
    passes = {"depth": ((Source(f"{{at/}}depth/{{frame:d}}.{end['depth']}"),), depth)}
    if "mask" in by_folder:
        passes["classes"] = ((Source(f"{{at/}}mask/{{frame:d}}.{end['mask']}"),), PassForm(PassKind.CLASSES))
    notes = tuple(f"{file} is pickled: it is copied, never read" for file in pickled)
    return Description("rhd", (Source(f"{{at/}}color/{{frame:d}}.{end['color']}"),), passes, notes=notes)


LAYOUT = Written("rhd", "RHD, rendered hands", recognise)
