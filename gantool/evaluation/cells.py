"""What one estimator predicted after one arm, kept in the run folder, so that an evaluation goes on where it was stopped.

A cell has the digest of everything that its predictions depend on for its name: images, labels, options, budget, versions. So one
that is no longer true of what is asked for is never found, and an arm that several runs share is computed once.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .._version import __version__
from ..errors import GantoolError
from ..runs.files import remove_folder, write_folder
from ..runs.folder import writing
from ..runs.state import load_state, save_state
from .held import HeldImages

FOLDER = "evaluation"
"""Of the cells, in a run folder. Whoever deletes it loses time and nothing else."""
_FORMAT = 1


def digest_of(*values: Any) -> str:
    """Hash nested dataclasses, mappings, sequences, images, tensors, arrays, text, numbers. Raises `TypeError` for others."""
    hashed = hashlib.blake2b(digest_size=16)
    for value in (_FORMAT, __version__, importlib.metadata.version("torch"), *values):
        _feed(hashed, value)
    return hashed.hexdigest()


def _feed(hashed: Any, value: Any) -> None:
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufUS":
        hashed.update(f"array {value.dtype.str} {value.shape};".encode())
        hashed.update(np.ascontiguousarray(value).view(np.uint8).data if value.size else b"")
        return
    if is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, HeldImages):
        value = list(value)
    if isinstance(value, Mapping | list | tuple):
        items = sorted(value.items()) if isinstance(value, Mapping) else value
        hashed.update(f"{'map' if isinstance(value, Mapping) else 'list'} {len(items)};".encode())
        for item in items:
            _feed(hashed, item)
        return
    if not isinstance(value, str | bytes | int | float | Path | np.generic | torch.device | None):
        raise TypeError(f"cannot say what {type(value).__name__} holds: {value!r}")
    text = repr(value.item() if isinstance(value, np.generic) else value).encode()
    hashed.update(f"{type(value).__name__} {len(text)};".encode() + text)


class Cells:
    """Finished cells of some runs.

    Args:
        folders: Of the runs that are evaluated, and of what holds them. What one of them has is found.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders

    def find(self, key: str) -> dict[str, Any] | None:
        """Return what was kept under `key`; None where nothing was, or what is there is damaged."""
        for folder in self._folders:
            path = folder / FOLDER / key
            if path.is_dir():
                try:
                    return load_state(path)
                except GantoolError:  # it is made anew, as any that is missing
                    with suppress(OSError):
                        remove_folder(path)
        return None

    def keep(self, key: str, cell: Mapping[str, Any], run: Path) -> None:
        """Keep a cell in the folder of a run. Raises `GantoolError` for a full disk or missing rights.

        Rows of a plugin's task that are neither tensors, arrays nor plain are not kept: such a cell is computed every time.
        """
        with suppress(TypeError), writing(run):
            write_folder(run / FOLDER / key, lambda folder: save_state(folder, cell))
