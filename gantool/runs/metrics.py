"""`metrics.jsonl`: one line for each log point and checkpoint, `{"step", "phase", figure: value, …}`."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from .files import write_file

METRICS = "metrics.jsonl"
CHECKPOINT = "checkpoint"
"""Phase of the lines that hold the figures of the run's metric."""


def read_metrics(run: Path) -> list[dict[str, Any]]:
    """Return the lines of a run that are whole; none where there is no such file.

    A line may be cut off: the run is being written, or was killed.
    """
    path, rows = run / METRICS, []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else ():
        with suppress(ValueError, RecursionError):
            rows.append(json.loads(line))
    return [{name: _plain(value) for name, value in row.items()} for row in rows if _is_row(row)]


def _is_row(row: Any) -> bool:
    return isinstance(row, dict) and type(row.get("step")) is int and 0 <= row["step"] < 2**63


def _plain(value: Any) -> Any:
    """A number that is one, or text; None for anything else: a file may hold NaN, numbers that no float holds, and tables."""
    if isinstance(value, str):
        return value
    try:
        return value if math.isfinite(value) else None
    except (OverflowError, TypeError):
        return None


class MetricsLog:
    """Appends lines to a run's file after step `start`; what it has of later steps is dropped, for it is written again."""

    def __init__(self, run: Path, start: int) -> None:
        path = run / METRICS
        if path.exists():
            kept = [json.dumps(row) + "\n" for row in read_metrics(run) if row["step"] <= start]
            write_file(path, lambda file: file.write_text("".join(kept), encoding="utf-8"))
        self._file = path.open("a", encoding="utf-8")

    def write(self, step: int, phase: str, values: Mapping[str, float]) -> None:
        """Append a line. JSON has no NaN; null is what a reader of the file expects for "not a number"."""
        finite = {name: value if math.isfinite(value) else None for name, value in values.items()}
        self._file.write(json.dumps({"step": step, "phase": phase, **finite}) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        # What counts was flushed line by line; on a full disk closing fails again, and hides the first error.
        with suppress(OSError):
            self._file.close()
