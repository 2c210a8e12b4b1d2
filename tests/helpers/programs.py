"""The program in processes of their own, forked from one that has imported torch: an import costs more than most of what is tested.

Where the start itself is the point, tests start the program as users do.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

CONTEXT = multiprocessing.get_context("forkserver")
"""Starts processes that have imported what this names."""
CONTEXT.set_forkserver_preload(
    [
        *("pytest", "torch._dynamo", "torch.distributed.fsdp", "torch.utils.tensorboard", "PIL.PngImagePlugin"),
        *("pydantic.type_adapter", "pydantic.dataclasses", "rich.progress", "rich.live", "click.shell_completion"),
        *("gantool.builtin.metrics", "gantool.cli.train", "gantool.cli.refine", "gantool.training.loop"),
        *("gantool.refining.refine", "gantool.refining.workers.processes", "simgan_plugin.recipe"),
    ]
)


def _run(words: Sequence[str], environment: Mapping[str, str], path: Sequence[str], output: str) -> None:
    multiprocessing.set_start_method(None, force=True)  # the platform's again, not that of this process
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:0] = [place for place in path if place not in sys.path]
    for stream, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(f"{output}.{name}", os.O_CREAT | os.O_WRONLY | os.O_TRUNC), stream)
    from gantool.cli.main import run

    sys.exit(run(list(words)))


class Program:
    """`gantool WORDS` in a process of its own. `output`: where what it prints goes, to which .out and .err are appended."""

    def __init__(self, *words: str, output: Path, path: Sequence[str] = (), **variables: str) -> None:
        self._output = output
        arguments = (words, {**os.environ, **variables}, path, str(output))
        self.process = CONTEXT.Process(target=_run, args=arguments, name="gantool", daemon=False)
        self.process.start()
        atexit.register(self.give_up)  # what a failed test left behind would be waited for

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self.process.pid
        return self.process.pid

    @property
    def code(self) -> int | None:
        """Its exit code, minus the number of the signal that ended it, or None while it runs."""
        return self.process.exitcode

    @property
    def printed(self) -> str:
        """What went to standard output so far."""
        return self._read("out")

    @property
    def errors(self) -> str:
        """What went to standard error so far."""
        return self._read("err")

    def send(self, *signals: int) -> None:
        """Send signals to it."""
        for number in signals:
            os.kill(self.pid, number)

    def wait_until(self, holds: Callable[[], Any], seconds: float = 120) -> None:
        """Wait for something that it does while it runs."""
        deadline = time.monotonic() + seconds
        while not holds():
            assert self.code is None, self.printed + self.errors
            assert time.monotonic() < deadline, "it did not come"
            time.sleep(0.01)

    def end(self, seconds: float = 120) -> int:
        """Wait for its end; return the exit code."""
        self.process.join(seconds)
        assert self.code is not None, "it did not end"
        return self.code

    def give_up(self) -> None:
        """Kill it, if it still runs."""
        if self.code is None:
            self.process.kill()

    def _read(self, stream: str) -> str:
        file = Path(f"{self._output}.{stream}")
        return file.read_text(encoding="utf-8") if file.exists() else ""


class Team:
    """`gantool WORDS` in several processes that work together, as a launcher starts them: where one fails, the others get SIGTERM."""

    def __init__(self, *words: str, count: int, output: Path, path: Sequence[str] = (), **variables: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(probe.getsockname()[1])}
        sizes = {"WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count)}
        ranks = [{"RANK": str(rank), "LOCAL_RANK": str(rank), **sizes, **address} if count > 1 else {} for rank in range(count)]
        self.programs = [
            Program(*words, output=Path(f"{output}-{rank}"), path=path, **{**ranks[rank], **variables}) for rank in range(count)
        ]

    def end(self, seconds: float = 120) -> tuple[list[int | None], list[str]]:
        """Wait for all; return exit codes, and what each printed, errors after the rest."""
        deadline, told = time.monotonic() + seconds, set()
        while any(program.code is None for program in self.programs):
            assert time.monotonic() < deadline, "they did not end"
            if any(program.code for program in self.programs):
                for program in {program for program in self.programs if program.code is None} - told:
                    program.process.terminate()
                    told.add(program)
            time.sleep(0.01)
        return [program.code for program in self.programs], [program.printed + program.errors for program in self.programs]
