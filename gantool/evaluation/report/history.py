"""What replay buffers held at each checkpoint that was kept.

No hook is needed for that: whatever in a recipe's state is a stack of images of the run's form, (N, C, H, W) with the channels
and size that it was trained at, is taken for the images of a buffer, and its name in the state is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ...runs.checkpoints import Checkpoints
from .pictures import Picture, pictures

_CHECKPOINTS = 6
"""Checkpoints at most, evenly over those that were kept."""


@dataclass(frozen=True, kw_only=True)
class Held:
    """Some images of one buffer at one checkpoint."""

    step: int
    name: str
    """Where it is in the recipe's state, such as "history.images"."""
    count: int
    """Images that it held."""
    shown: tuple[Picture, ...]


def read_history(run: Path, form: tuple[int, int, int], *, count: int, seed: int) -> list[Held]:
    """Draw `count` images of each buffer at each checkpoint, oldest first. `form`: (C, H, W). Raises `GantoolError`."""
    checkpoints = Checkpoints(run, keep=1)
    steps = checkpoints.steps()
    every = -(-len(steps) // _CHECKPOINTS) if steps else 1
    found = []
    for step in steps[::-1][::every][::-1]:
        for name, images in _stacks(checkpoints.load(step)["recipe"], form):
            order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))[:count]
            shown = tuple(pictures(images[order].float()))
            found.append(Held(step=step, name=name, count=len(images), shown=shown))
    return found


def _stacks(state: Any, form: tuple[int, int, int], name: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    if isinstance(state, torch.Tensor):
        if state.ndim == 4 and tuple(state.shape[1:]) == form and state.is_floating_point() and len(state):
            yield name, state
        return
    items = state.items() if isinstance(state, Mapping) else enumerate(state) if isinstance(state, list | tuple) else ()
    for key, value in items:
        yield from _stacks(value, form, f"{name}.{key}" if name else str(key))
