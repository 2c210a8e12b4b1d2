"""Ctrl-C and SIGTERM: the first lets the step finish, the second stops at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import Any

from ..errors import ProcessLost


class Interrupt:
    """While it is entered, remembers a signal instead of dying of it.

    `quiet`: says nothing, where another process of the run does. `program`: a second signal ends the process, which is that of
    the command line; in a notebook it goes to the handler that was there before, which raises `KeyboardInterrupt`, say.
    """

    def __init__(self, *, quiet: bool = False, program: bool = False) -> None:
        self._quiet, self._program = quiet, program
        self.signal: int | None = None
        self._before: dict[int, Any] = {}

    @property
    def exit_code(self) -> int:
        """128 + the signal's number: 130 for Ctrl-C, 143 for SIGTERM."""
        return 128 + (self.signal or 0)

    def __enter__(self) -> Interrupt:
        # Python lets only the main thread handle signals; a run in another thread is stopped by its owner.
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._before.items():
            if number == signal.SIGTERM and isinstance(error, ProcessLost):
                # Launchers send SIGTERM to all when one is gone. This one ends by itself, and first says why. At no moment
                # in between may it die of the signal.
                handler = signal.SIG_IGN
            # None stands for a handler that was not set from Python, which cannot be set back from there either.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.signal is None:
            self.signal = number
            self._say(b"\nStopping after this step; a second signal stops at once.\n")
            return
        if not self._program:
            self._pass_on(number, frame)
            return
        # Straight out: checkpoints are written under temporary names, so the last one stays good. The cursor that a live
        # display hides comes back.
        if sys.stderr.isatty():
            os.write(2, b"\x1b[?25h")
        self._say(b"\nStopped at once; the last checkpoint is good.\n")
        os._exit(128 + number)

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        before = self._before[number]
        if callable(before):
            before(number, frame)
        elif before != signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    def _say(self, text: bytes) -> None:
        if not self._quiet:
            os.write(2, text)
