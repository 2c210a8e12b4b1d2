"""What refining a folder and refining a file have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..plan.settings import RefineSettings
from .network import Network
from .report import Watcher
from .treatment import Treatment
from .workers.base import InProcess, Workers


@dataclass(frozen=True, kw_only=True)
class Job:
    """What to refine, with what, to where."""

    source: Path
    place: str
    """`source` as it was given: a pattern or a URL is no path."""
    output: Path
    treatment: Treatment
    network: Network
    settings: RefineSettings
    """What was asked for."""
    threads: int
    """That read and write."""
    marker: Mapping[str, str]
    """What says which network and settings wrote an output."""
    watcher: Watcher
    workers: Workers = field(default_factory=InProcess)
    """Who computes it."""
