"""What the benchmarks share: timing in turns, peak memory, and the record that scripts/benchmark_table.py reads."""

from __future__ import annotations

import os
import resource
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gantool.compute.memory import kept_memory
from gantool.compute.spinning import spin_briefly

spin_briefly()  # as the program does, before torch is imported

import torch  # noqa: E402

NO_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def pytest_benchmark_update_machine_info(machine_info: dict[str, Any]) -> None:
    machine_info["torch"] = torch.__version__
    machine_info["torch_threads"] = torch.get_num_threads()
    machine_info["load_at_start"] = os.getloadavg()[0]
    machine_info["cuda"] = torch.cuda.get_device_name() if torch.cuda.is_available() else None


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=(pytest.mark.cuda, NO_CUDA))])
def device(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Record:
    """Measures calls in turns and writes what it found into `benchmark.extra_info`.

    There: `device`; `images_per_second` and `peak_mib` of what is measured; `floor`, what it cannot do without, and `ratio`,
    its own images/s over those of the floor in the same run; `rates`, images/s of whatever else was measured in turns with
    it; `targets`, each with `what`, `measured`, `limit` and `sense`; `notes`.

    Without --benchmark-enable nothing is measured seriously: everything runs once, on few images.
    """

    def __init__(self, benchmark: Any, device: str) -> None:
        self._benchmark, self._device = benchmark, device
        self._trying = bool(benchmark.disabled)
        self.info: dict[str, Any] = benchmark.extra_info
        self.info |= {"device": device, "targets": [], "rates": {}, "notes": {}}

    def count(self, images: int) -> int:
        """Return how many images to measure with, where `images` would be enough."""
        return max(8, images // 16) if self._trying else images

    def in_turns(self, functions: Mapping[str, Callable[[], object]], *, rounds: int = 5) -> dict[str, float]:
        """Median seconds of each, measured in turns after one call each: times on a shared machine drift."""
        if not self._trying:
            for function in functions.values():
                function()
        seconds: dict[str, list[float]] = {name: [] for name in functions}
        for _ in range(1 if self._trying else rounds):
            for name, function in functions.items():
                seconds[name].append(self._seconds(function))
        return {name: statistics.median(values) for name, values in seconds.items()}

    def compare(
        self, functions: Mapping[str, Callable[[], object]], images: Mapping[str, int] | int, *, floor: str, rounds: int = 5
    ) -> dict[str, float]:
        """Measure `functions`, of which the first is what this benchmark is about, and `floor` is one; return images/s.

        `images`: how many a call handles. Peak memory is that of one more call of the first.
        """
        seconds = self.in_turns(functions, rounds=rounds)
        counts = images if isinstance(images, Mapping) else dict.fromkeys(functions, images)
        rates = {name: counts[name] / value for name, value in seconds.items()}
        first, *others = functions
        self.info |= {"images_per_second": rates[first], "floor": floor, "ratio": rates[first] / rates[floor]}
        self.info["rates"] |= {name: rates[name] for name in others}
        self.once(functions[first])
        return rates

    def once(self, function: Callable[[], object]) -> None:
        """Call it once more, for pytest-benchmark's own time and for peak memory."""
        with self.peak_memory():
            self._benchmark.pedantic(self._waiting(function), rounds=1)

    def time_nothing(self) -> None:
        """Satisfy pytest-benchmark where time is not what is measured."""
        self._benchmark.pedantic(int, rounds=1)

    def target(self, what: str, measured: float, limit: float, *, sense: str) -> None:
        """Say what was to be reached: `measured` `sense` `limit`, with the sense "<=" or ">="."""
        self.info["targets"].append({"what": what, "measured": measured, "limit": limit, "sense": sense})

    @contextmanager
    def peak_memory(self) -> Iterator[None]:
        """Note by how many MiB memory rose at most while the block ran."""
        before = self._start_peak()
        yield
        self.info["peak_mib"] = (self._peak() - before) / 2**20

    def _seconds(self, function: Callable[[], object]) -> float:
        if self._device == "cuda":
            start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            start.record()
            function()
            end.record()
            torch.cuda.synchronize()
            return float(start.elapsed_time(end)) / 1000
        began = time.perf_counter()
        function()
        return time.perf_counter() - began

    def _waiting(self, function: Callable[[], object]) -> Callable[[], None]:
        def call() -> None:
            function()
            if self._device == "cuda":
                torch.cuda.synchronize()

        return call

    def _start_peak(self) -> int:
        if self._device == "cuda":
            torch.cuda.reset_peak_memory_stats()
            return torch.cuda.memory_allocated()
        # Linux forgets the peak so far; elsewhere only what lies above all earlier benchmarks is seen.
        forget = Path("/proc/self/clear_refs")
        if forget.exists():
            forget.write_text("5")
        return self._peak()

    def _peak(self) -> int:
        if self._device == "cuda":
            return torch.cuda.max_memory_allocated()
        status = Path("/proc/self/status")
        if status.exists():
            lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
            return int(lines["VmHWM"].split()[0]) * 2**10
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 2**10


@pytest.fixture
def memory() -> Iterator[None]:
    """Let this process keep freed memory, as training and refining do, for what is measured and for its floor alike."""
    with kept_memory():
        yield


@pytest.fixture
def record(benchmark: Any, request: pytest.FixtureRequest) -> Record:
    names = request.fixturenames
    return Record(benchmark, request.getfixturevalue("device") if "device" in names else "cpu")
