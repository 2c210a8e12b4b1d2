"""The workers that a person's options mean."""

from __future__ import annotations

from ...compute.launch import subprocesses
from ...errors import GantoolError, suggest
from ..job import Request
from .base import InProcess, Workers
from .processes import Processes
from .ray_data import RayData

_NAMES = ("local", "ray")


def open_workers(request: Request) -> Workers:
    """Return who computes. Raises `GantoolError` for options that do not go together, `MissingExtra` without Ray."""
    if request.engine not in _NAMES:
        raise GantoolError(f"--engine {request.engine!r} is none of: {', '.join(_NAMES)}{suggest(request.engine, _NAMES)}")
    if request.engine == "ray":
        if request.workers > 1:
            raise GantoolError("--workers is for --engine local; for ray, pass --num-actors")
        return RayData(request)
    if request.num_actors is not None or request.ray_address is not None:
        raise GantoolError("--num-actors and --ray-address are for --engine ray; processes of this machine are --workers")
    return Processes(request) if subprocesses(request.workers) > 1 else InProcess()
