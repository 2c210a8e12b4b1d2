"""Records what a few steps of a run do, with torch.profiler."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from ..runs.files import write_file

_SETTLING, _RECORDED = 3, 3
"""Steps of the last phase that are left alone, since they allocate, compile and start the profiler; then those recorded."""
_ROWS = 10


class StepProfiler:
    """Writes `profile/step-N.json`, a Chrome trace of the `_RECORDED` steps before step N, and says where their time went.

    Steps of the run's last phase are recorded, for they are what most of it consists of. Recording only watches: it changes no
    result.

    Args:
        folder: The run folder.
        phase: Name of the phase whose steps are recorded.
        device: Where the run computes.
        say: Prints lines for the user.
    """

    def __init__(self, folder: Path, phase: str, device: torch.device, say: Callable[[str], None]) -> None:
        self._folder, self._phase, self._say = folder, phase, say
        self._kind = device.type
        self._seen = self._done = 0
        self._profile = self._make()
        self._profile.start()

    def after(self, step: int, phase: str) -> None:
        """Take note that `step` steps are done, the last of them one of `phase`."""
        self._done = step
        if phase == self._phase:
            self._seen += 1
            self._profile.step()

    def close(self) -> None:
        """Stop recording; a run that ended too early for the whole of it leaves what there is, or says that there is nothing."""
        self._profile.stop()
        if self._seen <= _SETTLING:
            missing = _SETTLING + 1 - self._seen
            self._say(f"Warning: --profile recorded nothing, for the run ended {missing} steps too early for it")

    def _make(self) -> Any:
        # Without this the profiler's library writes a line of its own to stderr when it starts and when it stops.
        os.environ.setdefault("KINETO_LOG_LEVEL", "99")
        activities = [torch.profiler.ProfilerActivity.CPU]
        if self._kind == "cuda":
            activities.append(torch.profiler.ProfilerActivity.CUDA)
        return torch.profiler.profile(
            activities=activities,
            schedule=torch.profiler.schedule(wait=_SETTLING - 1, warmup=1, active=_RECORDED, repeat=1),
            on_trace_ready=self._write,
            record_shapes=True,
        )

    def _write(self, profile: Any) -> None:
        if self._seen <= _SETTLING:
            return
        path = self._folder / "profile" / f"step-{self._done:08d}.json"
        path.parent.mkdir(exist_ok=True)
        write_file(path, lambda file: profile.export_chrome_trace(str(file)))
        self._say(f"Profile of {self._seen - _SETTLING} steps: {path} (for https://ui.perfetto.dev)")
        self._say("\n".join(_table(profile.key_averages(), self._kind)))


def _table(operations: Any, kind: str) -> list[str]:
    """The operations that took longest by themselves, on the device where that is a GPU: one line each."""
    attribute = "self_device_time_total" if kind == "cuda" else "self_cpu_time_total"
    rows = sorted(operations, key=lambda row: -getattr(row, attribute))
    total = sum(getattr(row, attribute) for row in rows) or 1
    lines = [f"{'share':>7}{'ms':>11}{'calls':>8}  operation"]
    for row in rows[:_ROWS]:
        microseconds = getattr(row, attribute)
        lines.append(f"{microseconds / total:7.1%}{microseconds / 1000:11.1f}{row.count:8d}  {row.key}")
    return lines
