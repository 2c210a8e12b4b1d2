"""What a person sees while a run trains: two live lines on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

_PLAIN_SECONDS = 10.0
"""Plain lines come at most this often, so that a log file stays readable."""
_BAR_FROM = 60
"""Columns that a terminal must have for a bar; narrower ones show what it says as numbers."""


class _Live(Progress):
    """Phase, step and time left, and below them the figures: side by side, a terminal of 80 columns has no room for the step."""

    figures = ""

    def get_renderables(self) -> Iterable[RenderableType]:
        yield from super().get_renderables()
        yield Text(self.figures, no_wrap=True, overflow="ellipsis")


class TrainingProgress:
    """Shows phase, step, time left, images/s and the recipe's figures."""

    def __init__(self, total: int, start: int, *, console: Console, quiet: bool = False) -> None:
        self._console, self._quiet = console, quiet
        self._total, self._start = total, start
        self._began = self._printed = time.monotonic()
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
            self._live.figures = _compact(values)
            self._live.update(self._task, completed=step, phase=phase)
            return
        now = time.monotonic()
        if not self._quiet and (always or now - self._printed >= _PLAIN_SECONDS):
            self._printed = now
            left = (now - self._began) / max(1, step - self._start) * (self._total - step)
            self._console.print(
                f"step {step}/{self._total}  {phase}  {_clock(left)} left  {_long(values)}",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )

    def close(self) -> None:
        """Give the terminal back."""
        if self._live is not None:
            self._live.stop()


_SHORT = {"accuracy_real": "D real", "accuracy_refined": "D refined", "images_per_second": "img/s", "change": "|R(x)-x|"}


def _format(name: str, value: float) -> str:
    if name.startswith("accuracy"):
        return f"{value:.0%}"
    return f"{value:.0f}" if name == "images_per_second" else f"{value:.3g}"


def _compact(values: Mapping[str, float]) -> str:
    """Return the figures that matter at a glance."""
    names = [name for name in values if name in _SHORT or name in ("refiner_loss", "discriminator_loss")]
    shown = names or list(values)[:6]
    short = {**_SHORT, "refiner_loss": "R", "discriminator_loss": "D"}
    return "  ".join(f"{short.get(name, name)} {_format(name, values[name])}" for name in shown)


def _long(values: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {_format(name, value)}" for name, value in values.items())


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
