"""What an evaluation is doing, and how long it will take."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Say = Callable[[str], None]


class Progress:
    """Tells what is being done, which part of how many it is, and, once that is known, about how long the rest takes.

    Args:
        say: Is told one line as each part begins.
        parts: How many there are of each kind. Those of a kind are taken to cost the same.
    """

    def __init__(self, say: Say, parts: Counter[str]) -> None:
        self._say, self._total, self._left = say, parts.total(), parts
        self._seconds: dict[str, list[float]] = {}

    @contextmanager
    def part(self, kind: str, text: str) -> Iterator[None]:
        """Say `text`, and measure what is done."""
        number = self._total - self._left.total() + 1
        self._say(f"{text} ({number} of {self._total}{self._rest()})")
        began = time.monotonic()
        yield
        self._seconds.setdefault(kind, []).append(time.monotonic() - began)
        self._left[kind] -= 1

    def skip(self, kind: str) -> None:
        """A part that was done before, or is not to be done, costs nothing."""
        self._left[kind] -= 1

    def _rest(self) -> str:
        """The time that what is left takes by what was measured so far."""
        known = {kind: sum(seconds) / len(seconds) for kind, seconds in self._seconds.items()}
        left = {kind: count for kind, count in self._left.items() if count > 0}
        if not left or not known:
            return ""
        seconds = sum(count * known[kind] for kind, count in left.items() if kind in known)
        more = "more than " if set(left) - set(known) else "about "
        return f", {more}{_span(seconds)} left" if seconds else ""


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
