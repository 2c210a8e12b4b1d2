"""Folders of frames whose passes say where each pixel is, so that a crop can be told by any of them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch

import gantool
from gantool.components import Channels
from gantool.data.conditions import choose
from gantool.data.opening import open_images
from gantool.model.bundle import Recorded, write_bundle

OPTIONS = {"width": 4, "blocks": 1, "residual": True}
"""Of the refiners that `conditioned_run` writes."""

NORMAL = (86, 164, 242)
"""RGB of all normals: of length 1, within a rounding."""


def write_frames(root: Path, count: int = 6, size: tuple[int, int] = (40, 48), seed: int = 0) -> Path:
    """Write `rgb/`, `depth/` (16 bit: column + 100 · row), `normal/`, `instance/` (two halves) and `classes/` (three bands).

    The red of a picture is its row, its green the column, its blue noise.
    """
    height, width = size
    rows, columns = np.mgrid[:height, :width]
    random = np.random.default_rng(seed)
    bands = (np.arange(height) * 3 // height + 4).astype(np.uint8)[:, None].repeat(width, axis=1)
    for number in range(count):
        halves = np.where(columns < width // 2 + number % 3, 3, 9).astype(np.uint8)
        picture = np.stack([rows, columns, random.integers(0, 255, size)], axis=-1).astype(np.uint8)
        files = {"rgb": picture, "normal": np.full((*size, 3), NORMAL, np.uint8), "instance": halves, "classes": bands}
        for folder, pixels in {**files, "depth": (columns + 100 * rows + 1000).astype(np.uint16)}.items():
            (root / folder).mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(root / folder / f"{number:04}.png"), pixels[..., ::-1] if pixels.ndim == 3 else pixels)
    return root


def write_pictures(root: Path, count: int = 6, size: tuple[int, int] = (40, 48)) -> Path:
    """Write pictures alone."""
    root.mkdir(parents=True)
    random = np.random.default_rng(1)
    for number in range(count):
        cv2.imwrite(str(root / f"{number:04}.png"), random.integers(0, 255, (*size, 3), np.uint8))
    return root


def conditioned_run(folder: Path, frames: Path, names: tuple[str, ...], **more: object) -> Path:
    """Write a run that saw passes of these names of these frames; its weights are random."""
    conditions = choose(names, open_images(frames))
    channels = Channels(3, {name: found.channels for name, found in conditions.items()})
    torch.manual_seed(0)
    network = gantool.build("generator", "simgan:refiner", channels=channels, **OPTIONS)
    for weight in network.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    recorded = Recorded(component="simgan:refiner", options=OPTIONS, channels=channels, conditions=conditions, **more)  # type: ignore[arg-type]
    write_bundle(folder, network.state_dict(), recorded)
    return folder
