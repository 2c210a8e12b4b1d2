"""The processes that train one run together, and what they tell each other beside gradients."""

from __future__ import annotations

import json
import math
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from accelerate import Accelerator
from torch import Tensor, nn

from ..components import ReplayBuffer
from ..errors import GantoolError, ProcessLost, TrainingFailed
from ..runs.files import announce
from .device import make_accelerator
from .launch import Launch

_BROKEN = ("connection", "timed out", "socket", "pipe")
_PATIENCE = 8.0
"""Seconds after which the main process says that it waits; others wait twice as long, in case that it is the one."""
_APART = 1e-4
"""Relative difference of a sum of weights above which networks are not those that one gradient made."""


class Team:
    """What each process has to speak with the others; a single process speaks with itself.

    Every method that says so must be called by all processes, in the same order, or they wait for each other until the time-out.
    Messages go over gloo, on CPUs, whatever gradients take.
    """

    def __init__(self, accelerator: Accelerator, *, timeout: float) -> None:
        self.accelerator = accelerator
        self.rank: int = accelerator.process_index
        self.count: int = accelerator.num_processes
        self.timeout = timeout
        self._group = dist.new_group(backend="gloo", timeout=timedelta(seconds=timeout)) if self.count > 1 else None
        self._vote: tuple[Any, Tensor] | None = None

    @property
    def is_main(self) -> bool:
        """Whether this process writes and speaks for all."""
        return self.rank == 0

    def gather_bytes(self, data: bytes) -> list[bytes]:
        """Return what each process gives, by rank. Called by all."""
        if self.count == 1:
            return [data]
        sizes = [torch.zeros(1, dtype=torch.int64) for _ in range(self.count)]
        dist.all_gather(sizes, torch.tensor([len(data)]), group=self._group)
        longest = max(int(size) for size in sizes)
        padded = torch.frombuffer(bytearray(data.ljust(max(1, longest), b"\0")), dtype=torch.uint8)
        rows = [torch.empty_like(padded) for _ in range(self.count)]
        dist.all_gather(rows, padded, group=self._group)
        return [row.numpy().tobytes()[: int(size)] for row, size in zip(rows, sizes, strict=True)]

    def gather(self, value: Any) -> list[Any]:
        """Return what each process gives, by rank: what JSON can hold. Called by all."""
        if self.count == 1:
            return [value]
        return [json.loads(data) for data in self.gather_bytes(json.dumps(value).encode())]

    def gather_images(self, images: Tensor) -> Tensor:
        """Join the batches of all processes, by rank: (N, C, H, W) -> (count · N, C, H, W), channels-last, no graph. Called by
        all, with equal shapes."""
        if self.count == 1:
            return images.detach()
        joined: Tensor = self.accelerator.gather(images.detach().permute(0, 2, 3, 1).contiguous())
        return joined.permute(0, 3, 1, 2)

    def anyone(self, asks: bool) -> bool:
        """Return whether a process asked; of several, whether one did in the call before, so that none waits here. Called by
        all."""
        if self.count == 1:
            return asks
        before, flag = self._vote, torch.tensor(int(asks))
        self._vote = (dist.all_reduce(flag, dist.ReduceOp.MAX, group=self._group, async_op=True), flag)
        if before is None:
            return False
        before[0].wait()
        return bool(before[1])

    def check_equal(self, network: nn.Module) -> None:
        """Raise `TrainingFailed` where the weights of the processes have come apart. Called by all."""
        if self.count == 1:
            return
        with torch.no_grad():
            sums = [parameter.double().abs().sum() for parameter in network.parameters()]
        rows = self.gather(torch.stack(sums).tolist())
        pairs = ((a, b) for row in rows[1:] for a, b in zip(rows[0], row, strict=True))
        # Weights that are no longer finite are reported as such, elsewhere.
        if not all(math.isclose(a, b, rel_tol=_APART) for a, b in pairs if math.isfinite(a) or math.isfinite(b)):
            raise TrainingFailed(
                "the processes of this run no longer train the same network: a recipe must pass every network and optimizer "
                "through accelerator.prepare, and losses to accelerator.backward"
            ).known()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Let a `GantoolError` inside of one process fail all, so that none waits for one that gave up. Entered by all."""
        own: GantoolError | None = None
        try:
            yield
        except GantoolError as error:
            if self.count == 1:
                raise
            own = error
        told = self.gather(own and [str(own), own.exit_code])
        failed = [rank for rank, each in enumerate(told) if each]
        if not failed:
            return
        if own is None:
            text, code = told[failed[0]]
            own = GantoolError(f"process {failed[0]} of {self.count}: {text}")
            own.exit_code = code
        raise own.known()

    def led(self, make: Callable[[], Any]) -> Any:
        """Let the main process do it, and return to all what it returned: what JSON can hold. Called by all."""
        result = None
        with self.together():
            if self.is_main:
                result = make()
        return self.gather(result)[0]

    @contextmanager
    def surviving(self, folder: Path) -> Iterator[None]:
        """Turn the end or the silence of another process into one line. Raises `ProcessLost`."""
        try:
            yield
        except GantoolError as error:
            if self.count > 1 and not error.told:
                error.urgent = announce(folder, "lost")
            raise
        except RuntimeError as error:
            if self.count == 1 or not _is_of_peers(error):
                raise
            lost = ProcessLost(
                f"process {self.rank} of {self.count}: another process of this run ended, or gave no answer for "
                f"{self.timeout:g} s (--timeout); nothing written is lost: go on with gantool train --resume {folder}"
            )
            # One line is enough: of the process that failed by itself, or of the first survivor.
            lost.urgent = announce(folder, "lost")
            lost.told = not lost.urgent
            raise lost from None


class SharedBuffer:
    """A buffer that sees the images of all processes, as the buffer of a single process with the whole batch would.

    Every process holds a copy and draws the same numbers, so the copies stay equal, a checkpoint holds one, and a run goes on
    with another number of processes as if nothing had happened. The price is one gathering of the batch per exchange.
    """

    def __init__(self, buffer: ReplayBuffer, team: Team) -> None:
        self._buffer, self._team = buffer, team

    def exchange(self, fresh: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W): this process's rows of what the buffer gives for the batch of all processes."""
        start = self._team.rank * len(fresh)
        return self._buffer.exchange(self._team.gather_images(fresh))[start : start + len(fresh)]

    def state_dict(self) -> dict[str, Any]:
        return self._buffer.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._buffer.load_state_dict(state)


def open_team(launch: Launch, *, device: str, precision: str, timeout: float) -> Team:
    """Find the device of this process and meet the others. Raises `GantoolError` where they are not as many as were started."""
    with _meeting(launch, timeout):
        accelerator = make_accelerator(device, precision, launch, timeout=timeout)
    if accelerator.num_processes != launch.count:
        raise GantoolError(
            f"{launch.count} processes were started, but {accelerator.num_processes} train together: "
            "does something else in this process use accelerate or torch.distributed?"
        )
    if launch.count > 1:
        # Said of 1×1 convolutions, whose weights are channels-last and contiguous at once; "not an error", it adds.
        warnings.filterwarnings("ignore", "Grad strides do not match bucket view strides")
    return Team(accelerator, timeout=timeout)


@contextmanager
def _meeting(launch: Launch, timeout: float) -> Iterator[None]:
    """Say soon that others do not come, and in one line that they did not. Raises `GantoolError`."""
    if launch.count == 1:
        yield
        return
    own = f"process {launch.rank} of {launch.count}"
    way_out = "all processes of a launcher have to call gantool.train, or one with alone=True"
    waits = f"{own} waits for the others, {timeout:g} s at most (--timeout): {way_out}\n"
    teller = threading.Timer(_PATIENCE if launch.is_main else 2 * _PATIENCE, sys.stderr.write, (waits,))
    teller.daemon = True
    teller.start()
    try:
        yield
    except RuntimeError as error:
        if not _is_of_peers(error):
            raise
        raise GantoolError(f"{own}: others did not come within {timeout:g} s (--timeout): {way_out}") from None
    finally:
        teller.cancel()


def close_team() -> None:
    """Part from the other processes after a run that ended well."""
    if dist.is_initialized():
        with suppress(RuntimeError):
            dist.destroy_process_group()


def _is_of_peers(error: RuntimeError) -> bool:
    # gloo raises a plain RuntimeError, which names its source file and says what happened; a shape that differs between
    # processes is none of these.
    text = str(error).lower()
    return isinstance(error, dist.DistError) or ("gloo" in text and any(word in text for word in _BROKEN))
