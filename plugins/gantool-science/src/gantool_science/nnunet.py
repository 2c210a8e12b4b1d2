"""Folders of nnU-Net: `imagesTr/CASE_0000.nii.gz` beside `labelsTr/CASE.nii.gz`."""

from __future__ import annotations

from gantool.data.frames import PassForm, PassKind
from gantool.data.layouts.description import Description, Source
from gantool.data.layouts.model import Written
from gantool.data.layouts.tree import Tree


def recognise(tree: Tree) -> Description | None:
    """Its pictures carry the number of the channel, its labels do not; several channels of a case are pictures by themselves."""
    files = [file for file in tree.files if file.startswith(("imagesTr/", "imagesTs/"))]
    ends = {end for end in (".nii.gz", ".nii") if any(file.endswith(f"_0000{end}") for file in files)}
    if not ends:
        return None
    sources, labels = [], []
    for end in sorted(ends):
        sources.append(Source(f"images{{set:Tr|Ts}}/{{case}}_{{channel:d}}{end}"))
        labels.append(Source(f"labels{{set:Tr|Ts}}/{{case}}{end}"))
    return Description("nnunet", tuple(sources), {"classes": (tuple(labels), PassForm(PassKind.CLASSES))})


LAYOUT = Written("nnunet", "nnU-Net's imagesTr and labelsTr", recognise)
