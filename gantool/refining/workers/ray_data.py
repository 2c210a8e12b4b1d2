"""Actors of Ray Data, on a cluster or on this machine."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...data.images import Form
from ...data.parallel import threads as io_threads
from ...errors import GantoolError, MissingExtra, cause
from ...model.tracing import first_line
from ..backends.choice import ON_CPU
from ..job import Job, Request
from .attempts import Attempts
from .base import ATTEMPTS, Answer, Outcome, Piece, gather
from .worker import Worker

_STORE_BYTES = 256 * 2**20
"""Object store of a Ray that is started here. Images never go through it; the default takes 30 % of the memory."""
_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # What becomes of a worker is said here once, in one line; Ray writes it, and more, into its logs.
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",
}
"""Read when ray is imported: nothing is sent anywhere, and little printed."""


class RayData:
    """Actors on a Ray cluster: as many as the request says, or one per GPU, or per CPU."""

    parallel = True

    def __init__(self, request: Request) -> None:
        """Raises `MissingExtra` without Ray, `GantoolError` for a device that Ray does not hand out."""
        for name, value in _ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        try:
            import ray.data  # noqa: F401
        except ImportError:
            raise MissingExtra("--engine ray", "ray", "distributed") from None
        if request.device not in ("auto", "cpu", "cuda"):
            raise GantoolError(f"--device {request.device}: Ray says which GPU an actor has; pass auto, cpu or cuda")
        self._request = request

    def run(self, job: Job, pieces: Sequence[Piece], sample: Form | None) -> list[Outcome]:
        if not pieces:
            return []
        import ray

        with _cluster(self._request.ray_address):
            share = _Share.of(self._request, ray.cluster_resources())
            if ray.available_resources().get("CPU", 0) < (share.cpus or 0):
                job.watcher.notice("all CPUs of the Ray cluster are in use: waiting for one")
            request = self._request.settled(job, sample, on_cpu=not share.gpus)
            threads = request.threads or max(1, min(share.threads, io_threads()))
            request = replace(request, device="cuda" if share.gpus else "cpu", threads=threads)
            try:
                return gather(job, pieces, _answers(request, pieces, share))
            except ray.exceptions.RayError as error:
                hint = "every node needs gantool, its plugins and the data"
                raise GantoolError(f"Ray gave up ({first_line(error)}); {hint}; what is finished stays") from None


@dataclass(frozen=True)
class _Share:
    """What each actor gets."""

    actors: int
    cpus: float | None
    """To reserve; None with a GPU, which is scarcer."""
    gpus: float | None
    threads: int

    @staticmethod
    def of(request: Request, resources: dict[str, float]) -> _Share:
        """Divide what a cluster has. Raises `GantoolError` where it has no GPU and one is asked for."""
        gpus = int(resources.get("GPU", 0)) if request.device != "cpu" and request.backend not in ON_CPU else 0
        if request.device == "cuda" and not gpus:
            raise GantoolError("--device cuda: the Ray cluster has no GPU")
        cpus = max(1, int(resources.get("CPU", 1)))
        actors = request.num_actors or gpus or cpus
        threads = max(1, cpus // actors)
        if gpus:
            return _Share(actors, None, 1 / math.ceil(actors / gpus), threads)
        # Actors that reserve every CPU leave none for what Ray itself has to run, and wait for it without a word.
        return _Share(actors, 0.9 / math.ceil(actors / cpus), None, threads)


@contextmanager
def _cluster(address: str | None) -> Iterator[None]:
    """Be connected to a cluster: the one that the program is connected to, one that runs, or one that is started and ended."""
    import ray

    if ray.is_initialized():
        yield
        return
    address = address or os.environ.get("RAY_ADDRESS") or "local"
    own = {"include_dashboard": False, "object_store_memory": _STORE_BYTES, "_node_ip_address": "127.0.0.1"}
    try:
        with _hushed():
            ray.init(address, log_to_driver=False, logging_level=logging.ERROR, **(own if address == "local" else {}))
    # ConnectionError, RuntimeError, ValueError, ...: whatever is wrong with an address.
    except Exception as error:
        raise GantoolError(f"cannot connect to Ray at {address}: {cause(error)}") from None
    try:
        yield
    finally:
        ray.shutdown()


@contextmanager
def _hushed() -> Iterator[None]:
    """Lead the standard error of this process nowhere: Ray's C++ part writes there that it obeys RAY_BACKEND_LOG_LEVEL."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _answers(request: Request, pieces: Sequence[Piece], share: _Share) -> Iterator[tuple[int, Answer]]:
    import ray
    from ray.data import ActorPoolStrategy, DataContext

    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    attempts = ray.remote(num_cpus=0)(Attempts).remote()
    rows = [{"index": index, "piece": piece} for index, piece in enumerate(pieces)]
    # A piece per block, so that what a dead actor was at is tried again, and nothing else.
    answers = ray.data.from_items(rows, override_num_blocks=len(rows)).map(
        _Actor,
        fn_constructor_args=(request, share.threads, str(Path.cwd()), attempts),
        compute=ActorPoolStrategy(size=min(share.actors, len(pieces)), max_tasks_in_flight_per_actor=1),
        num_cpus=share.cpus,
        num_gpus=share.gpus,
    )
    for row in answers.iter_rows():
        yield row["index"], row["answer"]


class _Actor:
    """A worker that Ray Data starts, and starts again where it died."""

    def __init__(self, request: Request, threads: int, folder: str, attempts: Any) -> None:
        self._worker = Worker(request, threads=threads, folder=folder)
        self._attempts = attempts

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        import ray

        if ray.get(self._attempts.begin.remote(row["index"])) > ATTEMPTS:
            lost = Answer(lost=f"{ATTEMPTS} actors ended over it (out of memory? lower --num-actors or --batch-size)")
            return {"index": row["index"], "answer": lost}
        return {"index": row["index"], "answer": self._worker(row["piece"])}
