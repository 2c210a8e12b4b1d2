"""While code of somebody else runs: what it prints is no output of the program, and Ctrl-C is told from what it raises.

No torch.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout


@contextmanager
def printing_to_stderr() -> Iterator[None]:
    """Lead what is printed, by Python or below it, to standard error: the output of `--json` is nobody else's."""
    with redirect_stdout(sys.stderr):
        try:
            kept = os.dup(1)
            os.dup2(2, 1)
        except OSError:  # a program without a console
            yield
            return
        try:
            yield
        finally:
            os.dup2(kept, 1)
            os.close(kept)


@contextmanager
def told_apart() -> Iterator[Callable[[], bool]]:
    """Yield who says whether a signal came meanwhile. A `KeyboardInterrupt` without one was raised by the code itself.

    Where handlers are not Python's own, or cannot be set, every one counts as a signal; where signals are ignored, as of a
    program that a shell started in the background, none does.
    """
    main = threading.current_thread() is threading.main_thread()
    if main and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        yield lambda: False
        return
    if not main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield lambda: True
        return
    came: list[int] = []

    def note(number: int, _frame: object) -> None:
        came.append(number)
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(came)
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
