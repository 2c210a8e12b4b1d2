"""The command line of a training program, and a run of it. No torch."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ...errors import GantoolError, cause

_PLACES = ("train", "test", "seed", "out")
_PLACE = re.compile(rf"\{{({'|'.join(_PLACES)})\}}")
_GRACE = 10.0
"""Seconds that a program has to end by itself, and to end what it started."""
_TAIL, _SHOWN = 4096, 200
"""Bytes at the end of a log that its last line is looked for in, and characters of it that are shown."""


@dataclass(frozen=True)
class Command:
    """The words of a command line with places: {train}, {test}, {seed}, {out}."""

    words: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Command:
        """Split as a shell does, without one: what fills a place later is one word or part of one, whatever it holds.

        Raises `GantoolError` for quotes that do not end, a place that is missing and a program that is not there.
        """
        try:
            words = tuple(shlex.split(text))
        except ValueError as error:
            raise GantoolError(f"--trainer {text!r}: {cause(error).lower()}") from None
        missing = [f"{{{place}}}" for place in _PLACES if f"{{{place}}}" not in " ".join(words)]
        if missing:
            raise GantoolError(f"--trainer needs {', '.join(missing)}: write 'PROGRAM {{train}} {{test}} {{seed}} {{out}}'")
        if shutil.which(words[0]) is None:
            raise GantoolError(f"--trainer: there is no program {words[0]!r}")
        return cls(words)

    def filled(self, values: Mapping[str, object]) -> list[str]:
        """Return the words with values in their places."""
        return [_PLACE.sub(lambda place: str(values[place[1]]), word) for word in self.words]


def run_program(words: list[str], log: Path, *, timeout: float) -> None:
    """Run a program to its end; what it prints goes to `log`.

    It gets a process group of its own, which is ended where it takes longer than `timeout` (s), and on Ctrl-C and SIGTERM.
    Raises `GantoolError` with the last line of its log where it fails.
    """
    with log.open("wb") as printed, _terminable():
        try:
            process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=printed, stderr=subprocess.STDOUT, start_new_session=True
            )
        except OSError as error:
            raise GantoolError(f"{words[0]} cannot be run: {cause(error)}") from None
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise GantoolError(f"it did not end within {timeout:g} s (--trainer-timeout){_last_line(log)}") from None
        finally:
            if process.returncode is None:
                _end(process)
    if code:
        how = f"exit code {code}" if code > 0 else f"signal {signal.Signals(-code).name}"
        raise GantoolError(f"it ended with {how}{_last_line(log)}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program that still runs, with all that is in its group."""
    with suppress(ProcessLookupError, subprocess.TimeoutExpired):
        os.killpg(process.pid, signal.SIGTERM)  # launchers end what they started in groups of their own
        process.wait(_GRACE)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM unwind as Ctrl-C does, so that no program outlives this process; Python has that in the main thread only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)


def _last_line(log: Path) -> str:
    """What a log says last, as part of a message; without control characters, for the terminal is not the program's."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _TAIL))
        text = file.read().decode(errors="replace")
    lines = [line for line in re.split(r"[\r\n]+", text) if line.strip()]
    said = "".join(letter for letter in " ".join(lines[-1].split()) if letter.isprintable()) if lines else ""
    return f": {said[:_SHOWN]}" if said else ""
