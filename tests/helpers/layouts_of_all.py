"""Every layout that is known, by the name of who writes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import datasets_of_others as sets
import simulators as made

WRITERS: dict[str, Callable[[Path], None]] = {
    **{one.__name__: one for one in (made.mixed, made.bop, made.replicator, made.solo, made.carla, made.kubric, made.vkitti2)},
    **{one.__name__: one for one in (made.airsim, made.rhd, made.falling_things, made.dope, made.blenderproc, made.hypersim)},
    **{one.__name__: one for one in (made.mitsuba, made.file_output)},
    **{one.__name__: one for one in (sets.coco_writer, sets.coco_panoptic, sets.synthia, sets.gta5, sets.unityeyes, sets.voc)},
    **{one.__name__: one for one in (sets.yolo, sets.nuclei, sets.vistas)},
    "blender4": lambda root: made.blender(root / "a_0001.exr", 4),
    "blender5": lambda root: made.blender(root / "a_0001.exr", 5),
    "stereo4": lambda root: made.blender(root / "a_0001.exr", 4, stereo=True),
    "stereo5": lambda root: made.blender(root / "a_0001.exr", 5, stereo=True),
    "stereo_hdf5": lambda root: made.blenderproc(root, stereo=True),
    "boppng": lambda root: made.bop(root, suffix="png", listed="jpg"),
}
