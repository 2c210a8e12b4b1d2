"""Evidence from the images themselves: what R changes, whether labels stay true, how real the images look."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...errors import GantoolError, raised
from ...plugins.registry import Provided, Registry
from ...runs.metrics import read_metrics
from ...training.selection import update_metric
from ..arms import Material
from ..held import HeldImages, stacked
from ..material import Compared
from ..progress import Progress
from .artifacts import IDENTITY, artifacts
from .artifacts import MINIMUM as ARTIFACTS_MINIMUM
from .objects import object_preservation
from .preservation import label_preservation
from .realism import MINIMUM as REALISM_MINIMUM
from .realism import realism

PART, PARTS = "images", 4
"""What progress calls a comparison of images, and how many there are."""
_IMAGES = 1000
"""Images of each kind at most that are compared."""
_PIXELS = 2**25
"""Pixels of each kind at most, likewise."""
_POINTS = 200
"""Points of a curve at most."""


def foreseen(material: Material) -> list[str]:
    """What cannot be compared, and why, a line each: told before anything is learnt."""
    count, needs = len(material.references), {"realism": 2 * REALISM_MINIMUM, "artefacts": 2 * ARTIFACTS_MINIMUM - 1}
    return [
        f"{name}: will be skipped, it needs {needed} unlabelled real images and there are {count}"
        for name, needed in needs.items()
        if count < needed
    ]


def collect(run: Path, compared: Compared, registry: Registry, *, features: str | None, progress: Progress) -> dict[str, Any]:
    """Return the keys `label_preservation`, `realism`, `metrics` and `activity` of the result.

    `features`: the feature space; None for nothing but what costs nothing.
    """
    material = compared.material
    found: dict[str, Any] = {"label_preservation": None, "realism": None, "metrics": {}}
    found["activity"] = {**activity(material.refined, material.synthetic, run), "artifacts": None}
    if features is None:
        return found
    # Images are in the order of their files, which may be sorted by what they show.
    count = max(1, min(_IMAGES, _PIXELS // max(image.shape[0] * image.shape[1] for image in material.refined)))
    chosen, order = (
        torch.randperm(len(images), generator=torch.Generator().manual_seed(material.seed))
        for images in (material.refined, material.references)
    )
    chosen, (first, second) = chosen[:count], order[: 2 * count].tensor_split(2)
    refined, synthetic, real, other = stacked(
        material.refined.take(chosen),
        material.synthetic.take(chosen),
        material.references.take(first),
        material.references.take(second),
    )
    records = [compared.records[row] for row in chosen.tolist()] if compared.records else None
    labels, keypoints = (each[chosen] if isinstance(each, Tensor) else None for each in (material.targets, compared.keypoints))
    if labels is not None and labels.isnan().any():  # points that are not labelled
        labels = None
    with progress.part(PART, "comparing images: labels"):
        found["label_preservation"] = _section(
            label_preservation, synthetic, refined, keypoints=keypoints, labels=labels, seed=material.seed
        )
        found["label_preservation"]["objects"] = _objects(compared, chosen)
    with progress.part(PART, "comparing images: realism"):
        found["realism"] = _section(realism, refined, synthetic, real, other, features=features, seed=material.seed)
    with progress.part(PART, "comparing images: metrics"):
        found["metrics"] = metrics(registry, {"refined": refined, "synthetic": synthetic}, real, records)
    with progress.part(PART, "comparing images: artefacts"):
        found["activity"]["artifacts"] = _section(artifacts, refined, synthetic, real)
    return found


def _objects(compared: Compared, chosen: Tensor) -> dict[str, Any] | None:
    """What becomes of the edges where labels are; None where these have no place in the image."""
    area = getattr(compared.task, "area", None)
    if area is None:
        return None
    material, rows = compared.material, chosen.tolist()
    synthetic, refined = material.synthetic.take(rows), material.refined.take(rows)
    found = object_preservation(
        synthetic, refined, lambda number: area(material.targets[rows[number]], synthetic[number].shape[:2])
    )
    return {**found, "worst": [{**each, "row": rows[each["row"]]} for each in found["worst"]]}


def _section(make: Callable[..., dict[str, Any]], *images: Tensor, **more: Any) -> dict[str, Any]:
    """What `make` returns, or why it cannot: one kind of evidence less does not take the others away."""
    try:
        return make(*images, **more)
    except GantoolError as why:
        return {"skipped": str(why)}


def metrics(
    registry: Registry, sides: Mapping[str, Tensor], real: Tensor, labels: Sequence[Mapping[str, Any]] | None = None
) -> dict[str, dict[str, Any]]:
    """Figures of every installed metric, or why there are none, for each of `sides` ("synthetic" and what was made of it)
    against unlabelled real images. `labels`: a record for each image of a side."""
    found: dict[str, dict[str, Any]] = {}
    for provided in registry.all("metric"):
        try:
            beside = {"source": sides["synthetic"], "labels": labels}
            found[provided.full_name] = {side: _measure(provided, images, real, beside) for side, images in sides.items()}
        except Exception as error:  # a plugin's fault must not cost the minutes of training before it
            found[provided.full_name] = {"error": raised(error)}
    return found


def _measure(provided: Provided, images: Tensor, real: Tensor, beside: Mapping[str, Any]) -> dict[str, float]:
    metric = provided.with_options({}, where="metric.").build()
    with torch.no_grad():
        update_metric(metric, provided.record, images, real, **beside)
    return {name: float(value) for name, value in metric.compute().items()}


def activity(refined: HeldImages, synthetic: HeldImages, run: Path) -> dict[str, Any]:
    """Whether the refiner does anything: what it changes, the mean of the [-1, 1] scale, and how the discriminator fared."""
    pairs = zip(refined, synthetic, strict=True)
    moved = [np.abs(after.astype(np.float32) - before).mean() / np.iinfo(after.dtype).max for after, before in pairs]
    change = 2 * float(np.mean(moved))
    near = " (next to nothing: it is nearly the identity)" if change < IDENTITY else ""
    return {
        "mean_change": change,
        "discriminator": accuracies(run),
        "sentence": f"R changes a pixel by {change:.3f} on average on the scale from -1 to 1{near}.",
    }


def accuracies(run: Path) -> dict[str, list[list[float]]]:
    """Curves, [[step, value], …], of every figure in a run's log whose name contains "accuracy"; none without a log."""
    curves: dict[str, list[list[float]]] = {}
    for row in read_metrics(run):
        for name, value in row.items():
            if "accuracy" in name and isinstance(value, int | float):
                curves.setdefault(name, []).append([row["step"], value])
    return {name: points[:: -(-len(points) // _POINTS)] for name, points in curves.items()}
