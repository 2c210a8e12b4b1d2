"""Is the refiner doing anything? What it changes, and how the discriminator fared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from torch import Tensor

_POINTS = 200
"""Points of a curve at most."""


def activity(refined: Tensor, synthetic: Tensor, run: Path) -> dict[str, Any]:
    """Return the key `activity` of the result, without artefacts. Images are (N, C, H, W) in [-1, 1]."""
    change = float((refined - synthetic).abs().mean())
    share = 100 * change / 2
    near = " (next to nothing: it is nearly the identity)" if share < 0.5 else ""
    return {
        "mean_change": change,
        "discriminator": accuracies(run / "metrics.jsonl"),
        "sentence": f"R changes a pixel by {share:.1f} % of its range on average{near}.",
    }


def accuracies(file: Path) -> dict[str, list[list[float]]]:
    """Curves, [[step, value], …], of every figure in a run's log whose name contains "accuracy"; none without a log."""
    curves: dict[str, list[list[float]]] = {}
    if not file.is_file():
        return curves
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            row = json.loads(line)
        except ValueError:  # the last line of a run that was killed
            continue
        for name, value in row.items():
            if "accuracy" in name and isinstance(value, int | float):
                curves.setdefault(name, []).append([row["step"], value])
    return {name: points[:: -(-len(points) // _POINTS)] for name, points in curves.items()}
