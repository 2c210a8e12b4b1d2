"""Pictures of an evaluation: what was predicted on real images after each arm, and the labels that refining left worst off."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from ..components import Task
from ..runs.files import remove_folder, write_folder
from ..runs.folder import writing
from .cells import FOLDER
from .downstream import Outcome
from .held import HeldImages
from .material import Compared
from .tasks import select

PICTURES = f"{FOLDER}/pictures"
"""Of a run folder."""
_SIDE = 384
"""Longer side of a picture at most (px)."""
_EXAMPLES = 4


def draw_examples(
    run: Path, compared: Compared, outcomes: Mapping[str, Outcome], worst: list[Mapping[str, Any]]
) -> dict[str, list[dict[str, Any]]]:
    """Write pictures into `RUN/evaluation/pictures` and return what they are, file names by arm.

    Returns "examples", reported images each with its "labels" and what was predicted after each arm, by the first estimator of
    the first run; and "worst", synthetic images "before" and "after" refining with their labels. None of tasks that draw nothing.
    """
    material, task = compared.material, compared.task
    tested, truth = material.real.take(material.reported), select(material.real_targets, material.reported)
    chosen = np.unique(np.linspace(0, len(tested) - 1, _EXAMPLES).round().astype(int)).tolist()
    drawings: dict[str, np.ndarray] = {}

    def draw(name: str, images: HeldImages, number: int, row: Any) -> str:
        drawings[f"{name}-{number}.webp"] = _drawn(task, images[number], row)
        return f"{name}-{number}.webp"

    if not _draws(task, tested[0], truth[0]):
        return {"examples": [], "worst": []}
    examples = [
        {"labels": draw("labels", tested, number, truth[number])}
        | {arm: draw(arm, tested, number, outcome.predicted[0][0][number]) for arm, outcome in outcomes.items()}
        for number in chosen
    ]
    sides = {"before": material.synthetic, "after": material.refined}
    cases = [
        {**case, **{side: draw(side, images, case["row"], material.targets[case["row"]]) for side, images in sides.items()}}
        for case in worst
    ]
    with writing(run):
        if (run / PICTURES).is_dir():
            remove_folder(run / PICTURES)
        write_folder(run / PICTURES, _writer(drawings))
    return {"examples": examples, "worst": cases}


def _draws(task: Task, image: np.ndarray, row: Any) -> bool:
    plain = _colours(image)
    return bool((task.picture(plain.copy(), row) != plain).any())


def _drawn(task: Task, image: np.ndarray, row: Any) -> np.ndarray:
    return task.picture(_colours(image), row)


def _colours(image: np.ndarray) -> np.ndarray:
    """(H, W, C) of any type to (H, W, 3) uint8; of other channels than 3 the first is shown."""
    eight = image if image.dtype == np.uint8 else np.rint(image / 257).astype(np.uint8)
    return np.ascontiguousarray(eight if eight.shape[2] == 3 else np.repeat(eight[..., :1], 3, axis=2))


def _writer(drawings: Mapping[str, np.ndarray]) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        for name, image in drawings.items():
            scale = min(1.0, _SIDE / max(image.shape[:2]))
            size = tuple(max(1, round(side * scale)) for side in image.shape[1::-1])
            small = image if scale == 1 else cv2.resize(image, size, interpolation=cv2.INTER_AREA)
            Image.fromarray(small).save(folder / name, "webp", quality=88)

    return write
