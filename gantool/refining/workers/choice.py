"""The workers that a person's options mean."""

from __future__ import annotations

from ...errors import GantoolError, suggest
from ..request import Request
from .base import InProcess, Workers
from .processes import Processes
from .ray_data import RayData

_NAMES = ("local", "ray")


def open_workers(name: str, request: Request, *, workers: int, num_actors: int | None, ray_address: str | None) -> Workers:
    """Return who computes. Raises `GantoolError` for options that do not go together, `MissingExtra` without Ray."""
    if name not in _NAMES:
        raise GantoolError(f"--engine {name!r} is none of: {', '.join(_NAMES)}{suggest(name, _NAMES)}")
    if workers < 1 or (num_actors is not None and num_actors < 1):
        raise GantoolError("--workers and --num-actors: at least 1")
    if name == "ray":
        if workers > 1:
            raise GantoolError("--workers is for --engine local; for ray, pass --num-actors")
        return RayData(request, num_actors, ray_address)
    if num_actors is not None or ray_address is not None:
        raise GantoolError("--num-actors and --ray-address are for --engine ray; processes of this machine are --workers")
    return InProcess() if workers == 1 else Processes(request, workers)
