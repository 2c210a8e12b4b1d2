"""Where a run's events go: metrics.jsonl, TensorBoard, and every plugin's `gantool_log`."""

from __future__ import annotations

import importlib.util
import json
import math
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from ..components import Event
from ..plugins.registry import Registry
from ..runs.files import write_file

METRICS = "metrics.jsonl"


class Sinks:
    """Hands every event to all of them. One that fails is reported and never stops the run."""

    def __init__(self, run: Path, registry: Registry, *, start: int, warn: Callable[[str], None]) -> None:
        self._registry, self._warn = registry, warn
        self._metrics = _open_metrics(run / METRICS, start)
        self._board = _open_board(run, start)
        self._failed: set[str] = set()

    def send(self, event: Event) -> None:
        """Record `event` and tell the plugins."""
        if event.values:
            # JSON has no NaN; null is what a reader of the file expects for "not a number".
            values = {name: value if math.isfinite(value) else None for name, value in event.values.items()}
            phase = event.phase if event.kind == "step" else event.kind
            self._metrics.write(json.dumps({"step": event.step, "phase": phase, **values}) + "\n")
            self._metrics.flush()
            if self._board is not None:
                for name, value in event.values.items():
                    self._board.add_scalar(name, value, event.step)
        self._registry.notify(event, self._report)

    def close(self) -> None:
        """Close files."""
        for sink in (self._metrics, self._board):
            # What counts was flushed line by line; on a full disk closing fails again, and hides the first error.
            with suppress(OSError):
                if sink is not None:
                    sink.close()

    def _report(self, plugin: str, error: BaseException) -> None:
        if plugin not in self._failed:  # once: an observer that fails at every step would fill the screen
            self._failed.add(plugin)
            self._warn(f"plugin {plugin!r} failed in gantool_log ({type(error).__name__}: {error}); training goes on")


def _open_metrics(path: Path, start: int) -> TextIO:
    """Open for appending after step `start`; what an interrupted run wrote beyond its checkpoint is written again."""
    if path.exists():
        kept = [line for line in path.read_text(encoding="utf-8").splitlines() if _step_of(line) <= start]
        write_file(path, lambda file: file.write_text("".join(line + "\n" for line in kept), encoding="utf-8"))
    return path.open("a", encoding="utf-8")


def _step_of(line: str) -> float:
    """The step of a line; beyond all steps where the line was cut off."""
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return math.inf


def _open_board(run: Path, start: int) -> Any:
    if importlib.util.find_spec("tensorboard") is None:
        return None
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(run / "tensorboard"), purge_step=start + 1)
