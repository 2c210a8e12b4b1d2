"""Print, as JSON, what a training run's memory rises by at most and what it has to hold, in bytes.

    python benchmarks/training_memory.py laptop 32

Both are counted from where the libraries are loaded and warm. To hold are: parameters with their gradients and Adam's two
moments (and R's average, where there is one), what autograd keeps for the backward pass of one update, data, and history.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gantool.compute.memory import kept_memory
from gantool.plan import Choices, resolve
from gantool.plugins import load_plugins
from gantool.training.session import Session, open_session

IMAGES = 512


class Kept:
    """Counts the bytes that autograd keeps at most for backward passes; use as saved-tensor hooks."""

    def __init__(self, ours: set[int]) -> None:
        self._ours = ours
        self._holders: Counter[int] = Counter()
        self._bytes = self.peak = 0

    def pack(self, tensor: Tensor) -> _Held:
        return _Held(self, tensor)

    def unpack(self, held: _Held) -> Tensor:
        return held.tensor

    def change(self, tensor: Tensor, by: int) -> None:
        storage = tensor.untyped_storage()
        address = storage.data_ptr()
        if address in self._ours:  # a parameter, counted elsewhere
            return
        if self._holders[address] == (0 if by > 0 else 1):
            self._bytes += by * storage.nbytes()
        self._holders[address] += by
        self.peak = max(self.peak, self._bytes)


class _Held:
    def __init__(self, kept: Kept, tensor: Tensor) -> None:
        self._kept, self.tensor = kept, tensor
        kept.change(tensor, 1)

    def __del__(self) -> None:
        self._kept.change(self.tensor, -1)


def status(key: str) -> int:
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines[key].split()[0]) * 2**10


def tensor_bytes(found: object, seen: set[int]) -> int:
    """Bytes of all tensors in a state dict, each storage once."""
    if isinstance(found, Tensor):
        storage = found.untyped_storage()
        new = storage.data_ptr() not in seen
        seen.add(storage.data_ptr())
        return storage.nbytes() if new else 0
    values = found.values() if isinstance(found, dict) else found if isinstance(found, list | tuple) else ()
    return sum(tensor_bytes(value, seen) for value in values)


def start(preset: str, batch: int) -> Session:
    warm_ups = {"recipe.refiner_warmup": 0, "recipe.discriminator_warmup": 0}
    options = {"dataset.synthetic_count": IMAGES, "dataset.real_count": IMAGES, "buffer.size": IMAGES} | warm_ups
    registry = load_plugins()
    choices = Choices(plugin="simgan", preset=preset, options=options, settings={"batch_size": batch, "device": "cpu"})
    return open_session(resolve(registry, choices))


def main(preset: str, batch: int) -> None:
    small = start(preset, 4)  # what libraries allocate once is not the run's
    small.recipe.step(0, small.draws)
    del small
    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmHWM")
    session = start(preset, batch)
    recipe: Any = session.recipe
    with kept_memory():  # as a run does
        for step in range(2):
            recipe.step(step, session.draws)
    peak = status("VmHWM") - before

    networks = (recipe.refiner, recipe.discriminator)
    parameters = [parameter for network in networks for parameter in network.parameters()]
    kept = Kept({parameter.untyped_storage().data_ptr() for parameter in parameters})
    with torch.autograd.graph.saved_tensors_hooks(kept.pack, kept.unpack):
        recipe.step(2, session.draws)
    image = session.held_source[0].numel()
    holds = {
        "networks, gradients, optimizers, history": tensor_bytes(recipe.state_dict(), set())
        + 4 * sum(map(Tensor.numel, parameters)),
        "activations": kept.peak,
        "data": 2 * IMAGES * image + 4 * (session.held_source.numel() + session.held_target.numel()),
    }
    print(json.dumps({"peak": peak, "holds": holds}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
