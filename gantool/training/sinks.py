"""Where a run's events go: metrics.jsonl, the loggers that were chosen, and every plugin's `gantool_log`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from ..components import Event
from ..errors import GantoolError, raised
from ..plugins.registry import Part, Registry
from ..runs.metrics import CHECKPOINT, MetricsLog


class Sinks:
    """Hands every event to all of them. A logger or plugin that fails is reported once and never stops the run.

    Raises `GantoolError` for a logger that cannot be made.
    """

    def __init__(
        self, run: Path, registry: Registry, loggers: Iterable[Part] = (), *, start: int, warn: Callable[[str], None]
    ) -> None:
        self._registry, self._warn = registry, warn
        self._loggers = {f"logger {part.component!r} failed": _made(part) for part in loggers}
        self._metrics = MetricsLog(run, start)
        self._failed: set[str] = set()

    def send(self, event: Event) -> None:
        """Record `event`, and tell loggers and plugins."""
        if event.values:
            self._metrics.write(event.step, CHECKPOINT if event.kind == "checkpoint" else event.phase, event.values)
        for what, logger in self._loggers.items():
            self._try(what, logger.log, event)
        self._registry.notify(event, lambda plugin, error: self._report(f"plugin {plugin!r} failed in gantool_log", error))

    def close(self) -> None:
        """Close files."""
        self._metrics.close()
        for what, logger in self._loggers.items():
            self._try(what, logger.close)

    def _try(self, what: str, function: Callable[..., None], *arguments: Event) -> None:
        try:
            function(*arguments)
        except (Exception, SystemExit) as error:
            self._report(what, error)

    def _report(self, what: str, error: BaseException) -> None:
        if what not in self._failed:  # once: an observer that fails at every step would fill the screen
            self._failed.add(what)
            self._warn(f"{what} ({raised(error)}); training goes on")


def _made(part: Part) -> Any:
    """Build a logger. Raises `GantoolError` for whatever its factory raises: it was asked for, so no run begins without it."""
    try:
        return part.build()
    except GantoolError:
        raise
    except (Exception, SystemExit) as error:
        raise GantoolError(
            f"logger {part.component} cannot be made: {raised(error)}; leave out --log {part.component}"
        ) from error
