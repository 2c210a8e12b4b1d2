"""Where the time of a training step goes."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from step_case import Steps

OVERHEAD = ("optimizers", "data", "history", "logging")
"""What is to be small beside the passes through the networks."""


class Split:
    """Seconds of each part of a step, each without the parts that it calls itself."""

    def __init__(self, device: str) -> None:
        self.seconds: Counter[str] = Counter()
        self._cuda = device == "cuda"
        self._inner = [0.0]

    def timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function`, with its time counted as that of `part`."""
        return partial(self._call, part, function)

    def _call(self, part: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self._inner.append(0.0)
        began = self._now()
        result = function(*args, **kwargs)
        seconds = self._now() - began
        self.seconds[part] += seconds - self._inner.pop()
        self._inner[-1] += seconds
        return result

    def _now(self) -> float:
        if self._cuda:
            torch.cuda.synchronize()
        return time.perf_counter()


def shares(steps: Steps, device: str, *, rounds: int) -> dict[str, float]:
    """The part of a step's time (0 to 1) that each part of it takes, over `rounds` steps, one log point among them."""
    split, recipe, draws = Split(device), steps.session.recipe, steps.session.draws
    parts = [
        (recipe, "update_refiner", "R"),
        (recipe, "refined", "R"),
        (recipe, "update_discriminator", "D"),
        (recipe, "update_average", "optimizers"),
        (recipe, "set_rates", "optimizers"),
        *((getattr(recipe, f"{name}_optimizer"), method, "optimizers") for name in ("refiner", "discriminator")
          for method in ("step", "zero_grad")),
        (recipe.history, "exchange", "history"),  # type: ignore[attr-defined]
        (draws, "source", "data"),
        (draws, "target", "data"),
        (steps.monitor, "add", "logging"),
        (steps.monitor, "read", "logging"),
    ]  # fmt: skip
    for owner, name, part in parts:
        setattr(owner, name, split.timed(part, getattr(owner, name)))
    for _ in range(rounds):
        split.timed("other", steps)()
    split.timed("logging", steps.monitor.read)()
    for owner, name, _ in parts:
        delattr(owner, name)
    total = sum(split.seconds.values())
    return {part: seconds / total for part, seconds in split.seconds.items()}
