"""Checkpoints of a run: `checkpoints/step-N/`, each whole or absent, the last few and the best kept."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..errors import GantoolError
from .files import remove_folder, remove_leftovers, write_folder
from .folder import by_step
from .state import load_state, save_state

FORMAT = 1
"""Grows when an older gantool could not read a checkpoint."""


class Checkpoints:
    """The checkpoints of one run folder."""

    def __init__(self, run: Path, *, keep: int) -> None:
        self.folder = run / "checkpoints"
        self.keep = keep

    def steps(self) -> list[int]:
        """Steps that have a checkpoint, ascending; files and folders of other names that a user put beside them are left out."""
        return sorted(step for step in by_step(self.folder) if self.path(step).is_dir())

    def path(self, step: int) -> Path:
        """Folder of the checkpoint after `step` steps."""
        return self.folder / f"step-{step:08d}"

    def save(self, step: int, state: Mapping[str, Any], *, best: int | None) -> Path:
        """Write a checkpoint, then drop the oldest ones, never the one at step `best`."""
        path = self.path(step)
        if not path.exists():  # a run that stops right after a checkpoint has nothing to add
            write_folder(path, lambda folder: save_state(folder, {"format": FORMAT, "step": step, **state}))
        for old in self.steps()[: -self.keep]:
            if old != best:
                remove_folder(self.path(old))
        return path

    def load(self, step: int) -> dict[str, Any]:
        """Read a checkpoint. Raises `GantoolError` where it is damaged or of a newer gantool."""
        state = load_state(self.path(step))
        if state.get("format", 0) > FORMAT:
            raise GantoolError(f"{self.path(step)} was written by a newer gantool: upgrade to resume it")
        return state

    def latest(self) -> dict[str, Any] | None:
        """Read the newest checkpoint, or None where there is none; remove what a killed process left half written."""
        remove_leftovers(self.folder)
        steps = self.steps()
        return self.load(steps[-1]) if steps else None


def random_state() -> dict[str, Any]:
    """The state of every global random generator that a plugin may draw from."""
    name, keys, position, has_gauss, gauss = np.random.get_state()
    state = {
        "python": random.getstate(),
        "numpy": (name, torch.from_numpy(np.asarray(keys).astype(np.int64)), position, has_gauss, gauss),
        "torch": torch.get_rng_state(),
    }
    if torch.cuda.is_available():
        # Of this process's device alone: asking the others would take memory on each.
        state["cuda"] = [torch.cuda.get_rng_state()]
    return state


def set_random_state(state: Mapping[str, Any]) -> None:
    """Restore what `random_state` returned."""
    version, internal, gauss = state["python"]
    random.setstate((version, tuple(internal), gauss))
    name, keys, *rest = state["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), *rest))
    torch.set_rng_state(state["torch"])
    if "cuda" in state and torch.cuda.is_available():
        # A gantool before 0.1 saved those of all devices.
        states = state["cuda"]
        torch.cuda.set_rng_state(states[0] if len(states) == 1 else states[torch.cuda.current_device()])
