"""What a person sees while a run trains: two live lines on a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from ..components import Figure

_PLAIN_SECONDS = 10.0
"""Plain lines come at most this often, so that a log file stays readable."""
_BAR_FROM = 60
"""Columns that a terminal must have for a bar; narrower ones show what it says as numbers."""

_RATE = Figure("images_per_second", "img/s", ".0f")
"""What the host adds to the figures of every recipe."""


class _Live(Progress):
    """Phase, step and time left, and below them the figures: side by side, a terminal of 80 columns has no room for the step."""

    figures = ""

    def get_renderables(self) -> Iterable[RenderableType]:
        yield from super().get_renderables()
        yield Text(self.figures, no_wrap=True, overflow="ellipsis")


class TrainingProgress:
    """Shows phase, step, time left, images/s and the recipe's figures."""

    def __init__(self, total: int, start: int, *, console: Console, quiet: bool = False, figures: Sequence[Figure] = ()) -> None:
        """`figures`: the recipe's headline figures."""
        self._console, self._quiet = console, quiet
        self._figures = figures
        self._total, self._start = total, start
        self._began, self._printed = time.monotonic(), -math.inf  # how long it will take is said at once
        self._live: _Live | None = None
        if console.is_terminal and not quiet:
            columns = (
                TextColumn("{task.fields[phase]}", markup=False),
                *([BarColumn(bar_width=None)] if console.width >= _BAR_FROM else []),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
            )
            self._live = _Live(*columns, console=console, expand=True)
            self._task = self._live.add_task("", total=total, completed=start, phase="")
            self._live.start()

    def show(self, step: int, phase: str, values: Mapping[str, float], *, always: bool = False) -> None:
        """Update after `step` steps. Without a terminal, prints at most every few seconds unless `always`."""
        if self._live is not None:
            self._live.figures = self._compact(values)
            self._live.update(self._task, completed=step, phase=phase)
            return
        now = time.monotonic()
        if not self._quiet and (always or now - self._printed >= _PLAIN_SECONDS):
            self._printed = now
            left = (now - self._began) / max(1, step - self._start) * (self._total - step)
            self._console.print(
                f"step {step}/{self._total}  {phase}  {_clock(left)} left  {self._long(values)}",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )

    def close(self) -> None:
        """Give the terminal back."""
        if self._live is not None:
            self._live.stop()

    def _compact(self, values: Mapping[str, float]) -> str:
        """The figures that matter at a glance."""
        chosen = self._figures or [Figure(name, name) for name in values if name != _RATE.name][:6]
        return "  ".join(f"{each.label} {values[each.name]:{each.form}}" for each in (*chosen, _RATE) if each.name in values)

    def _long(self, values: Mapping[str, float]) -> str:
        forms = {figure.name: figure.form for figure in (*self._figures, _RATE)}
        return "  ".join(f"{name} {value:{forms.get(name, '.3g')}}" for name, value in values.items())


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
