"""Tiny files in the layout of the NYU hand pose data set."""

import numpy as np
from PIL import Image
from scipy.io import savemat

FINGERS = [f"{finger}_KNU{segment}_{part}" for finger in ("F1", "F2", "F3", "F4", "TH") for segment in (3, 2, 1) for part in "AB"]
NAMES = FINGERS + [f"PALM_{number}" for number in range(1, 7)]
BACKGROUND_MM = 1900


def pack(depth):
    """(H, W) mm to the pixels of a published image: upper bits in green, lower in blue, red is not used."""
    depth = np.asarray(depth, np.uint16)
    return np.stack((np.zeros_like(depth), depth >> 8, depth & 255), axis=-1).astype(np.uint8)


def joints_of(number, view):
    """(36, 3) u, v, mm: a cloud of points that is another one in every frame."""
    draw = np.random.default_rng((number, view))
    return np.column_stack((draw.uniform(250, 330, 36), draw.uniform(180, 280, 36), draw.uniform(700, 800, 36)))


def depths_of(number, view):
    """Synthetic and real depth in mm: a disc at the joints; the real one is 5 mm farther, has a hole, and a wall behind."""
    joints = joints_of(number, view)
    u, v, mm = joints.mean(axis=0)
    y, x = np.mgrid[:480, :640]
    disc = np.hypot(x - u, y - v) < 60
    relief = mm + (x - u) * 0.5
    synthetic = np.where(disc, relief, 0)
    real = np.where(disc, relief + 5, BACKGROUND_MM)
    real[np.hypot(x - u - 20, y - v) < 6] = 0
    return synthetic, real


def write_split(folder, frames, views=(1,), first=1):
    """Write a split with joint_data.mat for all its frames; return the folder."""
    folder.mkdir(parents=True)
    joints = np.array([[joints_of(number, view) for number in range(1, first + frames)] for view in (1, 2, 3)])
    write_joints(folder, joints)
    for view in views:
        for number in range(first, first + frames):
            for kind, depth in zip(("synthdepth", "depth"), depths_of(number, view), strict=True):
                Image.fromarray(pack(depth)).save(folder / f"{kind}_{view}_{number:07d}.png", compress_level=1)
    return folder


def write_joints(folder, joints, names=NAMES, **others):
    cells = np.array([[name] for name in names], object).reshape(1, -1)
    savemat(folder / "joint_data.mat", {"joint_uvd": joints, "joint_xyz": joints, "joint_names": cells} | others)
