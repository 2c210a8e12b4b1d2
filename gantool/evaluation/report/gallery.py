"""What the run does to images: a grid, the worst cases, real neighbours, and what its replay buffers held."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...runs.checkpoints import Checkpoints
from ..run_images import RunImages, draw
from .measures import change, distances, edge_shift, reduced
from .pictures import difference_scale, differences, pictures

_SEARCHED, _SEARCHED_PIXELS = 256, 2**22
"""Synthetic images that worst cases are looked for in, fewer where they are large."""
_REAL, _REAL_VALUES = 2000, 2**26
"""Real images that neighbours are looked for in, likewise."""
_NEIGHBOURS = 3
_CHECKPOINTS = 6
"""Checkpoints at most whose buffers are shown, evenly over those that were kept."""


def make_gallery(images: RunImages, count: int, *, seed: int) -> dict[str, Any]:
    """Draw, refine and compare `count` images for the grid, and more for the worst cases. Raises `GantoolError`.

    Returns "pairs" for the grid and "worst" ones, each with "name", the pictures "synthetic", "refined" and "difference", the
    mean "change" (of the [-1, 1] scale) and the "shift" of its edges (px); "real" pictures; "neighbours" and
    "nearness", see `_neighbours`; the "scale" at which difference maps have full colour; how many images were "searched", their
    "mean_change", the "size" (H, W) in px of all, and whether they are "crops" of larger ones.
    """
    height, width = images.size
    searched = max(count, min(_SEARCHED, _SEARCHED_PIXELS // (height * width)))
    synthetic = draw(images.synthetic, searched, seed=seed)
    before, channels = synthetic.images, synthetic.images.shape[1]
    real = draw(images.real, max(count, min(_REAL, _REAL_VALUES // (height * width * channels))), seed=seed).images
    after = images.refine(before)
    shown = min(count, len(synthetic))
    shifts, changes = edge_shift(before, after), change(before, after)
    worst = np.argsort(-shifts, kind="stable")[: max(1, count // 3)]
    scale = difference_scale(before[:shown], after[:shown])
    chosen = [*range(shown), *worst.tolist()]
    columns = {
        "name": [synthetic.names[number] for number in chosen],
        "synthetic": pictures(before[chosen]),
        "refined": pictures(after[chosen]),
        "difference": differences(before[chosen], after[chosen], scale),
        "change": changes[chosen].tolist(),
        "shift": shifts[chosen].tolist(),
    }
    pairs = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return {
        "pairs": pairs[:shown],
        "real": pictures(real[:shown]),
        "worst": pairs[shown:],
        **_neighbours(before, after, real, pairs[: max(1, shown // 4)]),
        "scale": scale,
        "searched": len(synthetic),
        "mean_change": float(changes.mean()),
        "real_name": images.real.name,
        "size": images.size,
        "crops": images.crops,
    }


def _neighbours(synthetic: torch.Tensor, refined: torch.Tensor, real: torch.Tensor, pairs: list[Any]) -> dict[str, Any]:
    """The real images that are most like those of `pairs`, the first refined ones, nearest first with their distances; and
    "nearness", the median distance to the nearest real image of each kind, that of real ones to others being as near as it gets.
    """
    if len(real) < 2:
        return {"neighbours": [], "nearness": None}
    known = reduced(real)
    found = distances(reduced(refined), known)
    among = distances(known[: len(refined)], known)
    among[range(len(among)), range(len(among))] = torch.inf  # an image is no neighbour of itself
    each = {"synthetic": distances(reduced(synthetic), known), "refined": found, "real": among}
    nearest = found[: len(pairs)].topk(min(_NEIGHBOURS, len(real)), largest=False)
    rows = zip(pairs, nearest.indices.tolist(), nearest.values.tolist(), strict=True)
    return {
        "neighbours": [
            {"pair": pair, "real": list(zip(pictures(real[indices]), values, strict=True))} for pair, indices, values in rows
        ],
        "nearness": {name: float(rows.min(dim=1).values.median()) for name, rows in each.items()} | {"compared": len(real)},
    }


def read_history(run: Path, form: tuple[int, int, int], *, count: int, seed: int) -> list[dict[str, Any]]:
    """Draw `count` images of each replay buffer at each checkpoint that was kept, oldest first. Raises `GantoolError`.

    No hook is needed for that: whatever in a recipe's state is a stack of images of the run's `form`, (C, H, W), is taken for the
    images of a buffer, and its name in the state is shown, such as "history.images".
    """
    checkpoints = Checkpoints(run, keep=1)
    steps = checkpoints.steps()[::-1]
    kept = steps[:: max(1, -(-len(steps) // _CHECKPOINTS))][::-1]
    found = []
    for step in kept:
        for name, images in _stacks(checkpoints.load(step)["recipe"], form):
            order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))[:count]
            found.append({"step": step, "name": name, "count": len(images), "shown": pictures(images[order].float())})
    return found


def _stacks(state: Any, form: tuple[int, int, int], name: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    if isinstance(state, torch.Tensor):
        if state.ndim == 4 and tuple(state.shape[1:]) == form and state.is_floating_point() and len(state):
            yield name, state
        return
    items = state.items() if isinstance(state, Mapping) else enumerate(state) if isinstance(state, list | tuple) else ()
    for key, value in items:
        yield from _stacks(value, form, f"{name}.{key}" if name else str(key))
