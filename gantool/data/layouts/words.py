"""Words in the names of files and folders, and what they say of the files so called."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..frames import PassKind

PICTURE = "picture"
Role = PassKind | str
"""`PICTURE`, or the kind of a pass."""

_TOKEN = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^A-Za-z\d]+")
_PHRASES: dict[Role, str] = {
    PICTURE: "rgb rgba left_img_8_bit image images img imgs color colors colour colours photo photos picture pictures beauty "
    "combined input inputs original originals tonemap preview",
    PassKind.DEPTH: "depth depths zdepth zbuffer z_buffer z_depth distance_to_image_plane depth_planar depth_meters",
    PassKind.DISTANCE: "distance range distance_to_camera depth_perspective depth_ray",
    PassKind.NORMALS: "normal normals normalmap normal_map nrm",
    PassKind.INSTANCES: "instance instances inst panoptic instancegt instance_ids instance_id instance_segmentation "
    "object_index object_ids object_id index_ob ind_ob segmentation_object",
    PassKind.CLASSES: "classes semantic semantics semseg seg segm segs segmentation segmentations mask masks label labels "
    "parsing gt annotation annotations classgt groundtruth ground_truth label_ids train_ids class_ids semantic_segmentation "
    "trimap trimaps silhouette silhouettes segmentation_class",
    PassKind.MATERIALS: "material materials material_index material_ids index_ma",
    PassKind.ALBEDO: "albedo diffuse diffuse_color diff_col basecolor base_color",
    PassKind.MOTION: "flow motion motion_vectors optical_flow forward_flow backward_flow vector",
    PassKind.OTHER: "mist ao ambient_occlusion uv position alpha emission edge edges canny disparity disp roughness metallic "
    "specular glossy shadow shadows heatmap heatmaps cryptomatte noisy_image object_coordinates residual",
}
_KNOWN: dict[tuple[str, ...], Role] = {
    tuple(phrase.split("_")): role for role, phrases in _PHRASES.items() for phrase in phrases.split()
}
_LONGEST = max(map(len, _KNOWN))


@dataclass(frozen=True)
class Found:
    """A word, or several, that say what a file is."""

    role: Role
    start: int
    stop: int
    """Where it lies in the text."""


def roles(text: str) -> list[Found]:
    """Return the words of a name that say something, longest first at each place, in their order."""
    tokens = [(found[0], found.start(), found.end()) for found in _TOKEN.finditer(text)]
    letters = [token for token in tokens if token[0].isalpha() or token[0].isdigit()]
    found: list[Found] = []
    place = 0
    while place < len(letters):
        for length in range(min(_LONGEST, len(letters) - place), 0, -1):
            words = letters[place : place + length]
            role = _KNOWN.get(tuple(word.lower() for word, _, _ in words))
            if role is not None:
                found.append(Found(role, words[0][1], words[-1][2]))
                place += length
                break
        else:
            place += 1
    return found


def role(found: Sequence[Found]) -> Role | None:
    """Return what words together say: a pass where one of them says so, the longest of these; else a picture, or nothing."""
    passes = [one for one in found if one.role != PICTURE]
    if passes:
        return max(passes, key=lambda one: one.stop - one.start).role
    return found[0].role if found else None


def pass_of(name: str) -> PassKind | None:
    """Return the kind of pass that a name says; None for a picture, and where it says nothing."""
    said = role(roles(name))
    return None if said in (None, PICTURE) else PassKind(said)


def tokens(text: str) -> list[str]:
    """Return words, numbers and what is between them."""
    return _TOKEN.findall(text)
