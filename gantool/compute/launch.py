"""Which of how many processes this one is, as a launcher such as torchrun says, and who speaks when they fail. No torch."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

from ..errors import GantoolError

_NAMES = {
    "rank": ("RANK", "PMI_RANK", "OMPI_COMM_WORLD_RANK"),
    "count": ("WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE"),
    "local_rank": ("LOCAL_RANK", "MPI_LOCALRANKID", "OMPI_COMM_WORLD_LOCAL_RANK"),
    "local_count": ("LOCAL_WORLD_SIZE", "MPI_LOCALNRANKS", "OMPI_COMM_WORLD_LOCAL_SIZE"),
}
"""What torchrun, Intel's and Open MPI call them."""

_GRACE_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class Launch:
    """One of the processes that a launcher started for one run."""

    rank: int = 0
    count: int = 1
    local_rank: int = 0
    """Among those of this machine."""
    local_count: int = 1

    @property
    def is_main(self) -> bool:
        """Whether this process writes and speaks for all."""
        return self.rank == 0


def read_launch(environment: Mapping[str, str] = os.environ) -> Launch:
    """Read what the launcher said; one process where there is none. Raises `GantoolError` for what cannot be."""
    said = {name: value for name, words in _NAMES.items() if (value := _first(environment, words)) is not None}
    if "rank" not in said and "MASTER_ADDR" in environment and "ACCELERATE_USE_CPU" in environment:
        # It says so in its environment and then starts a single process, which would train on alone.
        raise GantoolError(
            "accelerate launch starts only one process on CPUs; use: torchrun --nproc-per-node=N -m gantool train … --device cpu"
        )
    if "rank" not in said or said.get("count", 1) == 1:
        return Launch()
    launch = Launch(**said)
    if not 0 <= launch.rank < launch.count:
        raise GantoolError(f"the launcher says process {launch.rank} of {launch.count} (RANK, WORLD_SIZE): start it anew")
    for name in ("MASTER_ADDR", "MASTER_PORT"):
        if name not in environment:
            raise GantoolError(f"{launch.count} processes were started without {name}: use torchrun, or set it on all of them")
    return launch


def forget_launcher() -> None:
    """Take from the environment what a launcher said: this process is one of one."""
    for name in (*chain.from_iterable(_NAMES.values()), "MASTER_ADDR", "MASTER_PORT"):
        os.environ.pop(name, None)


def subprocesses(wanted: int) -> int:
    """Return how many of these this process may start: a worker of a `multiprocessing.Pool` may start none."""
    return 0 if multiprocessing.current_process().daemon else wanted


def speaks() -> bool:
    """Return whether this process is the one that prints."""
    try:
        return read_launch().is_main
    except GantoolError:
        return True


def reports(code: int, *, told: bool = False, urgent: bool = False) -> bool:
    """Return whether this process, which fails with the exit code `code`, says why: see `GantoolError`.

    What fails in one process mostly fails in all, and the main one says so. As launchers end every process when one ends, the
    others wait for that, and speak up if nothing comes.
    """
    if speaks() or urgent:
        return True
    signal.signal(signal.SIGTERM, lambda *_: os._exit(code))
    time.sleep(_GRACE_SECONDS)
    return not told


def _first(environment: Mapping[str, str], names: tuple[str, ...]) -> int | None:
    for name in names:
        if environment.get(name, ""):
            try:
                return int(environment[name])
            except ValueError:
                raise GantoolError(f"the launcher says {name}={environment[name]}, which is no number: start it anew") from None
    return None
