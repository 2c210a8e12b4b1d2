"""Worker processes on this machine. One that dies is replaced, and what it was at is tried again."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path

import torch

from ...compute.device import choose_device
from ...data.images import Form
from ...data.parallel import threads as io_threads
from ..job import Job, Request
from .base import ATTEMPTS, Answer, Outcome, Piece, gather
from .worker import Worker

_ENDS_SECONDS = 5.0
"""How long a worker that was told to end may take."""


class Processes:
    """As many processes as the request says, at most, each with its share of this one's threads."""

    parallel = True

    def __init__(self, request: Request) -> None:
        """Raises `GantoolError` for a device that is not there."""
        self._request = request
        self._on_cpu = choose_device(request.device).type == "cpu"

    def run(self, job: Job, pieces: Sequence[Piece], sample: Form | None) -> list[Outcome]:
        if not pieces:
            return []
        count = min(self._request.workers, len(pieces))
        request = self._request.settled(job, sample, on_cpu=self._on_cpu)
        request = replace(request, threads=request.threads or max(1, io_threads() // count))
        crew = _Crew(request, count, max(1, torch.get_num_threads() // count))
        try:
            return gather(job, pieces, crew.answers(pieces))
        finally:
            crew.end()


class _Crew:
    """Hands pieces to worker processes."""

    def __init__(self, request: Request, count: int, threads: int) -> None:
        self._given, self._count = (request, threads, str(Path.cwd())), count
        self._processes: dict[Connection, SpawnProcess] = {}
        self._busy: dict[Connection, int] = {}
        """The piece that each is at."""

    def answers(self, pieces: Sequence[Piece]) -> Iterator[tuple[int, Answer]]:
        """Yield (index, answer) as they come."""
        waiting = deque(range(len(pieces)))
        deaths: Counter[int] = Counter()
        while waiting or self._busy:
            while waiting and len(self._busy) < self._count:
                self._hand(waiting.popleft(), pieces)
            for connection in wait(list(self._busy)):
                assert isinstance(connection, Connection)
                index = self._busy.pop(connection)
                try:
                    answer = connection.recv()
                except (EOFError, OSError):
                    how = self._ended(connection)
                    deaths[index] += 1
                    if deaths[index] < ATTEMPTS:
                        waiting.appendleft(index)
                        continue
                    answer = Answer(lost=f"{ATTEMPTS} worker processes ended over it, {how}")
                yield index, answer

    def end(self) -> None:
        """End all; what they are at is lost."""
        for connection, process in self._processes.items():
            connection.close()
            if connection in self._busy:
                process.terminate()
        for process in self._processes.values():
            process.join(_ENDS_SECONDS)
            process.kill()
            process.join()

    def _hand(self, index: int, pieces: Sequence[Piece]) -> None:
        while True:
            connection = next((each for each in self._processes if each not in self._busy), None) or self._start()
            try:
                connection.send(pieces[index])
            except OSError:  # it died while it had nothing to do
                self._ended(connection)
            else:
                self._busy[connection] = index
                return

    def _start(self) -> Connection:
        # Forked processes would share this one's locks and its CUDA context.
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        process = context.Process(target=_serve, args=(there, *self._given), daemon=True, name="gantool-refine")
        process.start()
        there.close()
        self._processes[here] = process
        return here

    def _ended(self, connection: Connection) -> str:
        """Say how a process ended, and forget it."""
        process = self._processes.pop(connection)
        connection.close()
        process.join(_ENDS_SECONDS)
        code = process.exitcode
        if code is not None and code < 0:
            with suppress(ValueError):
                hint = " (out of memory? lower --workers or --batch-size)" if -code == signal.SIGKILL else ""
                return f"the last by {signal.Signals(-code).name}{hint}"
        return f"the last with exit code {code}"


def _serve(connection: Connection, request: Request, threads: int, folder: str) -> None:
    """Answer pieces until the other end is gone."""
    # A terminal sends Ctrl-C to all of them; the first process ends the others, which then clean up.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    worker = Worker(request, threads=threads, folder=folder)
    with suppress(EOFError, OSError):
        while True:
            connection.send(worker(connection.recv()))


def _end_with_parent() -> None:
    """A worker whose first process was killed must not go on writing beside those of a second one."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
