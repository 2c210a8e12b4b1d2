from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import torch

from gantool.components import Labels, Task
from gantool.data.annotations.objects import AnnotatedObject
from gantool.data.scenes import Scene
from gantool.evaluation.held import held
from gantool.plugins import load_plugins

PAGE = Path(__file__).resolve().parents[2] / "docs" / "plugins" / "tasks.md"


def test_the_task_of_the_page_counts():
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)
    names: dict[str, object] = {}
    exec(code, names)
    scenes = [Scene((AnnotatedObject("cell", (0, 0, 2, 2)),) * (number % 4 + 1)) for number in range(40)]
    task = names["Counting"](config=None, labels=Labels(name="objects", values=scenes, size=None, crop=False, kind="objects", names=("cell",)))  # type: ignore[operator]  # fmt: skip
    assert isinstance(task, Task)
    targets = task.load(scenes, np.zeros((40, 2)))
    images = held(torch.linspace(-1, 1, 4).repeat(10)[:, None, None, None].expand(-1, 1, 12, 12))
    estimator = load_plugins().build("estimator", "small-cnn", {"steps": 60, "batch_size": 20}, outputs=1, seed=0)
    rows = task.learn(estimator, images, targets)(images)
    figures = [
        task.aggregate(task.statistics(each, targets), np.ones((1, 40)))[0] for each in (rows, task.baseline(targets, 40)[1])
    ]
    assert figures[0] < 0.5 * figures[1]
