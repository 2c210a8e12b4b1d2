"""Settings of a run that belong to the host, not to a recipe or a part. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """How long, where and how a run trains, and what it writes."""

    steps: Annotated[int, Ge(0)] = 1000
    """Discriminator updates after the warm-ups."""
    batch_size: Annotated[int, Ge(1)] = 32
    """Images of each domain in one update, all processes together: how many share them does not change what is trained."""
    accumulate: Annotated[int, Ge(1)] = 1
    """Parts in which each process takes its images of an update, one after the other: their gradients add up to those of the
    whole batch, and memory is that of one part. Only recipes that provide "accumulates" can."""
    seed: Annotated[int, Ge(0), Le(2**32 - 1)] = 0
    """Decides initial weights, the order of images and everything that is drawn."""
    device: str = "auto"
    """"auto" (CUDA, then MPS, then the CPU), "cpu", "cuda", "cuda:1", "mps"."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """"bf16" runs convolutions in bfloat16 (autocast); weights and losses stay float32. Slower on most CPUs."""
    compile: bool = False
    """Compile the networks with torch.compile: a minute at the start, faster steps after it."""
    channels_last: bool = True
    """Lay images and weights out channels-last: 1.3 to 1.9 times as fast to train on a CPU, and what tensor cores want."""
    checkpoint_every: Annotated[int, Ge(1)] = 200
    """Steps between checkpoints; one is also written at the end and on Ctrl-C."""
    keep: Annotated[int, Ge(1)] = 2
    """Checkpoints that are kept beside the best one."""
    log_every: Annotated[int, Ge(1)] = 10
    """Steps between lines of metrics.jsonl; the only moments at which the device is waited for."""
    sample_every: Annotated[int, Ge(1)] = 200
    """Steps between sample sheets."""
    cache_gib: Annotated[float, Gt(0)] = 2.0
    """A domain of at most this many GiB (as stored: 8 or 16 bit) is held on the device; a larger one streams from disk."""
    workers: Annotated[int, Ge(0)] = 2
    """Processes that read images of a domain that streams."""
    timeout: Annotated[float, Ge(1)] = 600.0
    """Seconds that a process of a run on several GPUs or machines waits for the others before it gives up."""
