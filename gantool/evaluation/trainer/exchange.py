"""In what form a program is given labels, and gives predictions back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from ...components import Labels, Task
from ...errors import GantoolError
from ..tasks import NumbersTask
from .masks import UNKNOWN, Masks
from .objects import CocoMasks, CocoObjects, YoloObjects
from .pictures import Picture
from .rows import Rows


class Exchange(Protocol):
    """A form of labels and predictions in files."""

    @property
    def name(self) -> str:
        """What `--trainer-format` calls it."""

    @property
    def predictions(self) -> str:
        """What a program is to write, as a path in {out}."""

    def write(self, folder: Path, pictures: Sequence[Picture], targets: Any) -> None:
        """Write the labels of training pictures, which are in `folder / "images"`."""

    def read(self, folder: Path, pictures: Sequence[Picture]) -> Any:
        """Read what was predicted, as rows of the task. Raises `GantoolError`, one line, for whatever is wrong with it."""


def exchange_for(wanted: str, task: Task, labels: Labels) -> Exchange:
    """Choose a form for a task. `wanted`: what `--trainer-format` says. Raises `GantoolError` where there is none."""
    able = _forms(task, labels)
    if not able:
        raise GantoolError(f"--trainer: nobody knows how to write the labels of {type(task).__name__} for another program")
    if wanted not in ("auto", *able):
        raise GantoolError(f"--trainer-format {wanted}: {labels} go into {' or '.join(able)}")
    return next(iter(able.values()))() if wanted == "auto" else able[wanted]()


def _forms(task: Task, labels: Labels) -> dict[str, Callable[[], Exchange]]:
    """The forms that a task's labels have, the first of which is taken unless one is named."""
    classes, objects = [str(name) for name in getattr(task, "classes", ())], getattr(task, "iou", "")
    if isinstance(task, NumbersTask):
        return {"csv": lambda: Rows(_columns(labels.name, 1 if classes else task.outputs), classes)}
    if objects == "segm":
        return {"coco": lambda: CocoMasks(classes)}
    if objects:
        return {"coco": lambda: CocoObjects(classes), "yolo": lambda: YoloObjects(classes)}
    if 0 < len(classes) <= UNKNOWN:
        return {"masks": lambda: Masks(classes)}
    return {}


def _columns(name: str, count: int) -> list[str]:
    """Headings: names of columns, where labels are called by these, else the name with a number."""
    names = name.split(",")
    return names if len(names) == count else [f"{name}_{number}" for number in range(count)]
