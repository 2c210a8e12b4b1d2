"""What runs in a worker, wherever that is."""

from __future__ import annotations

import os
import traceback
from dataclasses import replace

import torch

from ...compute.memory import kept_memory
from ...errors import GantoolError
from ..job import Job, Request
from ..report import Silent
from .base import Answer, Piece


class Worker:
    """Computes pieces of a request. The network is opened at the first one, so that what is wrong with it is an answer."""

    def __init__(self, request: Request, *, threads: int, folder: str) -> None:
        """`threads`: of the network. `folder`: what relative paths of the request begin at."""
        self._request, self._threads, self._folder = request, threads, folder
        self._notices = _Notices()
        self._job: Job | None = None

    def __call__(self, piece: Piece) -> Answer:
        """Compute one."""
        self._notices.texts.clear()
        try:
            if self._job is None:
                self._job = self._open()
            with kept_memory():
                outcome = piece.work(self._job)
        except GantoolError as error:
            return Answer(error=str(error))
        # Whatever else there is has no other way out of this process.
        except Exception:
            return Answer(crash=traceback.format_exc())
        return Answer(replace(outcome, notices=tuple(self._notices.texts), backend=self._job.network.backend))

    def _open(self) -> Job:
        try:
            os.chdir(self._folder)
        except OSError:
            node = os.uname().nodename if hasattr(os, "uname") else "a node"
            raise GantoolError(
                f"the folder {self._folder} is not on {node}: start gantool in one that all nodes share, or on it alone"
            ) from None
        torch.set_num_threads(self._threads)
        return self._request.open(self._notices)


class _Notices(Silent):
    """Keeps what a person should know until it is sent along with an answer."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def notice(self, text: str) -> None:
        self.texts.append(text)
